import { f32, type Tensor, type TensorType, type TypedArray } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { tokenPass, tokenProgram, type PassProgram, type TokenSource } from '@ddcl/core/fit';
import { appliedTensors } from '../part/assign.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import { requireAutoencoder, type Autoencoder } from './autoencoder.ts';
import { networkShapes } from './network.ts';

type Tensors = Readonly<Record<string, Tensor>>;

/** A computation on rows with the numbers of an autoencoder, which may change from pass to pass. */
export interface BlockPass {
  blocks(model: Autoencoder): ReturnType<PassProgram['blocks']>;
  dispose(): void;
}

/** @param body of rows, their weights, the networks' weights and the quantizer's tensors */
export async function openBlockPass(
  backend: Backend,
  model: Autoencoder,
  source: TokenSource,
  body: (
    rows: Tensor,
    weights: Tensor,
    networks: Tensors,
    quantizer: Tensors,
    spec: ResolvedSpec,
  ) => { readonly sums?: readonly Tensor[]; readonly perToken?: readonly Tensor[] },
): Promise<BlockPass> {
  const spec = requireAutoencoder(model);
  const shapes = Object.entries(networkShapes(model.sizes));
  const own = appliedTensors(spec, model.quantizer);
  const types: TensorType[] = [...shapes.map(([, shape]) => f32(...shape)), ...own.map(({ type }) => type)];
  const program = tokenProgram('autoencoder', types, (rows, weights, ...others) =>
    body(
      rows,
      weights,
      Object.fromEntries(shapes.map(([name], index) => [name, others[index] as Tensor])),
      Object.fromEntries(own.map(({ name }, index) => [name, others[shapes.length + index] as Tensor])),
      spec,
    ),
  );
  const pass = tokenPass(backend, source, {
    dtype: 'float32',
    frame: { offset: new Float64Array(source.dimension), scale: 1 },
    width: Math.max(source.dimension, model.sizes.hidden, Math.min(spec.codes, 1 << 16)),
    rows: 256,
  });
  try {
    const ready = await pass.compile(program);
    return {
      blocks(now) {
        const numbers: TypedArray[] = [
          ...shapes.map(([name]) => now.weights[name]!),
          ...appliedTensors(spec, now.quantizer).map(({ data }) => data),
        ];
        return ready.blocks(
          types.map((type, index) => [type as (typeof own)[number]['type'], numbers[index]!] as const),
        );
      },
      dispose: () => pass.dispose(),
    };
  } catch (error) {
    pass.dispose();
    throw error;
  }
}
