import { DdclError } from '@ddcl/core';
import { requireFloats } from '@ddcl/core/fit';

/**
 * How the tokens of a sequence become one vector without anything learned.
 *
 * - `mean`: weighted mean, `sum_n a_n z_n / sum_n a_n`
 * - `cls`: the first token
 * - `max`: the largest number of each axis (whatever the weights)
 * - `last`: the last token
 * - `weightedMean`: `sum_n n a_n z_n / sum_n n a_n` with positions n from 1, so that later tokens count more, as in SGPT
 *   (Muennighoff 2022) and `weightedmean` of sentence-transformers, which counts padding on the left as positions; here
 *   positions are those of the tokens that take part
 */
export type PoolingKind = 'mean' | 'cls' | 'max' | 'last' | 'weightedMean';

/** All of {@link PoolingKind}. */
export const poolingKinds: readonly PoolingKind[] = ['mean', 'cls', 'max', 'last', 'weightedMean'];

/** Token vectors of one sequence without padding: [weights.length, m]. */
interface Kept {
  readonly rows: readonly Row[];
  readonly weights: readonly number[];
}

type Row = Float32Array | Float64Array;

function addRow(out: Float64Array, row: Row, weight: number): void {
  for (let axis = 0; axis < out.length; axis++) out[axis]! += weight * row[axis]!;
}

/** Weighted mean; weights need not sum to 1. */
function average({ rows, weights }: Kept, out: Float64Array): void {
  // Against the largest: sums of weights stay in range whatever the units.
  const largest = weights.reduce((most, weight) => Math.max(most, weight), 0);
  let mass = 0;
  rows.forEach((row, index) => {
    const weight = weights[index]! / largest;
    mass += weight;
    addRow(out, row, weight);
  });
  for (let axis = 0; axis < out.length; axis++) out[axis]! /= mass;
}

/** Each writes into zeros; there is at least one token. */
const pool: Readonly<Record<PoolingKind, (kept: Kept, out: Float64Array) => void>> = {
  mean: average,
  cls: ({ rows }, out) => {
    out.set(rows[0]!);
  },
  max: ({ rows }, out) => {
    out.set(rows[0]!);
    // Math.max keeps NaN, a comparison would lose it.
    for (const row of rows) for (let axis = 0; axis < out.length; axis++) out[axis] = Math.max(out[axis]!, row[axis]!);
  },
  last: ({ rows }, out) => {
    out.set(rows.at(-1)!);
  },
  weightedMean: ({ rows, weights }, out) => {
    average({ rows, weights: weights.map((weight, index) => weight * (index + 1)) }, out);
  },
};

/** The tokens that take part: those of weight > 0. */
function keptRows(
  tokens: Float32Array | Float64Array,
  rows: number,
  dimension: number,
  given: ArrayLike<number> | undefined,
): Kept {
  const kept: Row[] = [];
  const weights: number[] = [];
  for (let row = 0; row < rows; row++) {
    const weight = given === undefined ? 1 : given[row]!;
    if (!(weight >= 0 && weight < Infinity)) {
      throw new DdclError('data', `Weights are finite and >= 0, but token ${row} (counted from 0) has ${weight}.`);
    }
    if (weight === 0) continue;
    kept.push(tokens.subarray(row * dimension, (row + 1) * dimension));
    weights.push(weight);
  }
  return { rows: kept, weights };
}

/**
 * Pools the tokens of one sequence in float64. A token of weight 0 is padding and takes no part, also where weights do not
 * matter otherwise. A sequence without tokens gives zeros.
 *
 * @param tokens [rows, m]
 * @param dimension m
 * @param weights [rows], >= 0; all 1 if left out.
 * @param out m numbers to write into; new if left out.
 * @throws DdclError `shape` for lengths that do not fit; `data` for weights that are not finite and >= 0, and for tokens that make
 *   the result not finite
 */
export function poolSequence(
  kind: PoolingKind,
  tokens: Float32Array | Float64Array,
  rows: number,
  dimension: number,
  weights?: ArrayLike<number>,
  out: Float64Array = new Float64Array(dimension),
): Float64Array {
  requireFloats(tokens, 'Tokens');
  if (tokens.length !== rows * dimension || out.length !== dimension || (weights && weights.length !== rows)) {
    throw new DdclError(
      'shape',
      `A sequence of ${rows} tokens of m = ${dimension} takes ${rows * dimension} numbers, ${rows} weights and m numbers to write into, but ${tokens.length}, ${weights?.length ?? 'no'} and ${out.length} came.`,
    );
  }
  out.fill(0);
  const kept = keptRows(tokens, rows, dimension, weights);
  if (kept.rows.length > 0) pool[kind](kept, out);
  if (!out.every((value) => Number.isFinite(value))) {
    throw new DdclError('data', `Tokens must be finite, but the ${kind} of these ${rows} tokens is not.`);
  }
  return out;
}
