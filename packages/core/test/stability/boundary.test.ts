import { describe, expect, it } from 'vitest';
import { prototypeState } from '../../src/measure/prototype-state.ts';
import { tokenPass } from '../../src/pass/token-pass.ts';
import { createRandom } from '../../src/random/random.ts';
import { boundaryHessian } from '../../src/stability/boundary-hessian.ts';
import { findBoundaryTokens } from '../../src/stability/boundary-tokens.ts';
import { deviceHessian } from '../../src/stability/device-hessian.ts';
import { measureStabilityOn } from '../../src/stability/measure-stability.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import { jacobiEigenvalues } from '../support/dense.ts';
import { deviation, randomProblem } from '../support/ddcl-problems.ts';
import {
  assignmentsOf,
  denseHessianOf,
  gradientOf,
  hessianProductOf,
  rowsOf,
  sumsOf,
  type Problem,
} from '../support/oracle.ts';
import { strictBackend } from '../support/strict-backend.ts';

const options = { random: createRandom(5) };
const total = ({ weights }: Problem): number => weights.reduce((a, b) => a + b);

const sourceOf = ({ tokens, weights }: Problem) =>
  tokensFromReader(tokensFromArray(Float64Array.from(tokens.flat()), tokens[0]!.length, Float64Array.from(weights)));

function stateOf({ prototypes, temperature }: Problem, dtype: 'float32' | 'float64' = 'float64') {
  const m = prototypes[0]!.length;
  const frame = { offset: Float64Array.from({ length: m }, (_, axis) => 0.3 * axis), scale: 1.7 };
  return prototypeState(Float64Array.from(prototypes.flat()), m, temperature, frame, dtype);
}

async function withPass<Result>(
  problem: Problem,
  dtype: 'float32' | 'float64',
  use: (...found: [ReturnType<typeof tokenPass>, ReturnType<typeof stateOf>]) => Promise<Result>,
): Promise<Result> {
  const state = stateOf(problem, dtype);
  const backend = strictBackend();
  const pass = tokenPass(backend, sourceOf(problem), { dtype, frame: state.frame, width: state.count, rows: 16 });
  try {
    return await use(pass, state);
  } finally {
    pass.dispose();
    expect(backend.memory().buffers).toBe(0);
  }
}

describe('boundary tokens', () => {
  it.each([
    // Neglected is what rounds off: q < 2^-53 and 2^-24, with distances of up to 40 T in the derivative of w.
    ['cold, float64', 0.02, 'float64', 1e-12],
    ['cold, float32', 0.02, 'float32', 1e-4],
    ['warm', 3, 'float64', 1e-12],
  ] as const)('give the products of all tokens: %s', async (_, temperature, dtype, tolerance) => {
    const problem = randomProblem(60, 5, 3, temperature, 11);
    const random = createRandom(3);
    const direction = Float64Array.from({ length: 15 }, () => random.normal());
    const expected = hessianProductOf(problem, rowsOf(direction, 3))
      .flat()
      .map((value) => value / total(problem));
    await withPass(problem, dtype, async (pass, state) => {
      const found = (await findBoundaryTokens(pass, sourceOf(problem), state, undefined))!;
      const counted = problem.weights.filter((weight) => weight > 0).length;
      if (temperature < 1) expect(found.weights.length).toBeLessThan(0.6 * counted);
      else expect(found.weights.length).toBe(counted);
      expect(found.weights.length).toBeGreaterThan(0);
      const product = await boundaryHessian(found, state)(direction);
      expect(deviation(Array.from(product), expected)).toBeLessThan(tolerance);
      // float32 logits of up to 1,000 are good to 1e-4, and the products of opposite signs to less.
      const onDevice = await (await deviceHessian(pass, state, undefined))(direction);
      expect(deviation(Array.from(onDevice), expected)).toBeLessThan(dtype === 'float64' ? 1e-12 : 5e-3);
    });
  });

  it('are none where each token belongs to one prototype', async () => {
    const { tokens, ...others } = randomProblem(20, 2, 2, 1e-3, 4);
    const problem = {
      ...others,
      tokens: tokens.map(([x, y], index) => [x! + (index % 2 === 0 ? -9 : 9), y!]),
      prototypes: [
        [-9, 0],
        [9, 0],
      ],
    };
    const { curvature, lambdaMin, iterations, converged } = await measureStabilityOn(
      strictBackend(),
      sourceOf(problem),
      20,
      stateOf(problem),
      options,
    );
    expect(converged).toBe(true);
    const masses = [0, 1].map((side) => problem.weights.reduce((sum, a, n) => sum + (n % 2 === side ? a : 0), 0));
    expect(curvature.smallest).toBeCloseTo(1, 12);
    expect(curvature.largest).toBeCloseTo(1, 12);
    expect(lambdaMin).toBeCloseTo((2 * Math.min(...masses)) / total(problem), 12);
    expect(iterations).toBeLessThanOrEqual(8);
  });

  it('are not kept where assignments are soft and products many, which the backend makes then', async () => {
    // 2,100 of these tokens have a weight; x 32 prototypes x 32 axes that is above 2^21.
    const problem = randomProblem(2640, 32, 32, 60, 6);
    const found = await withPass(problem, 'float64', (pass, state) =>
      findBoundaryTokens(pass, sourceOf(problem), state, undefined),
    );
    expect(found).toBeUndefined();
  });
});

