import { describe, expect, it } from 'vitest';
import { massPreconditioned } from '../../src/optimise/mass-preconditioned.ts';
import { f32, tensorType } from '../../src/program/tensor-type.ts';
import { trace } from '../../src/program/trace.ts';
import { deviation } from '../support/ddcl-problems.ts';
import { errorOf, randomNumbers, runner, value } from '../support/run.ts';

const [count, m, steps] = [4, 3, 20];
const optimizer = massPreconditioned();
const random = randomNumbers(11);
const numbers = (length: number): number[] => Array.from({ length }, () => 2 * random() - 1);
const initial = numbers(count * m);

interface Batch {
  readonly gradient: readonly number[];
  readonly mass: readonly number[];
  readonly rate: number;
}

/** Masses that differ by decades, so that the lightest is held at some steps; rates that fall from 0.5. */
const usual: readonly Batch[] = Array.from({ length: steps }, (_, step) => ({
  gradient: numbers(count * m),
  mass: Array.from({ length: count }, (_, k) => 10 ** (0.8 * k - 2) * (0.2 + 2 * random())),
  rate: 0.5 / (1 + step / 4),
}));

/** Parameters and running masses after each batch. */
async function optimised(batches: readonly Batch[], dtype: 'float32' | 'float64' = 'float64') {
  const [matrix, rows, scalar] = [tensorType(dtype, [count, m]), tensorType(dtype, [count]), tensorType(dtype, [])];
  const program = trace([matrix, matrix, rows, scalar, rows], (parameter, gradient, mass, learningRate, before) => {
    const made = optimizer.update(parameter, gradient, [before], { learningRate, step: learningRate, mass });
    return [made.parameter, ...made.state];
  });
  const run = await runner(program);
  let [held, state] = [initial, new Array<number>(count).fill(0)];
  for (const { gradient, mass, rate } of batches) {
    [held, state] = (await run([
      value(matrix, held),
      value(matrix, gradient),
      value(rows, mass),
      value(scalar, [rate]),
      value(rows, state),
    ])) as [number[], number[]];
  }
  return { held, state };
}

/** S = (1 - rho) S + rho mass, p = p - rho g / (2 S) where S is at least a hundredth of the mean one. */
function naive(batches: readonly Batch[]) {
  const [held, state] = [[...initial], new Array<number>(count).fill(0)];
  let stops = 0;
  for (const { gradient, mass, rate } of batches) {
    for (let k = 0; k < count; k++) state[k] = (1 - rate) * state[k]! + rate * mass[k]!;
    const mean = state.reduce((total, each) => total + each, 0) / count;
    for (let k = 0; k < count; k++) {
      if (state[k]! < Math.max(mean / 100, 1e-30)) stops++;
      else
        for (let axis = 0; axis < m; axis++) held[k * m + axis]! -= (rate * gradient[k * m + axis]!) / (2 * state[k]!);
    }
  }
  return { held, state, stops };
}

describe('massPreconditioned', () => {
  it('divides by twice the running mean of the mass, over 20 steps', async () => {
    const [got, wanted] = [await optimised(usual), naive(usual)];
    expect(deviation(got.held, wanted.held)).toBeLessThan(1e-12);
    expect(deviation(got.state, wanted.state)).toBeLessThan(1e-12);
    expect(wanted.stops).toBeGreaterThan(0);
    expect(wanted.held.every((x, index) => x !== initial[index])).toBe(true);
    // Twenty steps of a few roundings of 6e-8, of which none makes another grow.
    expect(deviation((await optimised(usual, 'float32')).held, wanted.held)).toBeLessThan(1e-5);
  });

  it('leaves prototypes of negligible or negative mass where they are, and moves the others', async () => {
    const mass = [1, -0.5, 0.001, 0];
    const { held, state } = await optimised([{ gradient: initial.map(() => 1), mass, rate: 1 }]);
    expect(held.slice(0, m)).toEqual(initial.slice(0, m).map((x) => expect.closeTo(x - 0.5, 12)));
    expect(held.slice(m)).toEqual(initial.slice(m));
    expect(state).toEqual(mass);
    // On either side of a hundredth of the mean: 0.01 (1 + s) / 4 is about 0.0025.
    const small = (share: number) => [{ gradient: initial.map(() => 1), mass: [1, 0, 0, share], rate: 1 }];
    expect((await optimised(small(0.0024))).held.slice(-m)).toEqual(initial.slice(-m));
    expect((await optimised(small(0.0026))).held.slice(-m)).not.toEqual(initial.slice(-m));
  });

  it('moves nothing by batches of weight 0, first or later, and goes on', async () => {
    const empty = { gradient: initial.map(() => 0), mass: [0, 0, 0, 0], rate: 0.3 };
    for (const dtype of ['float32', 'float64'] as const) {
      const first = await optimised([empty], dtype);
      expect(deviation(first.held, initial)).toBeLessThan(1e-7);
      expect(first.state).toEqual([0, 0, 0, 0]);
    }
    const batches = [empty, usual[0]!, empty, empty, usual[1]!];
    const [got, wanted] = [await optimised(batches), naive(batches)];
    expect(deviation(got.held, wanted.held)).toBeLessThan(1e-12);
    expect(got.held.every(Number.isFinite)).toBe(true);
  });

  it('says what it divides by, element by element; held rows are infinitely heavy', () => {
    const masses = Float64Array.of(3, 0.5, -1, 0.001);
    expect([...optimizer.divisor!([masses], 5, count * 2)]).toEqual([
      6,
      6,
      1,
      1,
      Infinity,
      Infinity,
      Infinity,
      Infinity,
    ]);
    expect([...optimizer.divisor!([new Float64Array(2)], 5, 2)]).toEqual([Infinity, Infinity]);
  });

  it('refuses what has no mass, and parameters without rows', () => {
    const update = (shape: readonly number[], withMass: boolean): unknown =>
      trace([f32(...shape), f32(4), f32()], (p, mass, learningRate) => [
        optimizer.update(p, p, [mass], { learningRate, step: learningRate, ...(withMass && { mass }) }).parameter,
      ]);
    expect(errorOf(() => update([4, 2], false))).toMatchObject({
      code: 'argument',
      message: expect.stringContaining('but got none. Return { gradients, masses } from the loss'),
    });
    expect(errorOf(() => update([4], true)).message).toContain('but the parameter has shape [4]');
  });
});
