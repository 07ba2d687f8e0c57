import { describe, expect, it } from 'vitest';
import { toleranceProblems } from '../src/compare/tolerances.ts';
import { runConformance, type CaseOutcome, type RunConformanceOptions } from '../src/index.ts';
import { inexactBackend, inexactTolerances } from './support/inexact.ts';

const failed = (outcomes: readonly CaseOutcome[]): CaseOutcome[] =>
  outcomes.filter(({ status }) => status === 'failed');

/** Where exp and log are, and where contracts are asked; `npm run check:kit` asks all. */
const only: RunConformanceOptions['only'] = ({ op, group }) =>
  ['exp', 'log', 'tanh', 'softmax/1', 'logSumExp/1', 'crossEntropy/1', 'ddcl.tokenSums/1'].includes(op ?? '') ||
  ['symbolic', 'concurrency', 'donation', 'repeated'].includes(group);

describe('a backend with errors of 4 ulp in exp and log', () => {
  it('fails by the common table', async () => {
    expect(failed(await runConformance(() => inexactBackend(), { only })).length).toBeGreaterThan(20);
  });

  it('passes with two tolerances and no deviation', async () => {
    expect(failed(await runConformance(() => inexactBackend(), { only, tolerances: inexactTolerances }))).toEqual([]);
  });

  it('is found out when something else is wrong as well', async () => {
    const outcomes = await runConformance(() => inexactBackend({ tanh: 1e-5 }), {
      only,
      tolerances: inexactTolerances,
    });
    expect(new Set(failed(outcomes).map(({ op }) => op))).toEqual(new Set(['tanh']));
  });
});

describe("a backend's own tolerances", () => {
  const reason = 'the library does so';

  it('are sound if each allows more, with a reason', () => {
    expect(toleranceProblems(inexactTolerances)).toEqual([]);
    expect(toleranceProblems({})).toEqual([]);
  });

  it('are not, for an op that is exact, without a reason, or without effect', () => {
    const ulps = { float32: 9, float64: 9 };
    expect(toleranceProblems({ gather: { ulps, reason } })).toEqual(['There is no tolerance for gather: it is exact.']);
    expect(toleranceProblems({ exp: { ulps, reason: ' ' } })).toEqual([
      'The tolerance of exp has no reason. Say why the backend cannot do better.',
    ]);
    expect(toleranceProblems({ exp: { ulps: { float32: 1, float64: 1 }, reason } })).toEqual([
      'The tolerance of exp allows nothing that is not allowed anyway. Remove it.',
    ]);
  });
});
