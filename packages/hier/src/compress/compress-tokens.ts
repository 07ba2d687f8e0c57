import { DdclError } from '@ddcl/core';
import { abortableBackend, type Backend } from '@ddcl/core/backend';
import {
  encodeTokens,
  fitPrototypes,
  requireFloats,
  tokensFromArray,
  tokensFromReader,
  type AbortSignalLike,
  type FitOptions,
} from '@ddcl/core/fit';
import { requireNumber, requireWhole } from '../checks/require.ts';
import { refineDirections, requireGoingOn } from './refine-directions.ts';
import { withContext, type TokenContext } from './with-context.ts';

const defaultContext: TokenContext = { reach: 32, weight: 1 };

/** Tokens of one document as a few vectors, with what that lost. */
export interface CompressedTokens {
  /** `shape` [kept, m]: the mean of the tokens of each cell, in the order of the cells' first tokens; of length 1 where tokens are normalized. */
  readonly vectors: Float32Array;
  readonly shape: readonly [number, number];
  /** Vector of each token, [tokens]. */
  readonly cells: Int32Array;
  /** Squared distance of each token to its vector, [tokens]; of normalized ones `2 - 2 cos`, 0..4. */
  readonly lost: Float32Array;
  readonly meanLost: number;
}

export interface CompressOptions extends Pick<FitOptions, 'temperature' | 'seed' | 'restarts'> {
  /** Give each token length 1 first, as late interaction compares them. Default true. */
  readonly normalize?: boolean;
  /**
   * Tell tokens apart by where they stand too. Default 32 tokens to each side at weight 1, with which sentences are found better and each token loses more; weight 0 loses least. Only
   * for tokens of length 1.
   */
  readonly context?: TokenContext;
  readonly signal?: AbortSignalLike;
}

/**
 * Compresses the tokens of one document to at most `budget` vectors: prototypes are fitted to these tokens alone, and each vector is the mean of the tokens nearest to one; of normalized tokens, after rounds of spherical k-means from there. A document with no more distinct tokens than that keeps them
 * all, and loses nothing. Time grows with tokens times budget, memory with tokens; Ward clustering's grow with the square of the tokens.
 *
 * @param tokens [tokens, m], padding left out
 * @param budget most vectors, >= 1
 * @throws DdclError `argument` for another budget; `shape` for numbers that are no rows of m; `data` for numbers that are not finite; `aborted` when the signal fires; as `fit`
 */
export async function compressTokens(
  backend: Backend,
  tokens: Float32Array,
  dimension: number,
  budget: number,
  options: CompressOptions = {},
): Promise<CompressedTokens> {
  requireWhole('The budget', budget, 1);
  requireWhole('dimension', dimension, 1);
  requireFloats(tokens, 'Tokens');
  if (tokens.length % dimension !== 0)
    throw new DdclError('shape', `Tokens are rows of m = ${dimension} numbers, but ${tokens.length} numbers came.`);
  const bad = tokens.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw new DdclError(
      'data',
      `Tokens must be finite, but token ${Math.floor(bad / dimension)} (counted from 0) has ${tokens[bad]}.`,
    );
  const { normalize = true, context = defaultContext, ...fitting } = options;
  requireWhole('context.reach', context.reach, 0);
  requireNumber('context.weight', context.weight, (weight) => weight >= 0, 'a number >= 0');
  requireGoingOn(options.signal);
  backend = abortableBackend(backend, options.signal);
  const rows = tokens.length / dimension;
  const points = normalize ? normalized(tokens, dimension) : tokens;
  const cells = distinctCells(points, rows, dimension, budget) ?? (await fittedCells());
  const kept = inOrder(cells);
  const vectors = new Float32Array(kept * dimension);
  const means = new Float64Array(kept * dimension);
  const sizes = new Float64Array(kept);
  cells.forEach((cell, row) => {
    sizes[cell]! += 1;
    for (let axis = 0; axis < dimension; axis++) means[cell * dimension + axis]! += points[row * dimension + axis]!;
  });
  for (let place = 0; place < means.length; place++)
    vectors[place] = means[place]! / sizes[Math.floor(place / dimension)]!;
  const made = normalize ? normalized(vectors, dimension) : vectors;
  const lost = Float32Array.from(cells, (cell, row) => {
    let distance = 0;
    for (let axis = 0; axis < dimension; axis++)
      distance += (points[row * dimension + axis]! - made[cell * dimension + axis]!) ** 2;
    return distance;
  });
  const meanLost = rows === 0 ? 0 : lost.reduce((sum, value) => sum + value, 0) / rows;
  return { vectors: made, shape: [kept, dimension], cells, lost, meanLost };

  async function fittedCells(): Promise<Int32Array> {
    const told =
      normalize && context.weight > 0 ? normalized(withContext(points, dimension, context), dimension) : points;
    const source = tokensFromReader(tokensFromArray(told, dimension));
    const { model } = await fitPrototypes(backend, source, { ...fitting, prototypes: budget, records: 1 });
    if (normalize)
      return refineDirections(backend, told, normalized(Float32Array.from(model.prototypes), dimension), {
        dimension,
        signal: options.signal,
      });
    const found = new Int32Array(rows);
    let at = 0;
    for await (const { data, rows: count } of encodeTokens(backend, model, source, 'codes', {
      signal: options.signal,
    })) {
      found.set(data, at);
      at += count;
    }
    return found;
  }
}

function normalized(rows: Float32Array, width: number): Float32Array {
  const result = new Float32Array(rows.length);
  for (let start = 0; start < rows.length; start += width) {
    let squares = 0;
    for (let index = start; index < start + width; index++) squares += rows[index]! ** 2;
    const length = Math.sqrt(squares);
    if (length > 0) for (let index = start; index < start + width; index++) result[index] = rows[index]! / length;
  }
  return result;
}

/** A cell for each distinct token, if there are at most `most`. */
function distinctCells(points: Float32Array, rows: number, width: number, most: number): Int32Array | undefined {
  const cells = new Int32Array(rows);
  const known: number[] = [];
  const equals = (a: number, b: number): boolean => {
    for (let axis = 0; axis < width; axis++) if (points[a * width + axis] !== points[b * width + axis]) return false;
    return true;
  };
  for (let row = 0; row < rows; row++) {
    const cell = known.findIndex((other) => equals(row, other));
    cells[row] = cell < 0 ? known.length : cell;
    if (cell < 0 && known.push(row) > most) return undefined;
  }
  return cells;
}

/** Numbers cells by their first tokens, in place; returns how many there are. */
function inOrder(cells: Int32Array): number {
  const numbers = new Map<number, number>();
  cells.forEach((cell, row) => {
    if (!numbers.has(cell)) numbers.set(cell, numbers.size);
    cells[row] = numbers.get(cell)!;
  });
  return numbers.size;
}
