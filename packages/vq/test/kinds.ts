import { createRandom } from '@ddcl/core';
import { tokensFromArray, tokensFromReader, type TokenSource } from '@ddcl/core/fit';
import { quantizerKinds, type QuantizerKind, type QuantizerSpec } from '../src/index.ts';

/** The smallest spec of each kind, for vectors of 4 numbers. */
export function specOf(kind: QuantizerKind, extra: Partial<QuantizerSpec> = {}): QuantizerSpec {
  const size = kind === 'fsq' ? { levels: [4, 3, 3] } : kind === 'lfq' ? { codes: 8 } : { codes: 6 };
  return { kind, dimension: 4, ...size, ...extra };
}

export const kinds: readonly QuantizerKind[] = quantizerKinds;

/** Structures that all kinds have. */
export const structures: Readonly<Record<string, Partial<QuantizerSpec>>> = {
  plain: {},
  residual: { depth: 3 },
  'residual with one codebook': { depth: 2, sharedDepth: true },
  heads: { heads: 2 },
  'heads that share': { heads: 2, sharedHeads: true },
  'heads that share, residual with one codebook': { heads: 2, sharedHeads: true, depth: 2, sharedDepth: true },
  normed: { norm: 'scale' },
};

/** Normal numbers, rounded to float32. */
export function normals(count: number, seed: number, deviation = 1): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => deviation * random.normal());
}

export const sourceOf = (rows: Float32Array, dimension: number, weights?: Float32Array): TokenSource =>
  tokensFromReader(tokensFromArray(rows, dimension, weights));
