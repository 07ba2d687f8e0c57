import { describe, expect, it } from 'vitest';
import { prototypeState } from '../../src/measure/prototype-state.ts';
import { createRandom } from '../../src/random/random.ts';
import { evenRows, measureStability, measureStabilityOn } from '../../src/stability/measure-stability.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import { tokenStatistics } from '../../src/statistics/statistics.ts';
import { jacobiEigenvalues } from '../support/dense.ts';
import { randomProblem } from '../support/ddcl-problems.ts';
import { denseHessianOf, type Problem } from '../support/oracle.ts';
import { rejection } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';

const sourceOf = ({ tokens, weights }: Problem) =>
  tokensFromReader(tokensFromArray(Float64Array.from(tokens.flat()), tokens[0]!.length, Float64Array.from(weights)));

/** Eigenvalues of the Hessian of the mean loss, from central differences of naive gradients. */
function denseEigenvalues(problem: Problem): number[] {
  const hessian = denseHessianOf(problem);
  const total = problem.weights.reduce((a, b) => a + b);
  // Differences are symmetric to about 1e-10 only.
  const symmetric = hessian.flatMap((row, i) => row.map((entry, j) => (entry + hessian[j]![i]!) / (2 * total)));
  return jacobiEigenvalues(Float64Array.from(symmetric), hessian.length);
}

async function stateOf(problem: Problem, dtype: 'float32' | 'float64') {
  const statistics = await tokenStatistics(sourceOf(problem), { random: createRandom(0), sampleSize: 64 });
  const prototypes = Float64Array.from(problem.prototypes.flat());
  return {
    statistics,
    state: prototypeState(prototypes, problem.tokens[0]!.length, problem.temperature, statistics.frame, dtype),
  };
}

describe('stability', () => {
  it.each([
    ['K = 3, m = 2', randomProblem(12, 3, 2, 2, 1)],
    ['K = 2, m = 3, hot', randomProblem(10, 2, 3, 30, 2)],
    ['K = 4, m = 1', randomProblem(15, 4, 1, 1.5, 3)],
    ['one prototype', randomProblem(6, 1, 3, 1, 4)],
  ] as const)('is that of the dense Hessian: %s', async (_, problem) => {
    const { state } = await stateOf(problem, 'float64');
    const backend = strictBackend();
    const actual = await measureStabilityOn(backend, sourceOf(problem), problem.tokens.length, state, {
      random: createRandom(5),
    });
    const expected = denseEigenvalues(problem);
    const scale = Math.max(...expected.map(Math.abs));
    // The differences are good to 1e-9 of the largest; Lanczos makes all K m products here, so it is exact.
    expect(Math.abs(actual.lambdaMin - expected[0]!)).toBeLessThan(1e-7 * scale);
    expect(Math.abs(actual.lambdaMax - expected.at(-1)!)).toBeLessThan(1e-7 * scale);
    expect(actual.maxLearningRate).toBe(2 / actual.lambdaMax);
    expect(actual).toMatchObject({
      converged: true,
      tokens: problem.weights.filter((weight) => weight > 0).length,
    });
    expect(actual.iterations).toBeLessThanOrEqual(problem.prototypes.flat().length);
    expect(backend.log.alive.size).toBe(0);
  });

  it('is negative at a saddle: two merged prototypes below their critical temperature', async () => {
    const problem = randomProblem(20, 2, 2, 0.5, 6);
    const merged = {
      ...problem,
      prototypes: [
        [0, 0],
        [0, 0],
      ],
    };
    const { state } = await stateOf(merged, 'float64');
    const { lambdaMin } = await measureStabilityOn(strictBackend(), sourceOf(merged), 20, state, {
      random: createRandom(5),
    });
    expect(lambdaMin).toBeLessThan(-0.1);
    expect(lambdaMin).toBeCloseTo(denseEigenvalues(merged)[0]!, 6);
  });

  it('in float32 is the same to 1e-4', async () => {
    const problem = randomProblem(12, 3, 2, 2, 1);
    const { state } = await stateOf(problem, 'float32');
    const expected = denseEigenvalues(problem);
    const actual = await measureStabilityOn(strictBackend(), sourceOf(problem), 12, state, { random: createRandom(5) });
    // The tolerance of the iteration; products of float32 are good to 1e-6.
    expect(Math.abs(actual.lambdaMin - expected[0]!)).toBeLessThan(1e-4 * expected.at(-1)!);
    expect(Math.abs(actual.lambdaMax / expected.at(-1)! - 1)).toBeLessThan(1e-4);
  });

  it('has no unit: scaled tokens give the same', async () => {
    const problem = randomProblem(12, 3, 2, 2, 1);
    const scaled = {
      ...problem,
      tokens: problem.tokens.map((row) => row.map((x) => 1000 * x + 5)),
      prototypes: problem.prototypes.map((row) => row.map((x) => 1000 * x + 5)),
      temperature: 2e6,
    };
    const measure = async (given: Problem) =>
      measureStabilityOn(strictBackend(), sourceOf(given), 12, (await stateOf(given, 'float64')).state, {
        random: createRandom(5),
      });
    const [a, b] = [await measure(problem), await measure(scaled)];
    expect(b.lambdaMax / a.lambdaMax).toBeCloseTo(1, 9);
    expect(b.lambdaMin / a.lambdaMin).toBeCloseTo(1, 7);
  });

  it('of the sample is that of all tokens where the sample holds them all', async () => {
    const problem = randomProblem(12, 3, 2, 2, 1);
    const { state, statistics } = await stateOf(problem, 'float64');
    const all = await measureStabilityOn(strictBackend(), sourceOf(problem), 12, state, { random: createRandom(5) });
    const options = { random: createRandom(5) };
    const whole = await measureStability(strictBackend(), sourceOf(problem), statistics, state, options);
    expect(whole.lambdaMin / all.lambdaMin).toBeCloseTo(1, 10);
    // So many tokens that they are not looked at.
    const many = { ...statistics, tokens: 2 ** 40 };
    const sampled = await measureStability(strictBackend(), sourceOf(problem), many, state, options);
    // Tokens 4 and 9 have weight 0.
    expect([whole.tokens, sampled.tokens]).toEqual([10, 10]);
    expect([whole.sampled, sampled.sampled]).toEqual([false, true]);
    expect(sampled.lambdaMax / all.lambdaMax).toBeCloseTo(1, 10);
  });

  it('stops at a signal and gives back what it held', async () => {
    const problem = randomProblem(12, 3, 2, 2, 1);
    const { state } = await stateOf(problem, 'float64');
    const backend = strictBackend();
    const controller = new AbortController();
    const onIteration = (iteration: number): void => {
      if (iteration === 2) controller.abort();
    };
    const stopped = measureStabilityOn(backend, sourceOf(problem), 12, state, {
      random: createRandom(5),
      signal: controller.signal,
      onIteration,
    });
    expect((await rejection(stopped)).code).toBe('aborted');
    expect(backend.log.alive.size).toBe(0);
  });
});

describe('evenRows', () => {
  it('takes rows at even distances, or all', () => {
    const rows = Float64Array.from({ length: 14 }, (_, index) => index);
    expect(Array.from(evenRows(rows, 2, 7, 3))).toEqual([0, 1, 4, 5, 8, 9]);
    expect(evenRows(rows, 2, 7, 7)).toBe(rows);
    expect(evenRows(rows, 2, 7, 9)).toBe(rows);
  });
});
