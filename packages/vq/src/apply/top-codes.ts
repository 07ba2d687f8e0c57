import { DdclError } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { requireBackend, requireWhole } from '../checks/require.ts';
import { assignTop } from '../part/assign.ts';
import { hasCodes } from '../state/codebooks.ts';
import { requireState, type QuantizerState } from '../state/state.ts';
import { latentRows, type Latents } from './latents.ts';
import { appliedBlocks, rowSource } from './row-pass.ts';

/** The nearest codes of each head. */
export interface TopCodes {
  /** [n, H, k], from the nearest on. 0 for vectors of weight 0. */
  readonly indices: Int32Array;
  /** Squared, of the same shape; of directions for `cosine`. */
  readonly distances: Float32Array;
}

/**
 * The `k` nearest codes of each head, at its first level.
 *
 * @throws DdclError `argument` unless k is a whole number in 1..K, and for kinds without a codebook; as `quantize`
 */
export async function topCodes(
  backend: Backend,
  state: QuantizerState,
  latents: Latents,
  k: number,
): Promise<TopCodes> {
  requireBackend(backend);
  const spec = requireState(state);
  if (!hasCodes(spec)) {
    throw new DdclError(
      'argument',
      `${spec.kind} has no codebook to look for near codes in: it rounds each component.`,
    );
  }
  requireWhole('k', k, 1, spec.codes);
  const { rows, weights, count } = latentRows(latents, spec.dimension);
  const width = spec.heads * k;
  const indices = new Int32Array(count * width);
  const distances = new Float32Array(count * width);
  const blocks = appliedBlocks(backend, spec, state, rowSource(rows, spec.dimension, weights), (z, a, tensors) => ({
    perToken: assignTop(spec, tensors, z, a, k),
  }));
  for await (const { first, perToken } of blocks) {
    indices.set(perToken[0]!, first * width);
    distances.set(perToken[1]!, first * width);
  }
  for (let vector = 0; vector < count; vector++) {
    if (weights[vector]! > 0) continue;
    for (const made of [indices, distances]) made.fill(0, vector * width, (vector + 1) * width);
  }
  return { indices, distances };
}
