import { layoutOf } from './layout.ts';
import type { SequenceReader } from './sequence-reader.ts';
import type { TokenBatch } from './token-batch.ts';

/**
 * The sequences of a batch in memory, for whatever takes a reader. Tokens that the mask leaves out, and those of weight 0, are gone.
 *
 * @throws DdclError `shape` or `data` for a batch that does not fit
 */
export function sequencesFromBatch(batch: TokenBatch): SequenceReader {
  const layout = layoutOf(batch);
  const { dimension, offsets, places, sequences } = layout;
  const { data } = batch;
  const lengths = Int32Array.from({ length: sequences }, (_, index) => offsets[index + 1]! - offsets[index]!);
  return {
    dimension,
    sequences,
    lengths,
    async read(index) {
      const own = places.subarray(offsets[index]!, offsets[index + 1]!);
      const rows = own.length;
      const first = own[0] ?? 0;
      const isTogether = rows === 0 || own[rows - 1]! - first === rows - 1;
      let tokens = data.subarray(first * dimension, (first + rows) * dimension);
      if (!isTogether) {
        tokens = data instanceof Float32Array ? new Float32Array(rows * dimension) : new Float64Array(rows * dimension);
        own.forEach((place, row) =>
          tokens.set(data.subarray(place * dimension, (place + 1) * dimension), row * dimension),
        );
      }
      if (batch.weights === undefined) return { data: tokens, rows };
      return { data: tokens, rows, weights: Float64Array.from(own, (place) => layout.weightAt(place)) };
    },
  };
}
