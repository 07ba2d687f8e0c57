import { DdclError } from '@ddcl/core';
import { requireFloats } from '@ddcl/core/fit';
import { normalizeVectors } from '../numbers/normalize-vectors.ts';
import type { SequenceReader } from './sequence-reader.ts';

/**
 * The mean of all tokens of all sequences, [m]: what {@link normalizedTokens} takes off. One pass; weights count.
 *
 * @throws DdclError `data` if no token has a weight
 */
export async function meanToken(reader: SequenceReader): Promise<Float64Array> {
  const { dimension, sequences } = reader;
  const sum = new Float64Array(dimension);
  let total = 0;
  for (let index = 0; index < sequences; index++) {
    const { data, rows, weights } = await reader.read(index);
    requireFloats(data, `Tokens of sequence ${index} (counted from 0)`);
    for (let row = 0; row < rows; row++) {
      const weight = weights?.[row] ?? 1;
      // Padding may hold anything.
      if (weight === 0) continue;
      total += weight;
      for (let axis = 0; axis < dimension; axis++) sum[axis]! += weight * data[row * dimension + axis]!;
    }
  }
  if (!(total > 0)) throw new DdclError('data', 'There is no token to take the mean of. Give at least one.');
  return sum.map((value) => value / total);
}

/**
 * The same sequences with each token at length 1 (zeros stay zeros), as late interaction compares them: by cosine. With a centre it
 * is taken off first, so that cosines are not about what all tokens share. Prototypes for summary vectors are best fitted and applied
 * on such tokens; keep the centre with the model.
 *
 * @param centre [m], as {@link meanToken} gives it for the documents; nothing is taken off without it
 * @throws DdclError `shape` for a centre of another length
 */
export function normalizedTokens(reader: SequenceReader, centre?: ArrayLike<number>): SequenceReader {
  const { dimension, sequences, lengths } = reader;
  if (centre !== undefined && centre.length !== dimension) {
    throw new DdclError('shape', `Tokens have ${dimension} numbers, but the centre has ${centre.length}.`);
  }
  let data: Float32Array | Float64Array = new Float32Array(0);
  return {
    dimension,
    sequences,
    lengths,
    async read(index) {
      const block = await reader.read(index);
      requireFloats(block.data, `Tokens of sequence ${index} (counted from 0)`);
      const length = block.rows * dimension;
      // The reader's own numbers stay as they are.
      if (data.length < length || data.BYTES_PER_ELEMENT !== block.data.BYTES_PER_ELEMENT)
        data = block.data instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
      const own = data.subarray(0, length);
      own.set(block.data);
      if (centre !== undefined) for (let place = 0; place < length; place++) own[place]! -= centre[place % dimension]!;
      normalizeVectors(own, dimension);
      return { ...block, data: own };
    },
  };
}
