import { withoutPause } from '../../src/abort/pieces.ts';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/random/random.ts';
import { tokenStatistics } from '../../src/statistics/statistics.ts';
import { autoTemperature } from '../../src/temperature/auto.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';

const auto = async (data: Float64Array, dimension: number, prototypes: number, weights?: Float64Array) => {
  const source = tokensFromReader(tokensFromArray(data, dimension, weights));
  const statistics = await tokenStatistics(source, { random: createRandom(1), sampleSize: 4096 });
  const temperature = withoutPause(autoTemperature(statistics, prototypes, createRandom(2)));
  return { temperature, share: temperature / statistics.criticalTemperature, ...statistics };
};
const uniform = (length: number): Float64Array => {
  const random = createRandom(3);
  return Float64Array.from({ length }, () => random.uniform());
};

describe('auto', () => {
  it('is 0.003 of T_c where the cells of the prototypes are large beside that', async () => {
    expect((await auto(uniform(4000 * 8), 8, 4)).share).toBeCloseTo(0.003, 12);
  });

  it.each([64, 256])('is a share of the hard error of %i cells where those are small', async (prototypes) => {
    // Of a uniform column in K equal cells it is 1 / (12 K^2); of tokens that k-means++ picks, 1.5 to 3 times as much.
    const { temperature } = await auto(uniform(4000), 1, prototypes);
    const cells = 0.3 / (12 * prototypes ** 2);
    expect(temperature).toBeGreaterThan(1.2 * cells);
    expect(temperature).toBeLessThan(4 * cells);
  });

  it('looks at tokens by their weight', async () => {
    // Of two clusters of one width the far one has next to no weight: it is as if it were not there.
    const data = Float64Array.from(uniform(4000), (x, index) => x + (index % 2 === 0 ? 0 : 100));
    const weights = Float64Array.from({ length: 4000 }, (_, index) => (index % 2 === 0 ? 1 : 1e-9));
    const [both, one] = [await auto(data, 1, 64, weights), await auto(uniform(4000), 1, 64)];
    expect(both.temperature / one.temperature).toBeGreaterThan(0.5);
    expect(both.temperature / one.temperature).toBeLessThan(2);
  });

  it('is a millionth of the variance at least, also where each token could have a prototype', async () => {
    const few = Float64Array.from({ length: 600 }, (_, index) => index % 3);
    const { temperature, totalVariance } = await auto(few, 1, 3);
    expect(temperature).toBe(1e-6 * totalVariance);
  });

  it('counts the tokens that prototypes sit on where there are hardly others', async () => {
    // Of 40 tokens in two columns 39 prototypes leave out one, whose distance says nothing about the error of all.
    const { temperature, share } = await auto(uniform(80), 2, 39);
    expect(share).toBeLessThan(0.001);
    expect(temperature).toBeGreaterThan(0);
  });
});
