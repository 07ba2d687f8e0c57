import { describe, expect, it } from 'vitest';
import { prototypeState } from '../../src/measure/prototype-state.ts';
import { createRandom } from '../../src/random/random.ts';
import { measureStabilityOn } from '../../src/stability/measure-stability.ts';
import { settlePrototypes } from '../../src/stability/settle-prototypes.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import { tokensFromReader } from '../../src/tokens/from-reader.ts';
import { gradientOf, rowsOf, sumsOf } from '../support/oracle.ts';
import { rejection } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';

/** Four clouds that touch, with weights; the prototypes stand beside their middles. */
const random = createRandom(4);
const middles = [
  [-2, 0],
  [2, 0],
  [0, 3],
  [7, 7],
];
const tokens = Array.from({ length: 120 }, (_, n) => middles[n % 4]!.map((x) => x + random.normal()));
const weights = tokens.map((_, n) => (n % 7 === 6 ? 0 : 1 + (n % 3)));
const prototypes = middles.map((p) => p.map((x) => x + 0.4 * random.normal()));
const problem = { tokens, weights, prototypes, temperature: 0.2 };

const frame = { offset: Float64Array.of(0.5, -1), scale: 1.7 };
const source = tokensFromReader(tokensFromArray(Float64Array.from(tokens.flat()), 2, Float64Array.from(weights)));
const stateAt = (places: ArrayLike<number>, dtype: 'float32' | 'float64' = 'float64', temperature = 0.2) =>
  prototypeState(Float64Array.from(places), 2, temperature, frame, dtype);

describe('settlePrototypes', () => {
  it.each(['float64', 'float32'] as const)('comes to rest in a minimum: %s', async (dtype) => {
    const backend = strictBackend();
    const start = stateAt(prototypes.flat(), dtype);
    const result = (await settlePrototypes(backend, source, 120, start, { tolerance: 1e-10 }))!;
    expect(result.settled).toBe(true);
    expect(result.decrease).toBeLessThanOrEqual(1e-10);
    expect(result.steps).toBeGreaterThan(5);
    const settled = { ...problem, prototypes: rowsOf(result.prototypes, 2) };
    // A decrease of 1e-10 of L_q is a step of 1e-5 of the clouds' size, times twice a mass of 60.
    expect(Math.max(...gradientOf(settled).flat().map(Math.abs))).toBeLessThan(5e-3);
    expect(Math.max(...gradientOf(problem).flat().map(Math.abs))).toBeGreaterThan(5);
    expect(sumsOf(settled).lq).toBeLessThan(sumsOf(problem).lq);
    const { curvature } = await measureStabilityOn(backend, source, 120, stateAt(result.prototypes, dtype), {
      random: createRandom(1),
    });
    expect(curvature.smallest).toBeGreaterThan(0);
    expect(backend.memory().buffers).toBe(0);
  });

  it('looks for boundary tokens anew where prototypes have moved far, so that it ends at rest over all tokens', async () => {
    const cold = { ...problem, temperature: 0.01 };
    const result = (await settlePrototypes(strictBackend(), source, 120, stateAt(prototypes.flat(), 'float64', 0.01)))!;
    expect(result.settled).toBe(true);
    const settled = { ...cold, prototypes: rowsOf(result.prototypes, 2) };
    expect(Math.max(...gradientOf(settled).flat().map(Math.abs))).toBeLessThan(5e-3);
    expect(sumsOf(settled).lq).toBeLessThan(sumsOf(cold).lq);
  });

  it('stays where there is nothing to do, and ends after the steps that it may make', async () => {
    const at = stateAt(prototypes.flat());
    const { prototypes: rest } = (await settlePrototypes(strictBackend(), source, 120, at, { tolerance: 1e-14 }))!;
    const again = (await settlePrototypes(strictBackend(), source, 120, stateAt(rest)))!;
    expect(again).toMatchObject({ steps: 0, settled: true });
    expect(again.prototypes).toEqual(rest);
    const steps: number[] = [];
    const short = (await settlePrototypes(strictBackend(), source, 120, at, {
      steps: 3,
      onStep: (n) => steps.push(n),
    }))!;
    expect(short).toMatchObject({ steps: 3, settled: false });
    expect(steps).toEqual([1, 2, 3]);
    expect(short.decrease).toBeGreaterThan(1e-10);
  });

  it('stops at a signal and gives back what it held', async () => {
    const backend = strictBackend();
    const controller = new AbortController();
    const stopped = settlePrototypes(backend, source, 120, stateAt(prototypes.flat()), {
      signal: controller.signal,
      onStep: (step) => (step === 2 ? controller.abort() : undefined),
    });
    expect((await rejection(stopped)).code).toBe('aborted');
    expect(backend.memory().buffers).toBe(0);
  });
});
