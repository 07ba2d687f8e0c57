import { DdclError } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import type { TokenSource } from '@ddcl/core/fit';
import { requireBackend, requireSource } from '../checks/require.ts';
import { assignCodes } from '../part/assign.ts';
import { codesPerVector } from '../spec/layout.ts';
import { requireState, type QuantizerState } from '../state/state.ts';
import { appliedBlocks } from './row-pass.ts';

/** Codes of some vectors of a source. */
export interface EncodedCodes {
  /** Number of the first vector. */
  readonly first: number;
  readonly rows: number;
  /** [rows, H D], for each head its levels; 0 for vectors of weight 0. */
  readonly indices: Int32Array;
}

/**
 * The codes of vectors that need not fit into memory, in stored order.
 *
 * @throws DdclError `shape` for vectors of another length; `data` for numbers that are not finite; whatever the backend throws
 */
export async function* encodeCodes(
  backend: Backend,
  state: QuantizerState,
  source: TokenSource,
): AsyncGenerator<EncodedCodes> {
  requireBackend(backend);
  const spec = requireState(state);
  requireSource(source);
  if (source.dimension !== spec.dimension) {
    throw new DdclError(
      'shape',
      `The quantizer takes vectors of ${spec.dimension} components, but the source has ${source.dimension}.`,
    );
  }
  const blocks = appliedBlocks(backend, spec, state, source, (z, a, tensors) => ({
    perToken: [assignCodes(spec, tensors, z, a).indices],
  }));
  const perVector = codesPerVector(spec);
  for await (const { first, rows, weights, perToken } of blocks) {
    const indices = perToken[0] as Int32Array;
    for (let row = 0; row < rows; row++)
      if (!(weights[row]! > 0)) indices.fill(0, row * perVector, (row + 1) * perVector);
    yield { first, rows, indices };
  }
}
