import { describe, expect, it } from 'vitest';
import { lossAndGradient } from '../../src/ddcl/loss.ts';
import { massPreconditioned } from '../../src/optimise/mass-preconditioned.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f64 } from '../../src/program/tensor-type.ts';
import type { Tensor } from '../../src/program/trace.ts';
import { createTrainer } from '../../src/train/trainer.ts';
import { deviation, randomProblem } from '../support/ddcl-problems.ts';
import { gradientMassOf, gradientOf } from '../support/oracle.ts';
import { rejection } from '../support/run.ts';
import { strictBackend, type StrictBackend } from '../support/strict-backend.ts';

const [n, count, m, temperature] = [21, 4, 2, 1.5];
/** With weights of 0. */
const problem = randomProblem(n, count, m, temperature, 5);
const rates = [0.4, 0.3, 0.2, 0.1];

function trainerOf(
  masses: (mass: Tensor) => Record<string, Tensor> | undefined = (mass) => ({ prototypes: mass }),
  backend: StrictBackend = strictBackend(),
) {
  return createTrainer(backend, {
    parameters: { prototypes: { shape: [count, m], data: problem.prototypes.flat() } },
    inputs: { tokens: f64('n', m), weights: f64('n') },
    controls: ['rate', 'temperature'],
    groups: [{ match: 'prototypes', optimizer: massPreconditioned(), learningRate: 'rate' }],
    dtype: 'float64',
    loss({ prototypes }, { tokens, weights }, { temperature: t }) {
      const { lq, gradient, mass } = lossAndGradient({ tokens, weights, prototypes, temperature: t });
      const given = masses(mass);
      return {
        loss: lq,
        weight: sum(weights),
        gradients: { prototypes: gradient },
        ...(given && { masses: given }),
      };
    },
  });
}

const batch = (from: number, to: number) => ({
  tokens: problem.tokens.slice(from, to).flat(),
  weights: problem.weights.slice(from, to),
});
/** All tokens, in `parts` batches of about the same size. */
const cut = (parts: number) =>
  Array.from({ length: parts }, (_, part) =>
    batch(Math.round((part * n) / parts), Math.round(((part + 1) * n) / parts)),
  );

async function* asynchronous<Value>(values: readonly Value[]): AsyncGenerator<Value> {
  for (const each of values) {
    await Promise.resolve();
    yield each;
  }
}

/** p after each step with the rates, and S, by plain loops; per unit of weight. */
function naive() {
  let prototypes = problem.prototypes.map((p) => [...p]);
  let state = new Array<number>(count).fill(0);
  const total = problem.weights.reduce((a, b) => a + b);
  for (const rate of rates) {
    const now = { ...problem, prototypes };
    const [gradient, mass] = [gradientOf(now), gradientMassOf(now)];
    state = state.map((s, k) => (1 - rate) * s + (rate * mass[k]!) / total);
    const least = state.reduce((a, b) => a + b) / count / 100;
    prototypes = prototypes.map((p, k) =>
      state[k]! < least ? p : p.map((x, axis) => x - (rate * gradient[k]![axis]!) / total / (2 * state[k]!)),
    );
  }
  return { prototypes: prototypes.flat(), state };
}

