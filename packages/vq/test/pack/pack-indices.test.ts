import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packedLength, packIndices, unpackIndices } from '../../src/index.ts';

const size = fc.oneof(
  fc.integer({ min: 2, max: 300 }),
  fc.integer({ min: 2, max: 2 ** 31 - 1 }),
  fc.constantFrom(256, 65536, 2 ** 30),
);

it('codes of any sizes come back, in as many bytes as was said', () => {
  fc.assert(
    fc.property(
      fc.array(size, { minLength: 1, maxLength: 9 }),
      fc.integer({ min: 0, max: 40 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })),
      (codes, count, numbers) => {
        const indices = Int32Array.from({ length: count * codes.length }, (_, index) =>
          Math.floor(numbers.next().value! * codes[index % codes.length]!),
        );
        const bytes = packIndices(indices, codes);
        expect(bytes.length).toBe(packedLength(codes, count));
        expect(unpackIndices(bytes)).toEqual({ indices, codes, count });
        // Also from the middle of another array.
        const within = new Uint8Array([7, ...bytes, 7]).subarray(1, bytes.length + 1);
        expect(unpackIndices(within).indices).toEqual(indices);
      },
    ),
    { numRuns: 150, seed: 1 },
  );
});

it('the largest code of each size comes back', () => {
  for (const codes of [2, 3, 4, 5, 255, 256, 257, 2 ** 24, 2 ** 24 + 1, 2 ** 31 - 1]) {
    const indices = [codes - 1, 0, codes - 1];
    expect(Array.from(unpackIndices(packIndices(indices, [codes])).indices)).toEqual(indices);
  }
});

it('256 codes take a byte each', () => {
  const bytes = packIndices([1, 2, 255, 0], [256, 256]);
  expect(Array.from(bytes.subarray(bytes.length - 4))).toEqual([1, 2, 255, 0]);
});
