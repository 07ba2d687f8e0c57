import type { Tensor } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { tokenPass, tokenProgram, tokensFromArray, tokensFromReader, type TokenSource } from '@ddcl/core/fit';
import { appliedTensors } from '../part/assign.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import type { QuantizerState } from '../state/state.ts';

/** What is made of a block of latents [n, m] and weights [n], with the state's tensors by name. */
export type AppliedBody = (
  z: Tensor,
  weights: Tensor,
  tensors: Readonly<Record<string, Tensor>>,
) => { readonly sums?: readonly Tensor[]; readonly perToken?: readonly Tensor[] };

export interface AppliedBlock {
  /** Number of its first vector. */
  readonly first: number;
  readonly rows: number;
  readonly weights: Float32Array | Float64Array;
  readonly sums: readonly ArrayLike<number>[];
  readonly perToken: readonly ArrayLike<number>[];
}

/** Applies a state to vectors, block by block; memory is that of a few blocks. */
export async function* appliedBlocks(
  backend: Backend,
  spec: ResolvedSpec,
  state: QuantizerState,
  source: TokenSource,
  body: AppliedBody,
): AsyncGenerator<AppliedBlock> {
  const tensors = appliedTensors(spec, state);
  const names = tensors.map(({ name }) => name);
  const program = tokenProgram(
    `${spec.kind} codes`,
    tensors.map(({ type }) => type),
    (z, weights, ...own) =>
      body(z, weights, Object.fromEntries(names.map((name, index) => [name, own[index] as Tensor]))),
  );
  const pass = tokenPass(backend, source, {
    dtype: 'float32',
    frame: { offset: new Float64Array(spec.dimension), scale: 1 },
    width: Math.max(spec.codes > 1 << 20 ? 1 : spec.codes, spec.dimension),
  });
  try {
    const ready = await pass.compile(program);
    for await (const block of ready.blocks(tensors.map(({ type, data }) => [type, data] as const))) {
      yield { ...block, weights: block.tokenWeights };
    }
  } finally {
    pass.dispose();
  }
}

/** Rows [n, m] as a source. */
export const rowSource = (rows: Float32Array, dimension: number, weights?: Float32Array): TokenSource =>
  tokensFromReader(tokensFromArray(rows, dimension, weights));
