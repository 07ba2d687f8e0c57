import { Worker } from 'node:worker_threads';
import { DdclError } from '@ddcl/core';
import type { Answer } from '../data/bounded-worker.ts';
import { checkAborted } from '../data/data-error.ts';
import { nativeWork } from '../output/native-work.ts';
import type { BatchVectors, EncoderFile, EncoderModel } from './encoder-session.ts';
import type { EncoderRequest } from './encoder-worker.ts';

/** Both from the sources, as tests run, and from dist: Node runs no TypeScript. */
const script = new URL('../../dist/encoder/encoder-worker.js', import.meta.url);

/**
 * An encoder's ONNX model in a thread of its own. ONNX Runtime computes a batch, and opens a large model, in one piece that takes seconds: here
 * Ctrl-C and progress are listened to meanwhile.
 */
export class EncoderThread implements EncoderModel {
  readonly #worker: Worker;
  /** Whether an answer is waited for, or was given up: the thread cannot be ended before it comes. */
  #busy = false;
  #answered: Promise<unknown> = Promise.resolve();
  dimension = 0;
  mostTokens: number | undefined;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** @throws DdclError as `EncoderSession.open` and `loadOrt`; `aborted` */
  static async open(file: EncoderFile, signal: AbortSignal | undefined): Promise<EncoderThread> {
    // Conditions of imports under which the process runs sources are not for built ones.
    const thread = new EncoderThread(new Worker(script, { execArgv: [] }));
    try {
      const about = await thread.#ask<Pick<EncoderModel, 'dimension' | 'mostTokens'>>({ kind: 'open', file }, signal);
      return Object.assign(thread, about);
    } catch (error) {
      await thread.dispose();
      throw error;
    }
  }

  /** @throws DdclError as `EncoderSession.run`; `aborted`, at once; Error of ONNX Runtime */
  run(rows: readonly Int32Array[], signal?: AbortSignal): Promise<BatchVectors> {
    return this.#ask({ kind: 'run', rows }, signal);
  }

  async dispose(): Promise<void> {
    // A thread that computes what nobody waits for keeps no process alive: see `nativeWork`.
    if (this.#busy) this.#worker.unref();
    else {
      await this.#ask({ kind: 'close' }, undefined).catch(() => undefined);
      await this.#worker.terminate();
    }
  }

  /** One request after the other: the answer to what was given up comes first. */
  async #ask<Result>(request: EncoderRequest, signal: AbortSignal | undefined): Promise<Result> {
    checkAborted(signal);
    let isGivenUp = false;
    const answer = this.#answered.then(() => (isGivenUp ? undefined : this.#send(request)));
    this.#answered = answer.catch(() => undefined);
    const stop = new AbortController();
    const aborted = new Promise<never>((_, fail) => {
      const onAbort = (): void => {
        isGivenUp = true;
        try {
          checkAborted(signal);
        } catch (error) {
          fail(error);
        }
      };
      signal?.addEventListener('abort', onAbort, { signal: stop.signal });
    });
    try {
      const given = (await Promise.race([answer, aborted]))!;
      if (given.kind === 'done') return given.value as Result;
      const { error, code } = given as Extract<Answer, { kind: 'failed' }>;
      throw code === undefined ? error : new DdclError(code, (error as Error).message);
    } finally {
      stop.abort();
    }
  }

  #send(request: EncoderRequest): Promise<Answer> {
    const worker = this.#worker;
    this.#busy = true;
    nativeWork.begin();
    return new Promise((done, fail) => {
      const end = (): void => {
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        this.#busy = false;
        nativeWork.end();
      };
      const onMessage = (message: Answer): void => {
        end();
        done(message);
      };
      const onError = (error: Error): void => {
        end();
        fail(error);
      };
      const onExit = (status: number): void => onError(new Error(`the encoder's thread ended with ${status}`));
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      worker.postMessage(request, []);
    });
  }
}
