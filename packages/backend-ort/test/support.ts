import { createRandom, type Program } from '@ddcl/core';
import { elementCount, type Backend, type ConcreteType, type TypedArray } from '@ddcl/core/backend';
import * as ort from 'onnxruntime-node';
import { ortBackend, type OrtBackendOptions, type OrtRuntime } from '../src/index.ts';

/** The runtime of these tests. Its threads do not spin while they wait: with thousands of small sessions that is most of what they do. */
export const runtime: OrtRuntime = {
  ...ort,
  InferenceSession: {
    create: (model: Uint8Array, options: ort.InferenceSession.SessionOptions = {}) =>
      ort.InferenceSession.create(model, {
        ...options,
        extra: {
          ...options.extra,
          session: { ...(options.extra?.['session'] as object), intra_op: { allow_spinning: '0' } },
        },
      }),
  },
} as unknown as OrtRuntime;

/** A backend on the CPU provider with two threads, so that work is really cut. */
export function cpuProvider(options: Partial<OrtBackendOptions> = {}): Promise<Backend> {
  return ortBackend({ runtime, threads: 2, ...options });
}

/** Elements of a type, normally distributed, fixed by the seed. */
export function normal(type: ConcreteType, seed: number, scale = 1): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: elementCount(type.shape) }, () => scale * random.normal());
}

/** Runs a program once; everything it took is given back. */
export async function runOn(
  backend: Backend,
  program: Program,
  data: readonly TypedArray[],
  types: readonly ConcreteType[] = program.parameters as readonly ConcreteType[],
): Promise<TypedArray[]> {
  const executable = await backend.compile(program);
  const inputs = data.map((each, index) => backend.upload(types[index]!, each));
  const results = await executable.run(inputs);
  const values = await Promise.all(results.map((buffer) => backend.download(buffer)));
  for (const buffer of [...inputs, ...results]) backend.free(buffer);
  executable.dispose();
  return values;
}

/** The largest difference, relative to the largest expected number. */
export function deviation(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let [worst, scale] = [0, 0];
  for (let index = 0; index < expected.length; index++) {
    const difference = Math.abs(actual[index]! - expected[index]!);
    // NaN is further away than anything.
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
    scale = Math.max(scale, Math.abs(expected[index]!));
  }
  return scale === 0 ? worst : worst / scale;
}

/** A runtime that counts the sessions it makes and closes, and may change what they are made of. */
export function countingRuntime(change: (model: Uint8Array) => Uint8Array = (model) => model): {
  readonly runtime: OrtRuntime;
  readonly log: { made: number; released: number };
} {
  const log = { made: 0, released: 0 };
  const create = async (model: Uint8Array, options: ort.InferenceSession.SessionOptions): Promise<unknown> => {
    log.made++;
    const session = await ort.InferenceSession.create(change(model), options);
    return {
      run: session.run.bind(session),
      release: async () => {
        log.released++;
        await session.release();
      },
    };
  };
  return { log, runtime: { ...ort, InferenceSession: { create } } as unknown as OrtRuntime };
}
