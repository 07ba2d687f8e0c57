import { BoundedCache, programKey, type Program } from '@ddcl/core/backend';
import type { InferenceSession } from 'onnxruntime-common';
import { emitProgram, type EmittedProgram } from '../emit/emit-program.ts';
import { runsOnProcessor, type ResolvedOptions } from '../options.ts';
import { isNodeRuntime } from '../runtime.ts';
import { createSession } from './create-session.ts';

/** A session and the names of its inputs and outputs. */
export interface CompiledModel extends Omit<EmittedProgram, 'graph'> {
  /** Undefined where no result has elements: then there is nothing to run. */
  readonly session: InferenceSession | undefined;
}

/** A share in a session; the last one to leave lets the cache drop it. */
export interface SessionLease {
  readonly model: CompiledModel;
  /** Idempotent. */
  release(): void;
}

interface Entry {
  readonly key: string;
  readonly model: Promise<CompiledModel>;
  leases: number;
}

/**
 * Sessions by the structure of their programs. Those in use are shared; a bounded number of others is kept for
 * programs that are compiled again.
 */
export class SessionCache {
  readonly #options: ResolvedOptions;
  readonly #used = new Map<string, Entry>();
  readonly #idle: BoundedCache<Entry>;

  constructor(options: ResolvedOptions) {
    this.#options = options;
    this.#idle = new BoundedCache(options.cachedSessions, close);
  }

  async lease(program: Program): Promise<SessionLease> {
    const key = programKey(program);
    const entry = this.#used.get(key) ?? this.#idle.take(key) ?? { key, model: this.#compile(program), leases: 0 };
    this.#used.set(key, entry);
    entry.leases++;
    let model: CompiledModel;
    try {
      model = await entry.model;
    } catch (error) {
      if (this.#used.get(key) === entry) this.#used.delete(key);
      throw error;
    }
    let released = false;
    return {
      model,
      release: () => {
        if (released) return;
        released = true;
        if (--entry.leases > 0) return;
        this.#used.delete(key);
        this.#idle.set(key, entry);
      },
    };
  }

  /** Closes all sessions, those in use too. */
  clear(): void {
    for (const entry of this.#used.values()) close(entry);
    this.#used.clear();
    this.#idle.clear();
  }

  async #compile(program: Program): Promise<CompiledModel> {
    const { graph, ...borders } = emitProgram(program, {
      tiled: runsOnProcessor(this.#options),
      inPieces: isNodeRuntime(this.#options.runtime),
    });
    const runs = borders.outputs.some((name) => name !== undefined);
    return { ...borders, session: runs ? await createSession(this.#options, graph, program) : undefined };
  }
}

function close({ model }: Entry): void {
  // A session that could not be made has told so already; one that cannot be closed is gone anyway.
  model.then(({ session }) => session?.release()).catch(() => {});
}
