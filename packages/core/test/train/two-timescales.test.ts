import { describe, expect, it } from 'vitest';
import { loss } from '../../src/ddcl/loss.ts';
import { adam } from '../../src/optimise/adam.ts';
import type { Optimizer } from '../../src/optimise/optimizer.ts';
import { sgd } from '../../src/optimise/sgd.ts';
import { detach } from '../../src/program/ops/create.ts';
import { add, mul } from '../../src/program/ops/elementwise.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f64 } from '../../src/program/tensor-type.ts';
import { createTrainer } from '../../src/train/trainer.ts';
import { jacobiEigenvalues } from '../support/dense.ts';
import { randomProblem } from '../support/ddcl-problems.ts';
import { denseHessianOf, momentsOf } from '../support/oracle.ts';
import { rejection } from '../support/run.ts';
import { strictBackend, type StrictBackend } from '../support/strict-backend.ts';

const [n, count, m] = [30, 3, 2];
const problem = randomProblem(n, count, m, 0.3, 8);
const batch = { x: problem.tokens.flat(), a: problem.weights };

interface Settings {
  readonly optimizer?: Optimizer;
  readonly rate?: number;
  readonly encoderRate?: number;
  /** Of the task that pulls the encoder's scale to 0. */
  readonly pull?: number;
  readonly tracking?: { readonly share: number } | { readonly temperature: number } | undefined;
}

/** An encoder of one number, z = scale x, and prototypes; both L_q's and a task's gradient where asked. */
function joint(settings: Settings = {}, warnings: string[] = [], backend: StrictBackend = strictBackend()) {
  const {
    optimizer = sgd(),
    rate = 0.05,
    encoderRate = 0.001,
    pull = 0,
    tracking = { temperature: problem.temperature },
  } = settings;
  return createTrainer(backend, {
    parameters: {
      prototypes: { shape: [count, m], data: problem.prototypes.flat() },
      scale: { shape: [], data: [1] },
    },
    inputs: { x: f64('n', m), a: f64('n') },
    groups: [
      { match: 'prototypes', optimizer, learningRate: rate },
      { match: 'scale', optimizer: sgd(), learningRate: encoderRate },
    ],
    dtype: 'float64',
    trackTemperature: { tokens: ({ scale }, { x, a }) => ({ tokens: mul(x, scale), weights: a }), ...tracking },
    loss: ({ prototypes, scale }, { x, a }, _controls, { temperature }) => {
      const tokens = mul(x, scale);
      const { lq } = loss({ tokens: detach(tokens), weights: a, prototypes, temperature });
      // Summed over the batch, as all of a loss with a weight is.
      return { loss: add(lq, mul(mul(mul(scale, scale), pull), sum(a))), lq, weight: sum(a) };
    },
    onWarning: (warning) => warnings.push(warning),
  });
}

describe('a tracked temperature', () => {
  it.each([undefined, 1, 4])(
    'finds T_c = 4 lambda_max and the variance of the tokens that count; %s power steps a batch',
    async (iterations) => {
      const { trace: totalVariance, lambdaMax } = spread();
      const trainer = await joint({
        encoderRate: 0,
        tracking: { share: 0.3, ...(iterations && { iterations }) } as Settings['tracking'],
      });
      // The mean forgets the first steps, at which the direction was still turning, by 0.95^150.
      for (let step = 0; step < 150; step++) await trainer.step(batch);
      const report = await trainer.report();
      expect(report.criticalTemperature! / (4 * lambdaMax)).toBeCloseTo(1, 3);
      expect(report.temperature! / (1.2 * lambdaMax)).toBeCloseTo(1, 3);
      expect(report.temperatureRatio).toBeCloseTo(0.3, 3);
      expect(report.tokenVariance! / totalVariance).toBeCloseTo(1, 10);
      expect(report.firstTokenVariance! / totalVariance).toBeCloseTo(1, 10);
      expect(report.epsilon).toBe(0);
    },
  );

  it('has no finite epsilon where the prototypes stand still', async () => {
    const trainer = await joint({ rate: 0, pull: 1 });
    await trainer.step(batch);
    expect((await trainer.report()).epsilon).toBe(Infinity);
  });

  it('is exact after one step where the first batch says all, and stays through bytes', async () => {
    const [first, second] = [await joint({ tracking: { share: 0.3 } }), await joint({ tracking: { share: 0.3 } })];
    for (let step = 0; step < 3; step++) await first.step(batch);
    await second.restore(await first.toBytes());
    await first.step([batch, batch]);
    await second.step([batch, batch]);
    expect(await second.toBytes()).toEqual(await first.toBytes());
    expect(await second.report()).toEqual(await first.report());
  });

  it('says so, once, when an encoder makes all tokens equal', async () => {
    const warnings: string[] = [];
    const trainer = await joint({ pull: 20, encoderRate: 0.005, tracking: { share: 0.3 } }, warnings);
    for (let step = 0; step < 15; step++) {
      await trainer.step(batch);
      await trainer.report();
    }
    expect(
      warnings.filter((text) => text.includes('making all tokens equal') && text.includes('detach(tokens)')),
    ).toHaveLength(1);
  });

  it('says so when T is above T_c, within 64 steps without a report', async () => {
    const warnings: string[] = [];
    const trainer = await joint({ tracking: { temperature: 4.2 * spread().lambdaMax } }, warnings);
    for (let step = 0; step < 63; step++) await trainer.step(batch);
    expect(warnings).toEqual([]);
    await trainer.step(batch);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('T / T_c = 1.05');
  });
});

