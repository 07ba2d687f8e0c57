import { adam, massPreconditioned, sgd } from '@ddcl/core';
import { constantSchedule } from '@ddcl/core/train';
import { fit, tokensFromIterable, type FitOptions, type TokenSource } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { deviation } from '../../../core/test/support/ddcl-problems.ts';
import { gradientOf, momentsOf, rowsOf, sumsOf } from '../../../core/test/support/oracle.ts';
import { cpuBackend } from '../../src/index.ts';
import { blobs, sourceOf, withSmallBuffers } from './support.ts';

const dimension = 3;
const tokens = blobs(150, dimension, 5, 3, 1);
const source = sourceOf(tokens, dimension);
const usual: FitOptions = { prototypes: 6, steps: 20, batch: 15, records: 5, seed: 3, dtype: 'float64' };

describe('a plain step', () => {
  it("is gradient descent on the mean loss, in the tokens' units", async () => {
    const start = blobs(4, dimension, 4, 1, 9);
    const temperature = 8;
    const weights = Float64Array.from({ length: 150 }, (_, n) => (n % 3) / 2);
    const total = weights.reduce((a, b) => a + b);
    const { model } = await fit(cpuBackend(), sourceOf(tokens, dimension, weights), {
      prototypes: 4,
      start,
      temperature,
      anneal: false,
      optimizer: sgd(),
      learningRate: 0.3,
      constantRate: true,
      steps: 3,
      batch: 150,
      shuffle: false,
      dtype: 'float64',
    });
    let prototypes = rowsOf(start, dimension);
    for (let step = 0; step < 3; step++) {
      const gradient = gradientOf({
        tokens: rowsOf(tokens, dimension),
        weights: Array.from(weights),
        prototypes,
        temperature,
      });
      prototypes = prototypes.map((p, k) => p.map((x, axis) => x - (0.3 / total) * gradient[k]![axis]!));
    }
    // Three steps of sums over 150 tokens.
    expect(deviation(Array.from(model.prototypes), prototypes.flat())).toBeLessThan(1e-12);
  });

  it.each([adam(), massPreconditioned()])("of $name does not depend on the tokens' scale", async (optimizer) => {
    const options = { ...usual, optimizer };
    const [plain, scaled] = [
      await fit(cpuBackend(), source, options),
      await fit(
        cpuBackend(),
        sourceOf(
          tokens.map((x) => 1000 * x),
          dimension,
        ),
        options,
      ),
    ];
    // Adam's epsilon of 1e-8 is held against gradients in the frame, so the scale plays no role but for rounding.
    expect(
      deviation(
        Array.from(scaled.model.prototypes, (x) => x / 1000),
        Array.from(plain.model.prototypes),
      ),
    ).toBeLessThan(1e-8);
    expect(scaled.model.temperature / plain.model.temperature).toBeCloseTo(1e6, 3);
  });
});

describe('device blocks', () => {
  it.each([
    ['float64', 1e-9],
    // Each block's gradient is rounded once; 20 Adam steps at most add that up.
    ['float32', 1e-4],
  ] as const)('three a step give the same fit as one, to rounding: %s', async (dtype, tolerance) => {
    const options: FitOptions = { ...usual, dtype, batch: 75 };
    const one = await fit(cpuBackend(), source, options);
    const three = await fit(withSmallBuffers(25 * 6 * 8), source, options);
    expect(deviation(Array.from(three.model.prototypes), Array.from(one.model.prototypes))).toBeLessThan(tolerance);
    expect(deviation([three.quantities.loss.lq], [one.quantities.loss.lq])).toBeLessThan(tolerance);
  });

  it('of one token each still add up', async () => {
    const options: FitOptions = { ...usual, steps: 3, batch: 150, relocate: false };
    const one = await fit(cpuBackend(), source, options);
    const many = await fit(withSmallBuffers(6 * 8), source, options);
    expect(deviation(Array.from(many.model.prototypes), Array.from(one.model.prototypes))).toBeLessThan(1e-10);
  });
});

