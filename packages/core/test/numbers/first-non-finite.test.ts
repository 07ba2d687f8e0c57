import { expect, test } from 'vitest';
import { firstNonFinite } from '../../src/numbers/first-non-finite.ts';

test.each([Float32Array, Float64Array])('%o: finds the first of any kind at any place', (Floats) => {
  for (let length = 0; length < 10; length++) {
    const values = new Floats(length).map((_, index) => (index % 2 === 0 ? -1 : 1) * 1e30 * index);
    expect(firstNonFinite(values)).toBe(-1);
    for (let index = 0; index < length; index++) {
      for (const bad of [NaN, Infinity, -Infinity]) {
        const spoilt = values.slice();
        spoilt.fill(bad, index);
        expect(firstNonFinite(spoilt)).toBe(index);
        expect(firstNonFinite(spoilt, index)).toBe(-1);
      }
    }
  }
});

test('opposite infinities do not cancel, and the largest numbers are finite', () => {
  expect(firstNonFinite(Float64Array.of(1, Infinity, 2, 3, 4, -Infinity))).toBe(1);
  const largest = 3.4028234663852886e38;
  expect(firstNonFinite(Float32Array.of(largest, -largest, largest, largest))).toBe(-1);
});
