import { describe, expect, it } from 'vitest';
import { adviceOf, formatAdvice, nameOf } from '../../src/compare/advice.ts';
import type { CompareRow } from '../../src/compare/rows.ts';

/** A row with the nDCG of each seed. */
const row = (
  readout: string,
  numbers: number,
  gains: readonly number[],
  more: Partial<CompareRow> = {},
): CompareRow => ({
  readout,
  prototypes: null,
  vectors: null,
  temperatureShare: null,
  numbers,
  ...more,
  seeds: gains.map((ndcg10, seed) => ({
    seed,
    accuracy: null,
    validationAccuracy: null,
    clustering: null,
    retrieval: { ndcg10, precision10: 0, meanAveragePrecision: 0 },
    microsecondsPerDocument: 1,
  })),
});

describe('which readout to take', () => {
  const best = { prototypes: 32, temperatureShare: 0.1 };
  it('is the smallest that the best one is not ahead of by more than the standard error of their difference', () => {
    const rows = [
      row('mean', 384, [0.4, 0.42, 0.44]),
      row('small', 96, [0.445, 0.465, 0.48]),
      row('residuals', 12288, [0.45, 0.46, 0.5], best),
    ];
    // The lead of the best over `small` is 0.005, -0.005, 0.02: mean 0.0067, deviation 0.0126, standard error 0.0073.
    expect(adviceOf(rows)).toMatchObject([{ task: 'retrieval', measure: 'nDCG@10', readout: 'small', numbers: 96 }]);
    const [advice] = adviceOf(rows);
    expect(advice!.best).toBeCloseTo(0.47, 12);
    expect(advice!.overMean!.mean).toBeCloseTo(0.13 / 3, 12);
    expect(formatAdvice([advice!], 3)).toBe(
      'for retrieval: small (96 numbers): nDCG@10 0.463 ± 0.018; 0.043 ± 0.003 above the mean; the best has 0.470, ahead by no more than the standard error',
    );
  });

  it('is not one that the best is ahead of by the deviation of their difference, which is more than its standard error', () => {
    const rows = [row('small', 96, [0.44, 0.46, 0.48]), row('residuals', 12288, [0.45, 0.46, 0.5], best)];
    // The lead is 0.01, 0, 0.02: mean and deviation 0.01, standard error 0.0058.
    expect(adviceOf(rows)).toMatchObject([{ readout: 'residuals' }]);
  });

  it('is the best where it leads in every seed by about as much', () => {
    const rows = [row('mean', 384, [0.4, 0.42, 0.44]), row('residuals', 12288, [0.45, 0.46, 0.49], best)];
    const [advice] = adviceOf(rows);
    expect(nameOf(advice!)).toBe('residuals, K = 32, T = 0.1 T_c');
    expect(formatAdvice([advice!], 3)).toBe(
      'for retrieval: residuals, K = 32, T = 0.1 T_c (12,288 numbers): nDCG@10 0.467 ± 0.021; 0.047 ± 0.006 above the mean',
    );
    // With room for less, it is another one.
    expect(adviceOf(rows, 1000)).toMatchObject([{ readout: 'mean' }]);
    expect(adviceOf(rows, 10)).toEqual([]);
  });

  it('says that one seed has no spread', () => {
    expect(formatAdvice(adviceOf([row('mean', 384, [0.4])]), 1)).toBe(
      'for retrieval: mean (384 numbers): nDCG@10 0.400 ± 0.000, spread unknown: --seeds 5 tells it',
    );
  });
});
