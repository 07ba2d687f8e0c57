import { DdclError } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import type { TokenSource } from '@ddcl/core/fit';
import { assignCodes } from '../part/assign.ts';
import { requireState, type QuantizerState } from '../state/state.ts';
import { appliedBlocks } from './row-pass.ts';

/** Codes of some vectors of a source. */
export interface EncodedCodes {
  /** Number of the first vector. */
  readonly first: number;
  readonly rows: number;
  /** [rows, H D], for each head its levels. */
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
  const spec = requireState(state);
  if (source.dimension !== spec.dimension) {
    throw new DdclError(
      'shape',
      `The quantiser takes vectors of ${spec.dimension} components, but the source has ${source.dimension}.`,
    );
  }
  const blocks = appliedBlocks(backend, spec, state, source, (z, a, tensors) => ({
    perToken: [assignCodes(spec, tensors, z, a).indices],
  }));
  for await (const { first, rows, perToken } of blocks) yield { first, rows, indices: perToken[0] as Int32Array };
}
