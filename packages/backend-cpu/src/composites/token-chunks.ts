import { allocate, type CompositeCall, type ConcreteType, type TypedArray } from '@ddcl/core/backend';
import { multiplyPacked, pack } from '../kernels/matmul.ts';

/** Tokens that are worked on together: enough for the matrix product, few enough for the cache. */
export const chunkRows = 64;

/** The operands of a ddcl composite in double precision, with sizes. */
export interface DdclData {
  readonly tokens: TypedArray;
  readonly prototypes: Float64Array;
  readonly temperature: number;
  /** n, K, m. */
  readonly rows: number;
  readonly count: number;
  readonly dimension: number;
}

/** Distances and assignments of some tokens, [rows, K]; the arrays are reused for the next chunk. */
export interface TokenChunk {
  /** Number of the first token. */
  readonly start: number;
  readonly rows: number;
  /** [rows, m] in double precision. */
  readonly tokens: Float64Array;
  /** `d_nk`, [rows, K], >= 0. */
  readonly distances: Float64Array;
  /** `q_nk`, [rows, K]. */
  readonly q: Float64Array;
  /** `l_n = sum_k q_nk d_nk`, [rows]. */
  readonly errors: Float64Array;
  /** Smallest distance of each token, [rows]. */
  readonly nearest: Float64Array;
  /** Place of it, the lowest at a tie, [rows]. */
  readonly winners: Int32Array;
  /** Entropy of each assignment in nats, [rows]. */
  readonly entropies: Float64Array;
}

/** @param prototypesType [K, m] */
export function ddclData(
  { tokens, prototypes, temperature }: Readonly<Record<'tokens' | 'prototypes' | 'temperature', TypedArray>>,
  prototypesType: ConcreteType,
): DdclData {
  const [count, dimension] = prototypesType.shape as [number, number];
  return {
    tokens,
    prototypes: Float64Array.from(prototypes),
    temperature: temperature[0]!,
    rows: tokens.length / dimension,
    count,
    dimension,
  };
}

/** Squared lengths of rows. */
export function rowSquares(
  data: Float64Array,
  rows: number,
  dimension: number,
  squares: Float64Array = new Float64Array(rows),
): Float64Array {
  for (let row = 0; row < rows; row++) {
    let total = 0;
    for (let axis = row * dimension; axis < (row + 1) * dimension; axis++) total += data[axis]! * data[axis]!;
    squares[row] = total;
  }
  return squares;
}

/** Goes through the tokens in chunks, with distances, assignments and what follows from them. */
export function forEachChunk(data: DdclData, visit: (chunk: TokenChunk) => void): void {
  const { tokens, prototypes, temperature, rows: total, count, dimension } = data;
  const lengths = rowSquares(prototypes, count, dimension);
  const make = (length: number): Float64Array => new Float64Array(length);
  const buffers = { inner: make(chunkRows * count), distances: make(chunkRows * count), q: make(chunkRows * count) };
  const packed = make(chunkRows * dimension);
  const squares = make(chunkRows);
  const perToken = {
    errors: make(chunkRows),
    nearest: make(chunkRows),
    entropies: make(chunkRows),
    winners: new Int32Array(chunkRows),
  };
  for (let start = 0; start < total; start += chunkRows) {
    const rows = Math.min(chunkRows, total - start);
    pack(tokens, start * dimension, rows, dimension, true, packed);
    rowSquares(packed, rows, dimension, squares);
    multiplyPacked(packed, prototypes, buffers.inner, 0, rows, count, dimension);
    for (let row = 0; row < rows; row++) assignRow(row, count, temperature, squares[row]!, lengths, buffers, perToken);
    visit({ start, rows, tokens: packed, distances: buffers.distances, q: buffers.q, ...perToken });
  }
}

/** exp of less is under 1e-43 of the largest: nothing that a sum in double precision would notice, and most of a cold fit's exponentials. */
const negligible = -100;

function assignRow(
  row: number,
  count: number,
  temperature: number,
  square: number,
  lengths: Float64Array,
  { inner, distances, q }: { inner: Float64Array; distances: Float64Array; q: Float64Array },
  out: { errors: Float64Array; nearest: Float64Array; entropies: Float64Array; winners: Int32Array },
): void {
  const first = row * count;
  let nearest = Infinity;
  let winner = 0;
  for (let k = 0; k < count; k++) {
    // Cancellation can leave a small negative number where a token sits on a prototype.
    const distance = Math.max(0, square - 2 * inner[first + k]! + lengths[k]!);
    distances[first + k] = distance;
    if (distance < nearest) {
      nearest = distance;
      winner = k;
    }
  }
  let total = 0;
  let error = 0;
  let logits = 0;
  for (let k = 0; k < count; k++) {
    const logit = (nearest - distances[first + k]!) / temperature;
    if (logit < negligible) {
      q[first + k] = 0;
      continue;
    }
    const power = Math.exp(logit);
    q[first + k] = power;
    total += power;
    error += power * distances[first + k]!;
    logits += power * logit;
  }
  for (let k = 0; k < count; k++) q[first + k]! /= total;
  out.errors[row] = error / total;
  out.nearest[row] = nearest;
  out.winners[row] = winner;
  out.entropies[row] = Math.log(total) - logits / total;
}

/** Below this many numbers per token (K m), plain loops beat packing for a tiled product. */
const tiledProduct = 256;

/** Adds up `sum_n D_nk z_n`, [K, m], chunk by chunk. */
export function createTokenSum(
  count: number,
  dimension: number,
): { readonly sums: Float64Array; add(coefficients: Float64Array, chunk: Pick<TokenChunk, 'rows' | 'tokens'>): void } {
  const sums = new Float64Array(count * dimension);
  if (count * dimension < tiledProduct)
    return { sums, add: (coefficients, chunk) => addByLoops(coefficients, chunk, count, dimension, sums) };
  const byPrototype = new Float64Array(chunkRows * count);
  const byAxis = new Float64Array(chunkRows * dimension);
  const part = new Float64Array(count * dimension);
  return {
    sums,
    add(coefficients, { rows, tokens }) {
      pack(coefficients, 0, count, rows, false, byPrototype);
      pack(tokens, 0, dimension, rows, false, byAxis);
      multiplyPacked(byPrototype, byAxis, part, 0, count, dimension, rows);
      for (let index = 0; index < part.length; index++) sums[index]! += part[index]!;
    },
  };
}

function addByLoops(
  coefficients: Float64Array,
  { rows, tokens }: Pick<TokenChunk, 'rows' | 'tokens'>,
  count: number,
  dimension: number,
  sums: Float64Array,
): void {
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < count; k++) {
      const coefficient = coefficients[row * count + k]!;
      if (coefficient === 0) continue;
      for (let axis = 0; axis < dimension; axis++)
        sums[k * dimension + axis]! += coefficient * tokens[row * dimension + axis]!;
    }
  }
}

/** Results rounded to their types. */
export function storeAll(
  values: readonly (ArrayLike<number> | undefined)[],
  call: CompositeCall,
): (TypedArray | undefined)[] {
  return values.map((value, index) => {
    if (value === undefined) return undefined;
    const result = allocate(call.outputTypes[index]!.dtype, value.length);
    for (let element = 0; element < result.length; element++) result[element] = value[element]!;
    return result;
  });
}
