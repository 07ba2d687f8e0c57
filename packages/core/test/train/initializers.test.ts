import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/random/random.ts';
import {
  constantInitializer,
  glorotUniform,
  heNormal,
  normalInitializer,
  onesInitializer,
  uniformInitializer,
  zerosInitializer,
} from '../../src/train/initializers.ts';
import type { Initializer } from '../../src/train/options.ts';
import { errorOf } from '../support/run.ts';

/** Mean, standard deviation and the largest magnitude of 40,000 draws: the first two are known to about 1 %. */
function momentsOf(initialize: Initializer, shape: readonly number[] = [400, 100]) {
  const values = Array.from(initialize(shape, createRandom(4)));
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return { mean, deviation, largest: Math.max(...values.map(Math.abs)) };
}

describe('initializers', () => {
  it.each([
    ['normal', normalInitializer(0.5, 3), 3, 0.5],
    ['uniform', uniformInitializer(-1, 2), 0.5, 3 / Math.sqrt(12)],
    ['glorotUniform', glorotUniform(), 0, Math.sqrt(2 / 500)],
    ['heNormal of [inputs, outputs]', heNormal(), 0, Math.sqrt(2 / 400)],
    ['heNormal of [outputs, inputs]', heNormal({ inputAxis: 1 }), 0, Math.sqrt(2 / 100)],
  ])('%s has its moments', (_, initialize, mean, deviation) => {
    const found = momentsOf(initialize);
    expect(Math.abs(found.mean - mean)).toBeLessThan(0.03 * deviation);
    expect(Math.abs(found.deviation / deviation - 1)).toBeLessThan(0.03);
  });

  it('keep to their bounds, and to their seed', () => {
    expect(momentsOf(glorotUniform()).largest).toBeLessThanOrEqual(Math.sqrt(6 / 500));
    expect(heNormal()([3, 2], createRandom(1))).toEqual(heNormal()([3, 2], createRandom(1)));
    expect(heNormal()([3, 2], createRandom(1))).not.toEqual(heNormal()([3, 2], createRandom(2)));
    expect([
      ...Array.from(zerosInitializer([2], createRandom(0))),
      ...Array.from(onesInitializer([2], createRandom(0))),
    ]).toEqual([0, 0, 1, 1]);
    expect(Array.from(constantInitializer(7)([], createRandom(0)))).toEqual([7]);
  });

  it('of fans refuse what is no matrix', () => {
    expect(errorOf(() => heNormal()([3], createRandom(1))).code).toBe('shape');
    expect(errorOf(() => glorotUniform()([3, 2, 2], createRandom(1))).message).toContain('[3, 2, 2]');
  });
});
