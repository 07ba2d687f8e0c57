import { createRandom } from '@ddcl/core';
import { tokensFromArray } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { documentMeans } from '../../src/token-shards/document-means.ts';

const dimension = 5;

describe('documentMeans', () => {
  it('is the mean of each document, of length 1', async () => {
    const random = createRandom(2);
    // More tokens than are read at once, and documents without any at the beginning, inside and at the end.
    const lengths = Array.from({ length: 1500 }, (_, index) =>
      [0, 700, 1499].includes(index) ? 0 : 1 + Math.floor(random.uniform() * 12),
    );
    const offsets = [0];
    for (const length of lengths) offsets.push(offsets.at(-1)! + length);
    const tokens = Float32Array.from({ length: offsets.at(-1)! * dimension }, () => 1 + random.normal());
    for (const keepEmpty of [false, true]) {
      const { reader, documents, close } = await documentMeans(tokensFromArray(tokens, dimension), offsets, {
        keepEmpty,
      });
      const expected = lengths.flatMap((length, index) => (length > 0 || keepEmpty ? [index] : []));
      expect([...documents]).toEqual(expected);
      expect(reader.tokens).toBe(expected.length);
      const { data } = await reader.read(0, reader.tokens);
      for (const [row, document] of expected.entries()) {
        const mean = new Float64Array(dimension);
        for (let token = offsets[document]!; token < offsets[document + 1]!; token++)
          for (let axis = 0; axis < dimension; axis++)
            mean[axis]! += tokens[token * dimension + axis]! / lengths[document]!;
        const length = Math.sqrt(mean.reduce((sum, value) => sum + value * value, 0));
        for (let axis = 0; axis < dimension; axis++) {
          const value = length === 0 ? 0 : mean[axis]! / length;
          expect(Math.abs(data[row * dimension + axis]! - value)).toBeLessThan(1e-6);
        }
      }
      await close();
    }
  });

  it('has no direction where the mean is 0', async () => {
    const tokens = tokensFromArray(Float32Array.of(1, 2, -1, -2, 3, 0), 2);
    const { reader, documents, close } = await documentMeans(tokens, [0, 2, 3], { keepEmpty: false });
    expect([...documents]).toEqual([1]);
    expect([...(await reader.read(0, 1)).data]).toEqual([1, 0]);
    await close();
  });
});
