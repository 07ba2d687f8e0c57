import { allocate, type TypedArray } from '../../src/program/dtype.ts';
import type { Program } from '../../src/program/program.ts';
import { elementCount, isConcrete, type ConcreteType, type TensorType } from '../../src/program/tensor-type.ts';
import { isDdclError, type DdclError } from '../../src/errors/ddcl-error.ts';
import { strictBackend, type StrictOptions } from './strict-backend.ts';

/** A value for a parameter: its elements, and the sizes that the parameter's symbols take. */
export interface Value {
  readonly type: ConcreteType;
  readonly data: TypedArray;
}

export function value(type: TensorType, elements: ArrayLike<number>): Value {
  if (!isConcrete(type)) throw new Error('a value needs a concrete type');
  const data = allocate(type.dtype, elements.length);
  data.set(elements);
  return { type, data };
}

/**
 * A program on the strict reference backend, to run many times. Each run checks that it gave back everything it took:
 * with inputs and results freed, nothing is alive.
 */
export async function runner(
  program: Program,
  options: StrictOptions = {},
): Promise<(inputs: readonly Value[]) => Promise<number[][]>> {
  const backend = strictBackend(options);
  const executable = await backend.compile(program);
  return async (inputs) => {
    const buffers = inputs.map(({ type, data }) => backend.upload(type, data));
    const results = await executable.run(buffers);
    const numbers = await Promise.all(results.map(async (buffer) => Array.from(await backend.download(buffer))));
    for (const buffer of [...buffers, ...results]) backend.free(buffer);
    if (backend.log.alive.size > 0) throw new Error(`${backend.log.alive.size} native tensors leaked`);
    return numbers;
  };
}

/** Runs a program once; see {@link runner}. */
export async function run(
  program: Program,
  inputs: readonly Value[],
  options: StrictOptions = {},
): Promise<number[][]> {
  return (await runner(program, options))(inputs);
}

/** mulberry32: numbers in [0, 1) for test data, fixed by the seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Random elements of a type between two bounds. */
export function randomValue(type: TensorType, seed: number, low = -2, high = 2): Value {
  if (!isConcrete(type)) throw new Error('a value needs a concrete type');
  const random = randomNumbers(seed);
  return value(
    type,
    Array.from({ length: elementCount(type.shape) }, () => low + (high - low) * random()),
  );
}

/** The largest difference, relative to the largest number of `expected` (which must not be all zeros). */
export function relativeError(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) return Infinity;
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((number, index) => Math.abs(actual[index]! - number))) / scale;
}

/** The error that an action throws, which must be one of ddcl. */
export function errorOf(action: () => unknown): {
  code: string;
  message: string;
  op: string | undefined;
  shapes: unknown;
} {
  try {
    action();
  } catch (error) {
    if (isDdclError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** The error that a promise is rejected with, which must be one of ddcl. */
export async function rejection(promise: Promise<unknown>): Promise<DdclError> {
  const error = await promise.then(
    () => new Error('nothing was thrown'),
    (reason: unknown) => reason,
  );
  if (isDdclError(error)) return error;
  throw error;
}