describe('batches', () => {
  // 150 tokens: sizes that divide it, that do not, and such that batches of rounded-up size hold all tokens in fewer steps.
  const sizes = [1, 4, 7, 8, 11, 100, 150, 1000].flatMap((batch) => [
    [batch, 'streamed', 0] as const,
    [batch, 'on the device', undefined] as const,
  ]);
  it.each(sizes)('of %i tokens make whole epochs, %s', async (batch, _, tokenMemory) => {
    const passes: string[] = [];
    const counted: TokenSource = {
      ...source,
      blocks(order) {
        passes.push(order === 'stored' ? 'stored' : 'shuffled');
        return source.blocks(order);
      },
    };
    const { history, steps } = await fit(cpuBackend(), counted, {
      ...usual,
      batch,
      prototypes: 2,
      epochs: 2,
      records: 1,
      ...(tokenMemory !== undefined && { tokenMemory }),
    });
    expect(history.at(-1)).toMatchObject({ epoch: 2, step: steps });
    // The statistics, then two epochs and the measurement, or what all of these look at; the certificate and its boundary tokens. A step over
    // all tokens does not shuffle them.
    const epoch = batch < 150 ? 'shuffled' : 'stored';
    const certificate = ['stored', 'stored'];
    expect(passes).toEqual(
      tokenMemory === 0 ? ['stored', epoch, epoch, 'stored', ...certificate] : ['stored', 'stored', ...certificate],
    );
    // About the size asked for.
    expect(Math.abs(steps / 2 - 150 / Math.min(batch, 150))).toBeLessThan(2.5);
  });

  it.each([
    ['in the annealed steps', 0, 20],
    ['in a pass', 0, 20],
    ['on the way to the device', undefined, 20],
    ['on the way to the device', undefined, 149],
  ] as const)('fewer tokens than before are an error, not an endless fit: %s', async (where, tokenMemory, left) => {
    let opened = 0;
    const shrinking = tokensFromIterable({
      dimension,
      async *open() {
        const rows = opened++ < (where === 'in a pass' ? 2 : 1) ? 150 : left;
        yield { data: tokens.subarray(0, rows * dimension), rows };
      },
    });
    const options = { ...usual, steps: 10, ...(tokenMemory !== undefined && { tokenMemory }) };
    await expect(fit(cpuBackend(), shrinking, options)).rejects.toMatchObject({
      code: 'data',
      message: expect.stringContaining('fewer than the 150'),
    });
  });
});

describe('weights', () => {
  it('a token of weight 2 is the token twice, in a full-batch fit', async () => {
    const start = blobs(4, dimension, 4, 1, 9);
    const options: FitOptions = { prototypes: 4, start, steps: 30, batch: 200, dtype: 'float64', shuffle: false };
    const weighted = Float64Array.from({ length: 150 }, (_, n) => (n < 30 ? 2 : 1));
    const one = await fit(cpuBackend(), sourceOf(tokens, dimension, weighted), options);
    const two = await fit(
      cpuBackend(),
      sourceOf(Float64Array.from([...tokens, ...tokens.subarray(0, 30 * dimension)]), dimension),
      options,
    );
    expect(two.statistics.criticalTemperature / one.statistics.criticalTemperature).toBeCloseTo(1, 12);
    expect(deviation(Array.from(one.model.prototypes), Array.from(two.model.prototypes))).toBeLessThan(1e-9);
    expect(
      deviation([one.quantities.loss.lq, one.quantities.loss.v], [two.quantities.loss.lq, two.quantities.loss.v]),
    ).toBeLessThan(1e-9);
    expect(one.stability.lambdaMax / two.stability.lambdaMax).toBeCloseTo(1, 9);
  });

  it('tokens of weight 0 change nothing but the order of shuffling', async () => {
    const options: FitOptions = { prototypes: 4, steps: 30, batch: 1000, shuffle: false, dtype: 'float64' };
    const weights = Float64Array.from({ length: 160 }, (_, n) => (n < 150 ? 1 : 0));
    const padded = Float64Array.from({ length: 160 * dimension }, (_, index) => tokens[index] ?? 1e300);
    const [plain, with0] = [
      await fit(cpuBackend(), source, options),
      await fit(cpuBackend(), sourceOf(padded, dimension, weights), options),
    ];
    expect(with0.model).toEqual(plain.model);
    expect(with0.quantities).toEqual(plain.quantities);
    expect(with0.stability).toEqual(plain.stability);
  });
});

