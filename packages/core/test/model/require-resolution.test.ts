import { expect, it } from 'vitest';
import { requireResolution } from '../../src/model/require-resolution.ts';
import { errorOf } from '../support/run.ts';

it('numbers are refused from where rounding takes a thousandth of the deviation', () => {
  const at = (distance: number) => Float64Array.of(0.6 * distance, -0.8 * distance);
  // 2^-24 / 1e-3 is 1 / 16,777; 2^-53 / 1e-3 is 1 / 9.007e12.
  for (const [dtype, most] of [
    ['float32', 16_777],
    ['float64', 9.007e12],
  ] as const) {
    expect(() => requireResolution(at(2 * most), 4, dtype)).not.toThrow();
    expect(errorOf(() => requireResolution(at(2.001 * most), 4, dtype))).toMatchObject({
      code: 'data',
      message: expect.stringMatching(
        new RegExp(
          `${dtype} rounds numbers of that size.*${dtype === 'float32' ? '--dtype float64.*' : ''}--standardize`,
        ),
      ) as string,
    });
  }
});

it('numbers are refused whose squares leave the dtype', () => {
  const [mean, most] = [Float64Array.of(0, 0), 2 ** 108];
  expect(() => requireResolution(mean, 0.99 * most, 'float32')).not.toThrow();
  expect(() => requireResolution(mean, most, 'float64')).not.toThrow();
  expect(errorOf(() => requireResolution(mean, most, 'float32'))).toMatchObject({
    code: 'data',
    message:
      'The tokens lie 1.80e+16 from their mean, and squares of such distances leave the range of float32. Scale them (--standardize does), or take dtype float64 (--dtype float64).',
  });
  expect(errorOf(() => requireResolution(mean, Infinity, 'float64'))).toMatchObject({
    message:
      'The tokens lie Infinity from their mean, and squares of such distances leave the range of float64. Scale them (--standardize does).',
  });
});
