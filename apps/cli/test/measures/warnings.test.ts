import { describe, expect, it } from 'vitest';
import type { FitMeasures } from '../../src/measures/measures.ts';
import { warningsOf } from '../../src/measures/warnings.ts';
import { sampleReport } from '../report/sample-report.ts';

const { measures } = sampleReport();
const whole: FitMeasures = { ...measures, used: 1, distinct: measures.prototypes };
const withStability = (changed: Partial<FitMeasures['stability']>): FitMeasures => ({
  ...whole,
  stability: { ...whole.stability, ...changed },
});
const negative = { lambdaMin: -0.002, curvature: { smallest: -0.5, largest: 1.2 } };

describe('warnings of a certificate', () => {
  it('are none at a minimum', () => {
    expect(warningsOf(whole)).toEqual([]);
  });

  it('tell the eigenvalue, its unit, the tokens, the cause and a remedy', () => {
    const [warning, ...more] = warningsOf(withStability(negative));
    expect(more).toEqual([]);
    for (const part of ['no stable minimum', '4000 tokens', '-0.002', 'no unit', '-0.5', 'prototypes 0, 1', '--settle'])
      expect(warning).toContain(part);
    expect(warning).not.toContain('sample');
  });

  it.each([
    ['merged', [3, 5], /Prototypes 3, 5 lie together and want to part.*--temperature/],
    ['boundary', [2], /boundary of prototype 2 are undecided.*--settle/],
    ['unused', [7], /No token is near prototype 7.*--restarts/],
  ] as const)('have a cause of their own: %s', (kind, prototypes, text) => {
    expect(warningsOf(withStability({ ...negative, weakest: { kind, prototypes } }))[0]).toMatch(text);
  });

  it('of a sample say that it can be the cause itself', () => {
    expect(warningsOf(withStability({ ...negative, sampled: true }))[0]).toMatch(
      /on a sample of 4000 tokens.*can be the cause itself.*ddcl measure/,
    );
  });

  it('come where prototypes are not at rest, and where eigenvalues have not converged', () => {
    expect(warningsOf(withStability({ ...negative, decrease: 0.02 }))).toEqual([
      expect.stringMatching(/not at rest.* 2 % off L_q/),
    ]);
    expect(warningsOf(withStability({ converged: false }))).toEqual([expect.stringContaining('have not converged')]);
  });
});
