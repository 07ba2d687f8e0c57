import { normaliseVectors } from '../encode/normalise.ts';
import type { SequenceReader } from './sequence-reader.ts';

/**
 * The same sequences with each token at length 1 (zeros stay zeros), as late interaction compares them: by cosine. Prototypes for
 * summary vectors are best fitted and applied on such tokens, since long tokens no longer decide where prototypes go.
 */
export function normalisedTokens(reader: SequenceReader): SequenceReader {
  const { dimension, sequences, lengths } = reader;
  let data: Float32Array | Float64Array = new Float32Array(0);
  return {
    dimension,
    sequences,
    lengths,
    async read(index) {
      const block = await reader.read(index);
      const length = block.rows * dimension;
      // The reader's own numbers stay as they are.
      if (data.length < length || data.BYTES_PER_ELEMENT !== block.data.BYTES_PER_ELEMENT)
        data = block.data instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
      const own = data.subarray(0, length);
      own.set(block.data);
      normaliseVectors(own, dimension);
      return { ...block, data: own };
    },
  };
}
