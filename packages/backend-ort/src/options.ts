import { DdclError } from '@ddcl/core/backend';
import { isNodeRuntime, providerName, type OrtExecutionProvider, type OrtRuntime } from './runtime.ts';

/** What {@link ortBackend} takes. */
export interface OrtBackendOptions {
  /** The module `onnxruntime-node` or `onnxruntime-web`, which you install and import yourself. */
  readonly runtime: OrtRuntime;
  /**
   * In your order; each must start, and the first that has an op runs it. Ops that none of them has are an error, unless
   * `cpu` (in browsers `wasm`) is in the list. Default: `['cpu']` in Node, `['wasm']` in browsers.
   */
  readonly executionProviders?: readonly OrtExecutionProvider[];
  /** Threads of one run, >= 1. Default: the runtime's, one per core. In browsers set `ort.env.wasm.numThreads` instead. */
  readonly threads?: number;
  /** Largest tensor in bytes. Default 2 GiB in Node, 1 GiB in browsers. */
  readonly maxBufferBytes?: number;
  /** Sessions that are kept for programs compiled again, beside those in use. Default 32. */
  readonly cachedSessions?: number;
}

export interface ResolvedOptions {
  readonly runtime: OrtRuntime;
  readonly executionProviders: readonly OrtExecutionProvider[];
  readonly threads: number | undefined;
  readonly maxBufferBytes: number;
  readonly cachedSessions: number;
}

function requireWhole(name: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least)) return;
  throw new DdclError('argument', `ortBackend takes ${name} as a whole number >= ${least}, but got ${value}.`);
}

/** @throws DdclError `argument` for anything that is not as documented */
export function resolveOptions(options: OrtBackendOptions): ResolvedOptions {
  const { runtime, executionProviders, threads, maxBufferBytes, cachedSessions = 32 } = options;
  if (typeof runtime?.InferenceSession?.create !== 'function' || typeof runtime.Tensor !== 'function') {
    throw new DdclError(
      'argument',
      "ortBackend takes the module onnxruntime-node or onnxruntime-web as 'runtime'. Install one, then: import * as ort from 'onnxruntime-node'; await ortBackend({ runtime: ort }).",
    );
  }
  requireWhole('threads', threads, 1);
  requireWhole('maxBufferBytes', maxBufferBytes, 1);
  requireWhole('cachedSessions', cachedSessions, 0);
  if (executionProviders?.length === 0) {
    throw new DdclError('argument', "ortBackend takes at least one execution provider, such as 'cpu', but got none.");
  }
  const isNode = isNodeRuntime(runtime);
  return {
    runtime,
    executionProviders: executionProviders ?? [isNode ? 'cpu' : 'wasm'],
    threads,
    maxBufferBytes: maxBufferBytes ?? (isNode ? 2 ** 31 : 2 ** 30),
    cachedSessions,
  };
}

/** Whether no graphics card or other device takes part. */
export function runsOnProcessor({ executionProviders }: ResolvedOptions): boolean {
  return executionProviders.map(providerName).every((name) => name === 'cpu' || name === 'wasm');
}
