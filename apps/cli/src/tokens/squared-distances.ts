import type { TokenReader } from '@ddcl/core/fit';
import type { SideColumn } from './encoded-file.ts';

/**
 * Rows of codes, with the squared Euclidean distance of each token, as the model sees it, to the vector of its code.
 *
 * @param vectorsOf the vectors of a piece of codes, [rows, m]
 */
export function withDistances(
  codes: AsyncIterable<ArrayLike<number>>,
  width: number,
  reader: TokenReader,
  vectorsOf: (codes: ArrayLike<number>) => ArrayLike<number>,
): { readonly rows: AsyncIterable<ArrayLike<number>>; readonly column: SideColumn } {
  const { dimension } = reader;
  let first = 0;
  let distances = new Float64Array(0);
  async function* rows(): AsyncGenerator<ArrayLike<number>> {
    let start = 0;
    for await (const piece of codes) {
      // Its own array: the piece is used again, and so is the reader's.
      const own = Array.from(piece);
      const count = own.length / width;
      const vectors = vectorsOf(own);
      const { data } = await reader.read(start, count);
      distances = new Float64Array(count);
      for (let row = 0; row < count; row++) {
        for (let axis = row * dimension; axis < (row + 1) * dimension; axis++)
          distances[row]! += (data[axis]! - vectors[axis]!) ** 2;
      }
      first = start;
      start += count;
      yield own;
    }
  }
  return { rows: rows(), column: { name: 'squaredDistance', type: 'float64', at: (row) => distances[row - first]! } };
}
