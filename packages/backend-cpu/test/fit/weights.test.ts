import { createRandom } from '@ddcl/core';
import { fit, type FitOptions } from '@ddcl/core/fit';
import { expect, it } from 'vitest';
import { cpuBackend } from '../../src/index.ts';
import { blobs, sourceOf } from './support.ts';

const [tokens, dimension] = [256, 3];
const data = blobs(tokens, dimension, 5, 3, 1);
const random = createRandom(4);
const weights = Float64Array.from({ length: tokens }, (_, n) => (n % 7 === 3 ? 0 : random.uniform() + 0.1));
const usual: FitOptions = { prototypes: 6, steps: 20, batch: 64, seed: 3 };
const fitTimes = (factor: number, options: FitOptions = usual) => {
  const scaled = weights.map((weight) => weight * factor);
  return fit(cpuBackend(), sourceOf(data, dimension, scaled), options);
};

// Beyond 1e19 a weight has no square in float32, beyond 1e38 it has none itself.
it.each([2 ** 60, 2 ** 200, 2 ** -140])('weights times %d change nothing but the weight', async (factor) => {
  const [plain, times] = [await fitTimes(1), await fitTimes(factor)];
  const { weight, ...quantities } = plain.quantities;
  expect(times.model).toEqual(plain.model);
  expect(times.quantities).toEqual({ ...quantities, weight: weight * factor });
  expect(times.history).toEqual(plain.history);
  expect(times.stability).toEqual(plain.stability);
  expect(times.statistics.weight).toBe(plain.statistics.weight * factor);
  expect(times.statistics.sample.weights).toEqual(plain.statistics.sample.weights.map((own) => own * factor));
});

it('nor those that are no power of two, nor where tokens are read anew', async () => {
  const options = { ...usual, tokenMemory: 0 };
  const [plain, times] = [await fitTimes(1, options), await fitTimes(1e16, options)];
  expect(times.quantities.weight / plain.quantities.weight).toBeCloseTo(1e16, -8);
  // Weights are rounded otherwise: float32 has 1e-7, and passes end where one gains less than a thousandth.
  expect(times.quantities.loss.lq / plain.quantities.loss.lq).toBeCloseTo(1, 4);
});
