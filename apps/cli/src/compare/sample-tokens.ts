import { createRandom } from '@ddcl/core';
import { tokensFromArray, tokensFromReader, type TokenSource } from '@ddcl/core/fit';
import type { SequenceReader } from '@ddcl/readout';

/**
 * Tokens of whole documents, drawn until there are as many as wanted (or all), in memory: what prototypes are fitted on.
 *
 * @param most tokens to take, about
 */
export async function sampleTokens(reader: SequenceReader, most: number, seed: number): Promise<TokenSource> {
  const { dimension, lengths, sequences } = reader;
  const order = createRandom(seed).fork('documents').permutation(sequences);
  const chosen: number[] = [];
  let tokens = 0;
  for (const sequence of order) {
    if (tokens >= most) break;
    chosen.push(sequence);
    tokens += lengths[sequence]!;
  }
  // In the order of the file: reading is fastest that way, and fits shuffle anyway.
  chosen.sort((a, b) => a - b);
  const data = new Float32Array(tokens * dimension);
  let at = 0;
  for (const sequence of chosen) {
    const block = await reader.read(sequence);
    data.set(block.data, at * dimension);
    at += block.rows;
  }
  return tokensFromReader(tokensFromArray(data, dimension));
}
