import { cpuBackend } from '@ddcl/backend-cpu';
import {
  add,
  constant,
  f64,
  grad,
  i32,
  mul,
  sum,
  trace,
  type ConcreteType,
  type Tensor,
  type TypedArray,
} from '@ddcl/core';
import { createState, quantizerPart, type QuantizerSpec } from '../../src/index.ts';
import { normals } from '../kinds.ts';

/** Where a quantizer is looked at, in float64. */
export interface Place {
  readonly spec: QuantizerSpec;
  /** [n, m] */
  readonly z: readonly number[];
  readonly weights: readonly number[];
  /** Of the state; those that are left out are as `createState` makes them. */
  readonly tensors?: Readonly<Record<string, readonly number[]>>;
  readonly inputs?: Readonly<Record<string, readonly number[]>>;
  readonly controls?: Readonly<Record<string, number>>;
  /** What the output is multiplied with, [n, m]; the scalar that is differentiated is that sum plus the quantizer's loss. */
  readonly upstream: readonly number[];
}

export interface Ran {
  readonly output: number[];
  readonly hard: number[];
  readonly indices: number[];
  readonly loss: number;
  readonly reports: Readonly<Record<string, number>>;
  readonly next: Readonly<Record<string, number[]>>;
  /** Rows of trained tensors that go elsewhere: flags and values. */
  readonly replaced: Readonly<Record<string, { rows: number[]; values: number[] }>>;
  /** With respect to latents, and to each trained tensor by name. */
  readonly gradients: Readonly<Record<string, number[]>>;
  /** All tensors that went in. */
  readonly tensors: Readonly<Record<string, number[]>>;
}

/** A part in float64 on the CPU backend, with its gradient. */
export async function runPart({
  spec,
  z,
  weights,
  tensors = {},
  inputs = {},
  controls = {},
  upstream,
}: Place): Promise<Ran> {
  const part = quantizerPart(createState(spec, { seed: 3 }), { prefix: '' });
  const n = weights.length;
  const own = Object.entries(part.parameters).map(([name, { shape, data }]) => ({
    name,
    type: f64(...shape) as ConcreteType,
    data: Float64Array.from(tensors[name] ?? Array.from(data!)),
  }));
  const given = Object.entries(part.inputs(n, 'float64')).map(([name, type]) => ({
    name,
    type: (type.dtype === 'int32' ? i32(...type.shape) : f64(...type.shape)) as ConcreteType,
    data: type.dtype === 'int32' ? Int32Array.from(inputs[name]!) : Float64Array.from(inputs[name]!),
  }));
  const defaults: Record<string, number> = { active: 1, depth: spec.depth ?? 1, share: 0.05, noise: 1, tau: 0.7 };
  const all: { type: ConcreteType; data: TypedArray }[] = [
    { type: f64(n, spec.dimension) as ConcreteType, data: Float64Array.from(z) },
    { type: f64(n) as ConcreteType, data: Float64Array.from(weights) },
    ...own,
    ...given,
    ...part.controls.map((name) => ({
      type: f64() as ConcreteType,
      data: Float64Array.of(controls[name] ?? defaults[name]!),
    })),
  ];
  const names: string[] = [];
  const program = trace(
    all.map(({ type }) => type),
    (latents, a, ...others) => {
      const take = (from: number, taken: readonly string[]) =>
        Object.fromEntries(taken.map((name, index) => [name, others[from + index] as Tensor]));
      const parameters = take(
        0,
        own.map(({ name }) => name),
      );
      const built = part.build({
        z: latents!,
        weights: a!,
        parameters,
        inputs: take(
          own.length,
          given.map(({ name }) => name),
        ),
        controls: take(own.length + given.length, part.controls),
      });
      const trained = [...part.trained.codes, ...part.trained.others];
      const total = add(
        sum(mul(built.output, constant(latents!, 'float64', [n, spec.dimension], upstream))),
        built.loss,
      );
      const gradients = grad(total, [latents!, ...trained.map((name) => parameters[name]!)]);
      const results: [string, Tensor][] = [
        ['output', built.output],
        ['hard', built.hard],
        ['indices', built.indices],
        ['loss', built.loss],
        ...Object.entries(built.reports).map(([name, value]): [string, Tensor] => [`report ${name}`, value]),
        ...Object.entries(built.next).map(([name, value]): [string, Tensor] => [`next ${name}`, value]),
        ...Object.entries(built.replaced).flatMap(([name, { rows, values }]): [string, Tensor][] => [
          [`rows ${name}`, rows],
          [`values ${name}`, values],
        ]),
        ...gradients.map((value, index): [string, Tensor] => [`gradient ${['z', ...trained][index]!}`, value]),
      ];
      names.push(...results.map(([name]) => name));
      return results.map(([, value]) => value);
    },
    'part',
  );
  const backend = cpuBackend();
  const executable = await backend.compile(program);
  const made = await executable.run(all.map(({ type, data }) => backend.upload(type, data)));
  const numbers = await Promise.all(made.map(async (buffer) => Array.from(await backend.download(buffer))));
  backend.dispose();
  const named = (prefix: string): Record<string, number[]> =>
    Object.fromEntries(
      names.flatMap((name, index) => (name.startsWith(prefix) ? [[name.slice(prefix.length), numbers[index]!]] : [])),
    );
  const at = (name: string): number[] => numbers[names.indexOf(name)]!;
  return {
    output: at('output'),
    hard: at('hard'),
    indices: at('indices'),
    loss: at('loss')[0]!,
    reports: Object.fromEntries(Object.entries(named('report ')).map(([name, [value]]) => [name, value!])),
    next: named('next '),
    replaced: Object.fromEntries(
      Object.entries(named('rows ')).map(([name, rows]) => [name, { rows, values: at(`values ${name}`) }]),
    ),
    gradients: named('gradient '),
    tensors: Object.fromEntries(own.map(({ name, data }) => [name, Array.from(data)])),
  };
}

/** Numbers for a case: latents, weights of which one is 0, an upstream gradient. */
export function problem(n: number, m: number, seed: number): Pick<Place, 'z' | 'weights' | 'upstream'> {
  return {
    z: Array.from(normals(n * m, seed)),
    weights: Array.from({ length: n }, (_, index) => (index === n - 2 ? 0 : 0.5 + (index % 3))),
    upstream: Array.from(normals(n * m, seed + 1)),
  };
}

/** Central differences of a function of a vector, four points: good to about 1e-9 for steps of 1e-3 and numbers of order 1. */
export function differences(of: (x: number[]) => number, at: readonly number[], step = 1e-3): number[] {
  const value = (index: number, by: number): number => of(at.map((x, place) => (place === index ? x + by : x)));
  return at.map(
    (_, index) =>
      (8 * (value(index, step) - value(index, -step)) - (value(index, 2 * step) - value(index, -2 * step))) /
      (12 * step),
  );
}

/** Largest difference, relative to the largest expected number, which may be 0. */
export function deviation(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) return Infinity;
  const scale = Math.max(...expected.map(Math.abs)) || 1;
  const worst = Math.max(...expected.map((number, index) => Math.abs(actual[index]! - number)));
  return Number.isNaN(worst) ? Infinity : worst / scale;
}
