import { DdclError } from '@ddcl/core';
import { createDecoder } from '../apply/decode.ts';
import { latentRows, type Latents } from '../apply/latents.ts';
import { requireList } from '../checks/require.ts';
import { bookOf, codesPerVector } from '../spec/layout.ts';
import { codebookOf, hasCodes } from '../state/codebooks.ts';
import type { QuantizerState } from '../state/state.ts';

/** The nearest of the vectors that codes stand for. */
export interface CodeHits {
  /** Numbers of vectors, [queries, k], from the nearest on; ties go to the lowest. */
  readonly indices: Int32Array;
  /** Squared distances to their codes' vectors, of the same shape. */
  readonly distances: Float32Array;
}

/** Looks for vectors by their codes, without decoding them. */
export interface CodeSearch {
  /** How many vectors there are. */
  readonly count: number;
  /** @throws DdclError `argument` unless k is a whole number in 1..count; `shape` or `data` for queries that do not fit */
  search(queries: Latents, k: number): CodeHits;
}

/**
 * Asymmetric distances (Jégou, Douze, Schmid, PAMI 2011): a query's products with all codes are made once, and each vector costs as many look-ups as it has
 * codes. For any heads and depth: `|q - x|^2 = |q|^2 - 2 sum q.c + |x|^2`, with the squares of the vectors made when the search is.
 *
 * @param indices [n, H D]
 * @throws DdclError `argument` for kinds without a codebook, and with projections; `data` or `shape` for indices that are no codes
 */
export function createCodeSearch(state: QuantizerState, indices: ArrayLike<number>): CodeSearch {
  requireList('indices', indices);
  const decoder = createDecoder(state);
  const { spec } = decoder;
  if (!hasCodes(spec) || spec.projected || spec.norm !== 'none') {
    throw new DdclError(
      'argument',
      `Codes are searched where vectors are sums of codes: not with ${hasCodes(spec) ? 'projections or a norm' : spec.kind}. Decode them, and compare the vectors.`,
    );
  }
  const { dimension, depth, codes: size, codeDimension: c, sharedHeads } = spec;
  const places = codesPerVector(spec);
  const count = indices.length / places;
  const own = Int32Array.from(indices);
  // What is no whole number is refused as itself, and not as what it was rounded to.
  const isWhole = own.every((value, at) => value === indices[at]);
  if (!isWhole) decoder.decode(indices);
  const squares = new Float64Array(count);
  // In parts, so that decoded vectors take little memory.
  for (let first = 0; first < count; first += 4096) {
    const rows = decoder.decode(own.subarray(first * places, Math.min(count, first + 4096) * places));
    rows.forEach((value, index) => (squares[first + Math.floor(index / dimension)]! += value * value));
  }
  const books = Array.from({ length: places }, (_, place) =>
    codebookOf(spec, state, bookOf(spec, { slice: sharedHeads ? 0 : Math.floor(place / depth), level: place % depth })),
  );
  const tables = new Float64Array(places * size);
  return {
    count,
    search(queries, k) {
      if (!Number.isSafeInteger(k) || k < 1 || k > count)
        throw new DdclError('argument', `k must be a whole number from 1 to the ${count} vectors, but is ${k}.`);
      const { rows, count: asked } = latentRows(queries, dimension);
      const found = { indices: new Int32Array(asked * k), distances: new Float32Array(asked * k) };
      for (let query = 0; query < asked; query++) {
        const q = rows.subarray(query * dimension, (query + 1) * dimension);
        fillTables(tables, books, q, { size, c, depth });
        const square = q.reduce((sum, value) => sum + value * value, 0);
        const best = nearestOf(count, k, (vector) => {
          let product = 0;
          for (let place = 0, at = vector * places; place < places; place++, at++)
            product += tables[place * size + own[at]!]!;
          return square - 2 * product + squares[vector]!;
        });
        best.forEach(([vector, distance], place) => {
          found.indices[query * k + place] = vector;
          found.distances[query * k + place] = Math.max(0, distance);
        });
      }
      return found;
    },
  };
}

/** Products of a query's heads with all codes of each place. */
function fillTables(
  tables: Float64Array,
  books: readonly Float32Array[],
  query: Float32Array,
  { size, c, depth }: { size: number; c: number; depth: number },
): void {
  books.forEach((book, place) => {
    const start = Math.floor(place / depth) * c;
    for (let code = 0; code < size; code++) {
      let product = 0;
      for (let axis = 0; axis < c; axis++) product += query[start + axis]! * book[code * c + axis]!;
      tables[place * size + code] = product;
    }
  });
}

/** The `k` smallest, from the smallest on; ties go to the lowest number. */
function nearestOf(count: number, k: number, distanceOf: (vector: number) => number): (readonly [number, number])[] {
  const best: (readonly [number, number])[] = [];
  let worst = Infinity;
  for (let vector = 0; vector < count; vector++) {
    const distance = distanceOf(vector);
    if (best.length === k && distance >= worst) continue;
    let place = best.length;
    while (place > 0 && best[place - 1]![1] > distance) place--;
    best.splice(place, 0, [vector, distance]);
    if (best.length > k) best.pop();
    worst = best.at(-1)![1];
  }
  return best;
}