/** Total variance and lambda_max of the tokens. */
function spread(): { trace: number; lambdaMax: number } {
  const { covariance } = momentsOf(problem.tokens, problem.weights);
  const values = jacobiEigenvalues(Float64Array.from(covariance.flat()), m);
  return { trace: values.reduce((sum, value) => sum + value, 0), lambdaMax: values.at(-1)! };
}

/** Eigenvalues of D^-1/2 H D^-1/2, of the mean loss at some prototypes, from differences. */
function eigenvalues(prototypes: ArrayLike<number>, divisor: ArrayLike<number>): number[] {
  const rows = Array.from({ length: count }, (_, k) =>
    Array.from({ length: m }, (_unused, axis) => prototypes[k * m + axis]!),
  );
  const hessian = denseHessianOf({ ...problem, prototypes: rows });
  const total = problem.weights.reduce((a, b) => a + b);
  const scaled = hessian.flatMap((row, i) =>
    row.map((entry, j) => (entry + hessian[j]![i]!) / (2 * total * Math.sqrt(divisor[i]! * divisor[j]!))),
  );
  return jacobiEigenvalues(Float64Array.from(scaled), count * m);
}

describe('the timescale', () => {
  const ones = new Float64Array(count * m).fill(1);

  it('has the Hessian of the mean loss, and 2 / lambda_max of it for plain steps', async () => {
    const backend = strictBackend();
    const warnings: string[] = [];
    const trainer = await joint({ rate: 0.4, encoderRate: 0.002 }, warnings, backend);
    for (let step = 0; step < 20; step++) await trainer.step(batch);
    const { buffers } = backend.memory();
    const timescale = await trainer.timescale(batch);
    const values = eigenvalues((await trainer.read()).prototypes, ones);
    // Differences are good to 1e-9 of the largest eigenvalue.
    expect(timescale.lambdaMin / values[0]!).toBeCloseTo(1, 6);
    expect(timescale.lambdaMax / values.at(-1)!).toBeCloseTo(1, 6);
    expect(timescale).toMatchObject({
      hessian: 'plain',
      maxLearningRate: 2 / timescale.lambdaMax,
      learningRate: 0.4,
      epsilon: 0.005,
    });
    expect(timescale.movementEpsilon).toBe((await trainer.report()).epsilon);
    // Prototypes are on their way still, and nothing else is wrong.
    expect(timescale.warnings.map((text) => text.includes('slow manifold'))).toEqual(values[0]! > 0 ? [] : [true]);
    expect(warnings).toEqual(timescale.warnings);
    expect(backend.memory().buffers).toBe(buffers);
    trainer.dispose();
    expect(backend.log.alive.size).toBe(0);
  });

  it('takes the preconditioned Hessian for Adam', async () => {
    const trainer = await joint({ optimizer: adam({ beta2: 0.9 }) });
    expect((await rejection(trainer.timescale(batch))).message).toContain('Make a step first');
    for (let step = 0; step < 10; step++) await trainer.step(batch);
    const { parameters, optimizer } = await trainer.state();
    const divisor = Array.from(optimizer['prototypes']![1]!, (value) => Math.sqrt(value / (1 - 0.9 ** 10)) + 1e-8);
    const timescale = await trainer.timescale(batch);
    expect(timescale.hessian).toBe('preconditioned');
    expect((timescale.maxLearningRate * eigenvalues(parameters['prototypes']!, divisor).at(-1)!) / 2).toBeCloseTo(1, 6);
    expect(timescale.lambdaMax / eigenvalues(parameters['prototypes']!, ones).at(-1)!).toBeCloseTo(1, 6);
  });

  it('names each condition that is broken, with the remedy', async () => {
    const warnings: string[] = [];
    const trainer = await joint({ rate: 50, encoderRate: 40, tracking: { temperature: 1.3 } }, warnings);
    const { warnings: own, epsilon } = await trainer.timescale(batch);
    expect(epsilon).toBeCloseTo(0.8, 12);
    expect(own.map((text) => /slow manifold|largest that is stable|do not separate/.exec(text)?.[0])).toEqual([
      'slow manifold',
      'largest that is stable',
      'do not separate',
    ]);
    expect(warnings).toEqual(own);
  });

  it('needs to know the tokens', async () => {
    const trainer = await createTrainer(strictBackend(), {
      parameters: { a: { shape: [], data: [1] } },
      inputs: { x: f64() },
      groups: [{ match: 'a', optimizer: sgd(), learningRate: 1 }],
      dtype: 'float64',
      loss: ({ a }, { x }) => ({ loss: mul(a, x) }),
    });
    expect((await rejection(trainer.timescale({ x: [1] }))).message).toContain('trackTemperature');
  });
});