describe('masses of a loss', () => {
  it.each<[string, () => Parameters<Awaited<ReturnType<typeof trainerOf>>['step']>[0]]>([
    ['one batch', () => batch(0, n)],
    ['a list of one', () => cut(1)],
    ['three batches', () => cut(3)],
    ['seven batches', () => cut(7)],
    ['seven batches as they come', () => asynchronous(cut(7))],
  ])('reach the optimiser as means over all tokens of a step: %s', async (_, batches) => {
    const backend = strictBackend();
    const trainer = await trainerOf(undefined, backend);
    for (const rate of rates) await trainer.step(batches(), { rate, temperature });
    const wanted = naive();
    const { parameters, optimizer } = await trainer.state();
    // Sums of 21 tokens in another order.
    expect(deviation([...parameters['prototypes']!], wanted.prototypes)).toBeLessThan(1e-12);
    expect(deviation([...optimizer['prototypes']![0]!], wanted.state)).toBeLessThan(1e-12);
    trainer.dispose();
    expect(backend.memory().buffers).toBe(0);
    expect(backend.log.alive.size).toBe(0);
  });

  it('of batches without weight move nothing, and no number is lost', async () => {
    const trainer = await trainerOf();
    const nothing = { ...batch(0, 3), weights: [0, 0, 0] };
    await trainer.step(nothing, { rate: 0.3, temperature });
    expect([...(await trainer.read()).prototypes]).toEqual(problem.prototypes.flat());
    for (const rate of rates) await trainer.step([nothing, batch(0, n)], { rate, temperature });
    expect(deviation([...(await trainer.read()).prototypes], naive().prototypes)).toBeLessThan(1e-12);
  });

  it('of a pass with rate 1 give the means of the tokens, weighted by a w', async () => {
    const trainer = await trainerOf();
    for (const rate of rates) await trainer.step(batch(0, n), { rate, temperature });
    const prototypes = naive().prototypes;
    const place = { ...problem, prototypes: problem.prototypes.map((_, k) => prototypes.slice(k * m, (k + 1) * m)) };
    await trainer.step(asynchronous(cut(3)), { rate: 1, temperature });
    const mass = gradientMassOf(place);
    expect(Math.min(...mass)).toBeGreaterThan(0.2);
    // The mass of one token at a time is its a w_nk.
    const means = mass.map((all, k) =>
      [0, 1].map((axis) =>
        problem.tokens.reduce((total, z, index) => {
          const one = { ...place, tokens: [z], weights: [problem.weights[index]!] };
          return total + (gradientMassOf(one)[k]! * z[axis]!) / all;
        }, 0),
      ),
    );
    expect(deviation([...(await trainer.read()).prototypes], means.flat())).toBeLessThan(1e-12);
  });

  it('are refused where they are missing, stray or of another shape, and leave nothing behind', async () => {
    const refused = async (masses: (mass: Tensor) => Record<string, Tensor> | undefined) => {
      const backend = strictBackend();
      const trainer = await trainerOf(masses, backend);
      const before = backend.memory();
      const errors = [];
      for (const batches of [batch(0, n), cut(3)])
        errors.push(await rejection(trainer.step(batches, { rate: 0.3, temperature })));
      expect(backend.memory()).toEqual(before);
      expect(errors[1]).toMatchObject({ code: errors[0]!.code, message: errors[0]!.message });
      return errors[0]!;
    };
    for (const masses of [() => undefined, () => ({})]) {
      const error = await refused(masses);
      expect(error.code).toBe('argument');
      expect(error.message).toContain("mass preconditioned needs the mass of each row of 'prototypes', f64[4]");
      expect(error.message).toContain('but the loss gives none');
    }
    const stray = await refused((mass) => ({ prototypes: mass, bias: mass }));
    expect(stray.code).toBe('argument');
    expect(stray.message).toContain("a mass of 'bias', which is no trained parameter");
    const shape = await refused((mass) => ({ prototypes: sum(mass) }));
    expect(shape.code).toBe('shape');
    expect(shape.message).toContain('f64[4]');
  });

  it('are part of the state: a trainer goes on from bytes and from a state bit for bit', async () => {
    const whole = await trainerOf();
    for (const rate of rates) await whole.step(cut(3), { rate, temperature });
    const first = await trainerOf();
    for (const rate of rates.slice(0, 2)) await first.step(cut(3), { rate, temperature });
    const [bytes, state] = [await first.toBytes(), await first.state()];
    expect(state.optimizer['prototypes']!.map((slot) => slot.length)).toEqual([count]);
    for (const how of ['bytes', 'state'] as const) {
      const second = await trainerOf();
      await (how === 'bytes' ? second.restore(bytes) : second.setState(state));
      for (const rate of rates.slice(2)) await second.step(cut(3), { rate, temperature });
      expect(await second.toBytes()).toEqual(await whole.toBytes());
    }
    const wrong = { ...state, optimizer: { prototypes: [new Float64Array(count * m)] } };
    expect((await rejection(first.setState(wrong))).code).toBe('shape');
    expect(await first.toBytes()).toEqual(bytes);
  });
});
