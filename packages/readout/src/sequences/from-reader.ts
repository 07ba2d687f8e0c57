import { requireFloats } from '@ddcl/core/fit';
import type { SequenceReader } from './sequence-reader.ts';
import type { TokenBatch } from './token-batch.ts';

/** Tokens of one batch, about. */
const tokensPerBatch = 8192;

/**
 * All sequences of a reader, in order, as packed batches of whole sequences: what `Readout.encodeStream` takes. The numbers of a
 * batch are valid until the next one is asked for; segments count from 0 in each batch, so sequences without tokens at
 * its end are given by one token of weight 0.
 */
export async function* batchesFromReader(reader: SequenceReader): AsyncGenerator<TokenBatch> {
  const { dimension, lengths, sequences } = reader;
  let data: Float32Array | Float64Array | undefined;
  for (let first = 0; first < sequences;) {
    let next = first;
    let tokens = 0;
    // An empty sequence takes one row, of weight 0.
    for (; next < sequences && (next === first || tokens + Math.max(1, lengths[next]!) <= tokensPerBatch); next++)
      tokens += Math.max(1, lengths[next]!);
    const segments = new Int32Array(tokens);
    const weights = new Float64Array(tokens);
    let at = 0;
    for (let sequence = first; sequence < next; sequence++) {
      const block = lengths[sequence] === 0 ? undefined : await reader.read(sequence);
      if (block !== undefined) requireFloats(block.data, `Tokens of sequence ${sequence} (counted from 0)`);
      if (data === undefined || data.length < tokens * dimension) {
        const length = Math.max(tokens, tokensPerBatch) * dimension;
        const grown = block?.data instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
        if (data !== undefined) grown.set(data.subarray(0, at * dimension));
        data = grown;
      }
      const rows = Math.max(1, block?.rows ?? 0);
      if (block === undefined) data.fill(0, at * dimension, (at + 1) * dimension);
      else {
        data.set(block.data, at * dimension);
        for (let row = 0; row < block.rows; row++) weights[at + row] = block.weights?.[row] ?? 1;
      }
      segments.fill(sequence - first, at, at + rows);
      at += rows;
    }
    yield { data: data!.subarray(0, tokens * dimension), shape: [tokens, dimension], segments, weights };
    first = next;
  }
}
