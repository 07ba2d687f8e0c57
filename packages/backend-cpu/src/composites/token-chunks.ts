import { type CompositeCall, type ConcreteType, type Pieces, type TypedArray } from '@ddcl/core/backend';
import type { Block, Scratch } from '../arithmetic/arithmetic.ts';
import { packInPieces, padded } from '../arithmetic/panels.ts';
import { castInPieces, done, inPieces, inRanges, Pace, type Ranges } from '../arithmetic/pieces.ts';
import { multiplied } from '../arithmetic/product-ranges.ts';

/** The operands of a ddcl composite in double precision, with sizes. */
export interface DdclData {
  readonly scratch: Scratch;
  /** Of all that is done with the tokens. */
  readonly pace: Pace;
  readonly tokens: TypedArray;
  /** [K, m]. */
  readonly prototypes: Float64Array;
  /** Squared lengths of the prototypes, [K]. */
  readonly lengths: Float64Array;
  /** P^T in panels: the second operand of products with rows of m numbers. */
  readonly keys: Block;
  readonly temperature: number;
  /** n, K, m. */
  readonly rows: number;
  readonly count: number;
  readonly dimension: number;
  /** What a row of K and a row of m numbers take: the next multiples of 4, zeros at the end. */
  readonly width: number;
  readonly stride: number;
  /** Tokens that are worked on together. No result depends on it. */
  readonly chunkRows: number;
}

/**
 * Tokens that are worked on together: enough for the matrix product, few enough for the cache, and for loops over [rows, K] or [rows, m]
 * without a pause.
 */
export function chunkRowsFor(count: number, dimension: number): number {
  const most = Math.floor(2 ** 20 / Math.max(count, dimension) / 4) * 4;
  return Math.min(64, Math.max(4, most));
}

/** Distances and assignments of some tokens, a row each; the arrays are reused for the next chunk. */
export interface TokenChunk {
  /** Number of the first token. */
  readonly start: number;
  readonly rows: number;
  /** [rows, stride]. */
  readonly tokens: Block;
  /** `d_nk`, [rows, width], >= 0. */
  readonly distances: Float64Array;
  /** `q_nk`, [rows, width]. */
  readonly q: Block;
  /** `l_n = sum_k q_nk d_nk`, [rows]. */
  readonly errors: Float64Array;
  /** Smallest distance of each token, [rows]. */
  readonly nearest: Float64Array;
  /** Place of it, the lowest at a tie, [rows]. */
  readonly winners: Int32Array;
  /** `sum_k exp x_nk` and `sum_k q_nk x_nk` of `x_nk = (min_j d_nj - d_nk) / T`, [rows]: the entropy is `log total - meanLogit`. */
  readonly totals: Float64Array;
  readonly meanLogits: Float64Array;
}

/** @param prototypesType [K, m] */
export function* ddclData(
  scratch: Scratch,
  { tokens, prototypes, temperature }: Readonly<Record<'tokens' | 'prototypes' | 'temperature', TypedArray>>,
  prototypesType: ConcreteType,
): Pieces<DdclData> {
  const [count, dimension] = prototypesType.shape as [number, number];
  const p = new Float64Array(prototypes);
  return {
    scratch,
    pace: new Pace(),
    tokens,
    prototypes: p,
    lengths: yield* done(squaresInPieces(p, count, dimension)),
    keys: yield* takeKeys(scratch, prototypes, count, dimension),
    temperature: temperature[0]!,
    rows: tokens.length / dimension,
    count,
    dimension,
    width: padded(count),
    stride: padded(dimension),
    chunkRows: chunkRowsFor(count, dimension),
  };
}

/** X^T of X [count, m] in panels. */
export function* takeKeys(scratch: Scratch, x: TypedArray, count: number, dimension: number): Pieces<Block> {
  const keys = scratch.take(padded(count) * dimension);
  yield* done(packInPieces(x, { start: 0, columns: count, column: dimension, row: 1 }, dimension, keys.data));
  return keys;
}

/** Copies rows of m numbers, from one of them on, to rows that take more. */
export function readRows(source: TypedArray, start: number, rows: number, dimension: number, into: Float64Array): void {
  const stride = padded(dimension);
  let from = start * dimension;
  if (stride === dimension) {
    into.set(source.subarray(from, from + rows * dimension));
    return;
  }
  for (let row = 0; row < rows; row++)
    for (let place = row * stride; place < row * stride + dimension; place++) into[place] = source[from++]!;
}

/**
 * Squared lengths of rows, each added up in order, as products are: a token that is a prototype has distance 0. Four rows at a time, since
 * the additions of one wait for each other.
 */
export function rowSquares(
  data: Float64Array,
  rows: number,
  length: number,
  squares: Float64Array = new Float64Array(rows),
): Float64Array {
  let row = 0;
  for (; row + 3 < rows; row += 4) {
    const first = row * length;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let place = first; place < first + length; place++) {
      const x0 = data[place]!;
      const x1 = data[place + length]!;
      const x2 = data[place + 2 * length]!;
      const x3 = data[place + 3 * length]!;
      s0 += x0 * x0;
      s1 += x1 * x1;
      s2 += x2 * x2;
      s3 += x3 * x3;
    }
    squares[row] = s0;
    squares[row + 1] = s1;
    squares[row + 2] = s2;
    squares[row + 3] = s3;
  }
  for (; row < rows; row++) {
    let total = 0;
    for (let place = row * length; place < (row + 1) * length; place++) total += data[place]! * data[place]!;
    squares[row] = total;
  }
  return squares;
}

