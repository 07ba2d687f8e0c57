import { Worker } from 'node:worker_threads';
import { DdclError, type DdclErrorCode } from '@ddcl/core';
import { checkAborted } from './data-error.ts';

/** What such a thread sends: that it runs, then one answer to each request. */
export type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly value: unknown }
  /** `code` of a DdclError, which loses it on the way. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly code: DdclErrorCode | undefined };

export interface WorkerBounds {
  /** Bytes that the process may grow by while a request is answered. */
  readonly bytes: number;
  /** Bytes of the thread's heap. */
  readonly heap: number;
  /** The error for a request that took more. */
  exceeded(what: 'time' | 'memory'): Error;
}

/**
 * A thread for work on bytes that nobody vouches for, which a loop without an end or a length that is a lie must not stop: it is ended when it takes
 * more time or memory than it may, or at Ctrl-C. Time is that of the processor, so that a busy machine makes no difference.
 */
export interface BoundedWorker {
  /**
   * Sends a request and waits for its answer; one at a time.
   *
   * @param seconds of the processor, for the whole process
   * @throws what the thread threw; `exceeded`; DdclError `aborted`
   */
  ask<Result>(request: unknown, seconds: number): Promise<Result>;
  /** Ends the thread. May be called again. */
  close(): Promise<void>;
}

/** Milliseconds between two looks at the time and the memory. */
const lookEvery = 25;

/** A thread that is done is kept for the next request if its heap is no larger, since one takes a fifth of a second to start. */
const keptHeap = 256 << 20;
const kept = new Map<string, Worker>();
const ended = new WeakSet<Worker>();

function createWorker(script: URL, heap: number): Worker {
  const worker = new Worker(script, {
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(heap / 2 ** 20) },
    // Conditions of imports under which the process runs sources are not for built ones.
    execArgv: [],
  });
  worker.on('exit', () => ended.add(worker));
  // What comes when nothing is asked any more is about nothing.
  worker.on('error', () => undefined);
  return worker;
}

/** @param script of the thread */
export async function startBoundedWorker(
  script: URL,
  bounds: WorkerBounds,
  signal: AbortSignal | undefined,
): Promise<BoundedWorker> {
  const key = `${bounds.heap} ${script.href}`;
  const idle = kept.get(key);
  kept.delete(key);
  const old = idle === undefined || ended.has(idle) ? undefined : idle;
  const worker = old ?? createWorker(script, bounds.heap);
  worker.ref();
  let state: 'idle' | 'busy' | 'closed' = 'idle';
  const close = async (): Promise<void> => {
    if (state === 'closed') return;
    const reusable = state === 'idle' && bounds.heap <= keptHeap && !kept.has(key);
    state = 'closed';
    if (!reusable) await worker.terminate();
    else {
      kept.set(key, worker);
      worker.unref();
    }
  };

  const answer = (seconds: number): Promise<unknown> =>
    new Promise((done, fail) => {
      state = 'busy';
      const began = process.cpuUsage();
      const before = process.memoryUsage.rss();
      const end = (): void => {
        clearInterval(timer);
        signal?.removeEventListener('abort', onAbort);
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      };
      const stop = (error: unknown): void => {
        end();
        void close().then(() => fail(error));
      };
      const onAbort = (): void => {
        try {
          checkAborted(signal);
        } catch (error) {
          stop(error);
        }
      };
      const onMessage = (message: Answer): void => {
        end();
        state = 'idle';
        if (message.kind === 'ready') done(undefined);
        else if (message.kind === 'done') done(message.value);
        else if (message.code === undefined) fail(message.error);
        else fail(new DdclError(message.code, (message.error as Error).message));
      };
      const onError = (error: Error & { code?: unknown }): void =>
        stop(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? bounds.exceeded('memory') : error);
      const onExit = (status: number): void => stop(new Error(`The thread of ${script.href} ended with ${status}.`));
      const timer = setInterval(() => {
        const { user, system } = process.cpuUsage(began);
        if (process.memoryUsage.rss() - before > bounds.bytes) stop(bounds.exceeded('memory'));
        else if ((user + system) / 1e6 > seconds) stop(bounds.exceeded('time'));
      }, lookEvery);
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      signal?.addEventListener('abort', onAbort);
      onAbort();
      if (ended.has(worker)) onExit(-1);
    });

  // Loading the modules takes what it takes.
  if (old === undefined) await answer(Infinity);
  return {
    async ask<Result>(request: unknown, seconds: number) {
      worker.postMessage(request, []);
      return (await answer(seconds)) as Result;
    },
    close,
  };
}