describe('the certificate', () => {
  const problem = randomProblem(30, 3, 2, 0.8, 2);

  it('has the curvature of each prototype relative to its mass, and what a step would take off', async () => {
    const { curvature, decrease, converged } = await measureStabilityOn(
      strictBackend(),
      sourceOf(problem),
      30,
      stateOf(problem),
      options,
    );
    const q = assignmentsOf(problem);
    const masses = problem.prototypes.map((_, k) => problem.weights.reduce((sum, a, n) => sum + a * q[n]![k]!, 0));
    const scaled = denseHessianOf(problem).flatMap((row, i) =>
      row.map((entry, j) => entry / (2 * Math.sqrt(masses[Math.floor(i / 2)]! * masses[Math.floor(j / 2)]!))),
    );
    const values = jacobiEigenvalues(
      Float64Array.from(scaled, (value, index) => (value + scaled[(index % 6) * 6 + Math.floor(index / 6)]!) / 2),
      6,
    );
    expect(converged).toBe(true);
    // Differences are good to 1e-9 of the largest entry.
    expect(curvature.smallest).toBeCloseTo(values[0]!, 7);
    expect(curvature.largest).toBeCloseTo(values.at(-1)!, 7);
    const gradient = gradientOf(problem).flat();
    const expected = gradient.reduce((sum, g, index) => sum + g ** 2 / (4 * masses[Math.floor(index / 2)]!), 0);
    expect(decrease / (expected / sumsOf(problem).lq)).toBeCloseTo(1, 10);
  });

  it('of merged prototypes names them, and L_q falls both ways along the direction', async () => {
    const { tokens, ...others } = randomProblem(40, 3, 2, 0.5, 6);
    const merged = {
      ...others,
      tokens: tokens.map(([x, y], index) => [x! + (index % 3 === 0 ? 8 : 0), y!]),
      prototypes: [
        [0, 0],
        [8, 0],
        [0, 0],
      ],
    };
    const { weakest, curvature } = await measureStabilityOn(
      strictBackend(),
      sourceOf(merged),
      40,
      stateOf(merged),
      options,
    );
    expect(curvature.smallest).toBeLessThan(0);
    expect(weakest.kind).toBe('merged');
    expect(weakest.prototypes.toSorted()).toEqual([0, 2]);
    expect(Math.hypot(...weakest.direction)).toBeCloseTo(1, 12);
    const lossAt = (step: number): number =>
      sumsOf({
        ...merged,
        prototypes: merged.prototypes.map((p, k) => p.map((x, axis) => x + step * weakest.direction[2 * k + axis]!)),
      }).lq;
    // The slope is not 0 here; what falls is the mean of both ways.
    expect((lossAt(0.05) + lossAt(-0.05)) / 2).toBeLessThan(lossAt(0));
  });

  it('of a token half way between two prototypes names both as a boundary, until it has decided', async () => {
    const tokens = [-3.2, -3, -2.8, 2.8, 3, 3.2, 9, 9.1, 8.9].map((x) => [x]);
    const at = (extra: number): Problem => ({
      tokens: [...tokens, [extra]],
      weights: Array.from({ length: 10 }, () => 1),
      prototypes: [[-3], [3], [9]],
      temperature: 0.5,
    });
    const measure = (given: Problem) =>
      measureStabilityOn(strictBackend(), sourceOf(given), 10, stateOf(given), options);
    const undecided = await measure(at(0));
    // -(4 / T) q (1 - q) (|z - p_1|^2 + |z - p_2|^2) = -36 against 2 x 3.5: the direction has opposite signs.
    expect(undecided.curvature.smallest).toBeLessThan(-1);
    expect(undecided.weakest).toMatchObject({ kind: 'boundary' });
    expect(undecided.weakest.prototypes.toSorted()).toEqual([0, 1]);
    const decided = await measure(at(1.5));
    expect(decided.curvature.smallest).toBeGreaterThan(0.9);
  });

  it('names a prototype that no token is near', async () => {
    const problem: Problem = {
      tokens: [[-1], [-1.2], [1], [1.2]],
      weights: [1, 1, 1, 1],
      prototypes: [[-1.1], [1.1], [90]],
      temperature: 0.1,
    };
    const { curvature, weakest } = await measureStabilityOn(
      strictBackend(),
      sourceOf(problem),
      4,
      stateOf(problem),
      options,
    );
    expect(curvature.smallest).toBe(0);
    expect(weakest).toMatchObject({ kind: 'unused', prototypes: [2] });
  });
});