/** {@link rowSquares} of many rows, with pauses. */
export function squaresInPieces(data: Float64Array, rows: number, length: number): Float64Array | Pieces<Float64Array> {
  const squares = new Float64Array(rows);
  const visit = (from: number, to: number): void =>
    void rowSquares(data.subarray(from * length), to - from, length, squares.subarray(from));
  return inPieces({ length: rows, work: length, visit }, squares);
}

/**
 * Some work on a chunk: a few times over [rows, K] and [rows, m], counted by the pace, or given back as ranges. None takes scratch memory, which
 * is taken when steps are made.
 */
export type ChunkStep = (chunk: TokenChunk) => Ranges | undefined;

/** Goes through the tokens in chunks, each with distances, assignments and what follows from them, which steps use one after the other. */
export function* forEachChunk(data: DdclData, steps: readonly ChunkStep[]): Pieces<void> {
  const { scratch, pace, keys, lengths, temperature, rows: total, count, dimension, width, stride, chunkRows } = data;
  const tokens = scratch.take(chunkRows * stride);
  const inner = scratch.take(chunkRows * width);
  const q = scratch.take(chunkRows * width);
  const squares = new Float64Array(chunkRows);
  const perToken = {
    errors: new Float64Array(chunkRows),
    nearest: new Float64Array(chunkRows),
    totals: new Float64Array(chunkRows),
    meanLogits: new Float64Array(chunkRows),
    winners: new Int32Array(chunkRows),
  };
  const buffers = { distances: inner.data, q: q.data, lengths, count, width, temperature };
  const read: ChunkStep = ({ start, rows }) => {
    readRows(data.tokens, start, rows, dimension, tokens.data);
    rowSquares(tokens.data, rows, stride, squares);
    pace.add(2 * rows * stride);
    const [a, c] = [tokens, inner];
    return multiplied(scratch, { a, rowA: stride, stepA: 1, b: keys, c, rows, columns: width, inner: dimension }, pace);
  };
  const assign: ChunkStep = ({ rows }) => {
    assignRows(rows, squares, buffers, perToken);
    pace.add(assignWork * rows * count);
    return undefined;
  };
  const all = [read, assign, ...steps];
  for (let start = 0; start < total; start += chunkRows) {
    const rows = Math.min(chunkRows, total - start);
    const chunk = { start, rows, tokens, distances: inner.data, q, ...perToken };
    for (const step of all) {
      const rest = step(chunk);
      if (rest !== undefined) yield* inRanges(rest);
      else if (pace.isDue()) yield;
    }
  }
}

/** What a distance and an assignment take, in multiply-adds. */
const assignWork = 16;

/** exp of less is under 1e-43 of the largest: nothing that a sum in double precision would notice, and most of a cold fit's exponentials. */
const negligible = -100;

interface ChunkBuffers {
  /** Inner products with the prototypes, whose place distances take. */
  readonly distances: Float64Array;
  readonly q: Float64Array;
  readonly lengths: Float64Array;
  readonly count: number;
  readonly width: number;
  readonly temperature: number;
}

type PerToken = Pick<TokenChunk, 'errors' | 'nearest' | 'winners' | 'totals' | 'meanLogits'>;

function assignRows(
  rows: number,
  squares: Float64Array,
  { distances, q, lengths, count, width, temperature }: ChunkBuffers,
  { errors, nearest, winners, totals, meanLogits }: PerToken,
): void {
  for (let row = 0; row < rows; row++) {
    const first = row * width;
    const square = squares[row]!;
    let smallest = Infinity;
    let winner = 0;
    for (let k = 0; k < count; k++) {
      const sum = square - 2 * distances[first + k]! + lengths[k]!;
      // Cancellation can leave a small negative number where a token sits on a prototype.
      const distance = sum < 0 ? 0 : sum;
      distances[first + k] = distance;
      if (distance < smallest) {
        smallest = distance;
        winner = k;
      }
    }
    let total = 0;
    let error = 0;
    let logits = 0;
    for (let k = 0; k < count; k++) {
      const distance = distances[first + k]!;
      const logit = (smallest - distance) / temperature;
      if (logit < negligible) {
        q[first + k] = 0;
        continue;
      }
      const power = logit === 0 ? 1 : Math.exp(logit);
      q[first + k] = power;
      total += power;
      error += power * distance;
      logits += power * logit;
    }
    const share = 1 / total;
    for (let k = 0; k < count; k++) q[first + k]! *= share;
    errors[row] = error / total;
    nearest[row] = smallest;
    winners[row] = winner;
    totals[row] = total;
    meanLogits[row] = logits / total;
  }
}

/** Results rounded to their types. */
export function* storeAll(
  values: readonly (ArrayLike<number> | undefined)[],
  call: CompositeCall,
): Pieces<(TypedArray | undefined)[]> {
  const results: (TypedArray | undefined)[] = [];
  for (const [index, value] of values.entries())
    results.push(value && (yield* done(castInPieces(value, call.outputTypes[index]!.dtype))));
  return results;
}
