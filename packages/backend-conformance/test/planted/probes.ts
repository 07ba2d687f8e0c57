import { trace, type Tensor } from '@ddcl/core';
import {
  elementCount,
  isDdclError,
  tensorType,
  type Backend,
  type ConcreteType,
  type DType,
  type TensorType,
  type TypedArray,
} from '@ddcl/core/backend';
import { randomValue, value } from '../../src/cases/data.ts';
import type { Value } from '../../src/oracle/tensor.ts';
import type { Probe } from './planted-fault.ts';

/** A concrete type. */
export const type = (dtype: DType, ...shape: number[]): ConcreteType => tensorType(dtype, shape) as ConcreteType;
export const f32 = (...shape: number[]): ConcreteType => type('float32', ...shape);
export const f64 = (...shape: number[]): ConcreteType => type('float64', ...shape);
export const i32 = (...shape: number[]): ConcreteType => type('int32', ...shape);

/** Random numbers of a type. */
export const some = (of: ConcreteType, seed = 1): Value => randomValue(of, seed);
export const of = (which: ConcreteType, ...numbers: number[]): Value => value(which, numbers);
/** Numbers by place. */
export const filled = (which: ConcreteType, at: (index: number) => number): Value =>
  value(
    which,
    Array.from({ length: elementCount(which.shape) }, (_, index) => at(index)),
  );

type Body = (...inputs: Tensor[]) => readonly Tensor[];

/** What a download is: its class and its numbers. */
export function seen(data: TypedArray): unknown {
  return { class: Object.prototype.toString.call(data), numbers: Array.from(data) };
}

/** Runs and downloads; nothing is freed before the backend's end. */
export async function runOnce(
  backend: Backend,
  body: Body,
  values: readonly Value[],
  types: readonly TensorType[] = values.map((each) => each.type),
  donate: readonly number[] = [],
): Promise<unknown[]> {
  const executable = await backend.compile(trace(types, (...inputs) => [...body(...(inputs as Tensor[]))], 'probe'));
  const inputs = values.map((each) => backend.upload(each.type, each.data));
  const results = await executable.run(inputs, { donate });
  return Promise.all(results.map(async (buffer) => seen(await backend.download(buffer))));
}

/** What a program gives. */
export function gives(body: Body, ...values: Value[]): Probe {
  return (backend) => runOnce(backend, body, values);
}

/** What each of several programs gives, one after the other. */
export function giveInTurn(...programs: readonly (readonly [Body, ...Value[]])[]): Probe {
  return async (backend) => {
    const all: unknown[] = [];
    for (const [body, ...values] of programs) all.push(await runOnce(backend, body, values));
    return all;
  };
}

/** What one program with symbols gives for several sets of inputs in turn. */
export function givesInTurn(types: readonly TensorType[], body: Body, ...runs: readonly (readonly Value[])[]): Probe {
  return async (backend) => {
    const executable = await backend.compile(trace(types, (...inputs) => [...body(...(inputs as Tensor[]))], 'probe'));
    const all: unknown[] = [];
    for (const values of runs) {
      const results = await executable.run(values.map((each) => backend.upload(each.type, each.data)));
      all.push(results.map((result) => result.type.shape));
      for (const result of results) all.push(seen(await backend.download(result)));
    }
    return all;
  };
}

/** What is in the operands after a run. */
export function leaves(body: Body, ...values: Value[]): Probe {
  return async (backend) => {
    const executable = await backend.compile(
      trace(
        values.map((each) => each.type),
        (...inputs) => [...body(...(inputs as Tensor[]))],
        'probe',
      ),
    );
    const inputs = values.map((each) => backend.upload(each.type, each.data));
    await executable.run(inputs);
    return Promise.all(inputs.map(async (buffer) => seen(await backend.download(buffer))));
  };
}

/** The code of the error that something ends with, or what it gives. */
export async function codeOf(action: () => unknown): Promise<unknown> {
  try {
    const result = await action();
    return result === undefined ? 'nothing was thrown' : result;
  } catch (error) {
    return isDdclError(error) ? error.code : String(error);
  }
}

/** Whether two observations differ by more than rounding. */
export function differ(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number') {
    if (a === b || Object.is(a, b)) return false;
    const isExact = !Number.isFinite(a) || !Number.isFinite(b) || (Number.isInteger(a) && Number.isInteger(b));
    return isExact || !(Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b)));
  }
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a !== b;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return left.length !== right.length || left.some(([key, each]) => differ(each, (b as Record<string, unknown>)[key]));
}
