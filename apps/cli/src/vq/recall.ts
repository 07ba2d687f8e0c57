import { f32, nearest, trace } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import type { Vectors } from './open-vectors.ts';

/** Neighbours that a search returns. */
export const neighbours = 10;

/**
 * Numbers of the {@link neighbours} base vectors nearest to each query, [queries, 10] row by row.
 *
 * @param base at least as many as neighbours
 */
export async function nearestRows(
  backend: Backend,
  queries: Vectors,
  base: Pick<Vectors, 'rows' | 'count'>,
): Promise<ArrayLike<number>> {
  const { dimension } = queries;
  const types = [f32(queries.count, dimension), f32(base.count, dimension)] as const;
  const executable = await backend.compile(
    trace(types, (tokens, prototypes) => [nearest({ tokens, prototypes }, neighbours).indices], 'search'),
  );
  // Distances are those of differences from a point among the vectors: squares of far-away ones would lose the digits.
  const centre = meanOf(base.rows, dimension);
  const upload = ({ rows, count }: Pick<Vectors, 'rows' | 'count'>) =>
    backend.upload(
      { dtype: 'float32', shape: [count, dimension] },
      rows.map((value, index) => value - centre[index % dimension]!),
    );
  const [found] = await executable.run([upload(queries), upload(base)]);
  return backend.download(found!) as Promise<ArrayLike<number>>;
}

function meanOf(rows: Float32Array, dimension: number): Float64Array {
  const mean = new Float64Array(dimension);
  rows.forEach((value, index) => (mean[index % dimension]! += value));
  return mean.map((sum) => (sum * dimension) / rows.length);
}

/** Share of the true neighbours that were found, mean over the queries. */
export function recallOf(truth: ArrayLike<number>, found: ArrayLike<number>): number {
  let hits = 0;
  for (let first = 0; first < truth.length; first += neighbours) {
    const wanted = new Set(Array.from({ length: neighbours }, (_, place) => truth[first + place]!));
    for (let place = 0; place < neighbours; place++) if (wanted.has(found[first + place]!)) hits++;
  }
  return hits / truth.length;
}