describe('the result', () => {
  it("is measured on all tokens at the model's own prototypes and temperature", async () => {
    const { model, quantities, statistics } = await fit(cpuBackend(), source, { ...usual, dtype: 'float32' });
    expect(Float64Array.from(Float32Array.from(model.prototypes))).toEqual(model.prototypes);
    const sums = sumsOf({
      tokens: rowsOf(tokens, dimension),
      weights: Array.from({ length: 150 }, () => 1),
      prototypes: rowsOf(model.prototypes, dimension),
      temperature: model.temperature,
    });
    // Acceptance 3 of the foundation: 1e-5 in float32.
    for (const name of ['lq', 'lols', 'v', 'hard'] as const) {
      expect(deviation([quantities.loss[name]], [sums[name] / 150])).toBeLessThan(1e-5);
    }
    const moments = momentsOf(rowsOf(tokens, dimension));
    expect(statistics.totalVariance).toBeCloseTo(moments.trace, 9);
    expect(model.temperature).toBe(0.003 * model.criticalTemperature);
  });

  it('keeps the restart of the lowest hard error', async () => {
    const { bestRestart, restartErrors, quantities, history } = await fit(cpuBackend(), source, {
      ...usual,
      restarts: 4,
      steps: 60,
    });
    expect(restartErrors).toHaveLength(4);
    expect(new Set(restartErrors).size).toBeGreaterThan(1);
    expect(restartErrors[bestRestart]).toBe(Math.min(...restartErrors));
    expect(quantities.loss.hard).toBe(Math.min(...restartErrors));
    expect([...new Set(history.map(({ restart }) => restart))]).toEqual([0, 1, 2, 3]);
  });

  it.each([
    ['a sixth, and is 1 in passes', massPreconditioned(), 0.3, 0.05],
    ['a hundredth', adam(), 0.1, 0.001],
  ] as const)('cools from 0.9 T_c, then stays; the rate falls to %s', async (_, optimizer, first, last) => {
    const options = { ...usual, optimizer, steps: 100, records: 100 };
    const { history: all, model, steps } = await fit(cpuBackend(), source, options);
    const history = all.slice(0, 100);
    expect(all.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_unused, index) => index + 1));
    for (const { temperature, learningRate } of all.slice(100))
      expect([temperature, learningRate]).toEqual([model.temperature, 1]);
    expect(steps > 100).toBe(optimizer.needsMass === true);
    expect(history[0]!.temperature / model.criticalTemperature).toBeCloseTo(0.9, 12);
    const temperatures = history.map(({ temperature }) => temperature);
    for (let step = 1; step < 79; step++) expect(temperatures[step]).toBeLessThan(temperatures[step - 1]!);
    for (let step = 80; step < 100; step++) expect(temperatures[step]).toBe(model.temperature);
    expect(history[0]!.learningRate).toBe(first);
    expect(history.at(-1)!.learningRate).toBeCloseTo(last, 12);
    const still = { ...usual, optimizer, anneal: false, constantRate: true, temperature: 2 };
    const constant = await fit(cpuBackend(), source, still);
    expect(
      new Set(constant.history.slice(0, 5).map(({ temperature, learningRate }) => `${temperature} ${learningRate}`)),
    ).toEqual(new Set([`2 ${first}`]));
  });

  it.each([
    [
      'massPreconditioned, refined by at most ten passes,',
      {},
      { passes: 10, tolerance: 2e-4 },
      massPreconditioned(),
      0.3,
    ],
    ['Adam with no pass', { optimizer: adam() }, { passes: 0 }, adam({ beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }), 0.1],
  ] as const)('%s is what the defaults are made of', async (_, given, refinement, optimizer, learningRate) => {
    expect(constantSchedule(0.1)(0.7)).toBe(0.1);
    const [implicit, explicit] = [
      await fit(cpuBackend(), source, { ...usual, ...given }),
      await fit(cpuBackend(), source, {
        ...usual,
        optimizer,
        refinement,
        tokenMemory: 2 ** 29,
        temperature: 'auto',
        anneal: true,
        relocate: true,
        learningRate,
        constantRate: false,
        start: 'pulled',
        restarts: 1,
        shuffle: true,
      }),
    ];
    expect(explicit).toEqual(implicit);
  });
});
