import { cpuBackend } from '@ddcl/backend-cpu';
import { add, constant, f64, grad, mul, sum, trace, type ConcreteType, type Tensor, type TypedArray } from '@ddcl/core';
import { createState, quantizerPart, type QuantizerSpec } from '@ddcl/vq';

/** A quantizer on some latents, in float64: values, and the gradient of `sum(output * upstream) + loss`. */
export interface QuantizerRun {
  readonly output: readonly number[];
  readonly indices: readonly number[];
  readonly loss: number;
  readonly zGradient: readonly number[];
  /** After the batch, of running averages. */
  readonly codes?: readonly number[];
  /** Of `simvq`. */
  readonly matrixGradient?: readonly number[];
}

export interface QuantizerCase {
  readonly spec: QuantizerSpec;
  /** [n, m] */
  readonly z: readonly number[];
  readonly upstream: readonly number[];
  /** Of the state, by name; others are as `createState` makes them. */
  readonly tensors: Readonly<Record<string, readonly number[]>>;
}

export async function runOurs({ spec, z, upstream, tensors }: QuantizerCase): Promise<QuantizerRun> {
  const part = quantizerPart(createState(spec), { prefix: '' });
  const n = z.length / spec.dimension;
  const own = Object.entries(part.parameters).map(([name, { shape, data }]) => ({
    name,
    type: f64(...shape) as ConcreteType,
    data: Float64Array.from(tensors[name] ?? Array.from(data!)),
  }));
  const all: { type: ConcreteType; data: TypedArray }[] = [
    { type: f64(n, spec.dimension) as ConcreteType, data: Float64Array.from(z) },
    ...own,
    ...part.controls.map(() => ({ type: f64() as ConcreteType, data: Float64Array.of(1) })),
  ];
  const names: string[] = [];
  const program = trace(
    all.map(({ type }) => type),
    (latents, ...others) => {
      const take = (from: number, taken: readonly string[]): Record<string, Tensor> =>
        Object.fromEntries(taken.map((name, index) => [name, others[from + index] as Tensor]));
      const parameters = take(
        0,
        own.map(({ name }) => name),
      );
      const controls = take(own.length, part.controls);
      const built = part.build({ z: latents!, parameters, inputs: {}, controls });
      const weighted = mul(built.output, constant(latents!, 'float64', [n, spec.dimension], upstream));
      const trained = part.trained.others.filter((name) => name.startsWith('matrix.'));
      const gradients = grad(add(sum(weighted), built.loss), [latents!, ...trained.map((name) => parameters[name]!)]);
      const { 'codes.0.0': codes } = built.next;
      const results: [string, Tensor][] = [
        ['output', built.output],
        ['indices', built.indices],
        ['loss', built.loss],
        ['zGradient', gradients[0]!],
        ...(codes === undefined ? [] : [['codes', codes] as [string, Tensor]]),
        ...(trained.length === 0 ? [] : [['matrixGradient', gradients[1]!] as [string, Tensor]]),
      ];
      names.push(...results.map(([name]) => name));
      return results.map(([, value]) => value);
    },
    'quantizer',
  );
  const backend = cpuBackend();
  try {
    const executable = await backend.compile(program);
    const made = await executable.run(all.map(({ type, data }) => backend.upload(type, data)));
    const numbers = await Promise.all(made.map(async (buffer) => Array.from(await backend.download(buffer))));
    const found = Object.fromEntries(names.map((name, index) => [name, numbers[index]!]));
    return { ...found, loss: found['loss']![0]! } as unknown as QuantizerRun;
  } finally {
    backend.dispose();
  }
}
