import { describe, expect, it } from 'vitest';
import { adamW } from '../../src/optimise/adam.ts';
import { sgd } from '../../src/optimise/sgd.ts';
import { add, div, mul, sub } from '../../src/program/ops/elementwise.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f32 } from '../../src/program/tensor-type.ts';
import type { Tensor } from '../../src/program/trace.ts';
import { quadratic } from './problem.ts';

type Named = Readonly<Record<string, Tensor>>;

it('a parameter that noWeightDecay names stands still without a gradient; another decays', async () => {
  const trainer = await quadratic({
    parameters: { a: { shape: [2], data: [1, 2] }, b: { shape: [2], data: [1, 2] } },
    groups: [{ match: '*', optimizer: adamW({ weightDecay: 0.5 }), learningRate: 0.1, noWeightDecay: 'b' }],
    loss: (p: Named, { x }: Named) => ({ loss: mul(add(sum(mul(p['a']!, x!)), sum(p['b']!)), 0) }),
  });
  await trainer.step({ x: [3, 4] });
  const { a, b } = await trainer.read();
  expect(a![0]).toBeCloseTo(1 - 0.1 * 0.5, 6);
  expect(a![1]).toBeCloseTo(2 * (1 - 0.1 * 0.5), 6);
  expect([...b!]).toEqual([1, 2]);
});

describe('a tracked temperature', () => {
  // Two tokens at distance 2 along an axis: lambda_max of their covariance is 1.
  const batch = { x: [1, 0, -1, 0], good: [1] };
  const tracked = () =>
    quadratic({
      parameters: { prototypes: { shape: [1, 2], data: [1, 2] } },
      inputs: { x: f32('n', 2), good: f32() },
      trackTemperature: { tokens: (_p: Named, { x }: Named) => ({ tokens: x! }), share: 0.5, iterations: 30 },
      loss: ({ prototypes }: Named, { good }: Named, _c: Named, { temperature }: { temperature: Tensor }) => ({
        loss: mul(sum(prototypes!), mul(temperature, good!)),
        seen: temperature,
      }),
    });

  it('is of 4 lambda_max after one step already', async () => {
    const trainer = await tracked();
    await trainer.step(batch);
    const report = await trainer.report();
    expect(report.criticalTemperature).toBeCloseTo(4, 4);
    expect(report.temperature).toBeCloseTo(2, 4);
  });

  it('does not move in a step that fails', async () => {
    const trainer = await tracked();
    await trainer.step(batch);
    const bytes = await trainer.toBytes();
    await trainer.step({ x: [5, 1, -3, 2], good: [NaN] });
    expect(await trainer.toBytes()).toEqual(bytes);
  });

  it('is what evaluate uses, whatever the tokens of its batch', async () => {
    const trainer = await tracked();
    await trainer.step(batch);
    const values = (await trainer.evaluate({ x: [10, 0, -10, 0], good: [1] })) as unknown as { seen: number };
    expect(values.seen).toBeCloseTo(2, 4);
  });
});

it('batches without a weight count alike, whatever their sizes', async () => {
  const trainer = await quadratic({
    loss: (p: Named, { x }: Named) => ({ loss: div(sum(mul(x!, p['a']!)), x!.shape[0] as number) }),
  });
  // Means of the two: 1 * 1 + 1 * 2 = 3 and 4 + 8 = 12.
  const batches = [{ x: [1, 1] }, { x: [4, 4, 4, 4, 4, 4] }];
  expect((await trainer.evaluate(batches)).loss).toBeCloseTo(7.5, 5);
  await trainer.step(batches);
  expect((await trainer.report()).loss).toBeCloseTo(7.5, 5);
  expect((await trainer.read())['a']![0]).toBeCloseTo(1 - 0.1 * 2.5, 6);
});

it('sizes that look alike side by side have programs of their own', async () => {
  const trainer = await quadratic({
    inputs: { x: f32('n'), y: f32('m') },
    groups: [{ match: '*', optimizer: sgd(), learningRate: 0 }],
    loss: (p: Named, { x, y }: Named) => ({ loss: sub(mul(sum(x!), sum(p['a']!)), sum(y!)) }),
  });
  const ones = (length: number): number[] => Array.from({ length }, () => 1);
  for (const [n, m] of [
    [1, 11],
    [11, 1],
    [1, 11],
  ] as const) {
    await trainer.step({ x: ones(n), y: ones(m) });
    expect((await trainer.report()).loss).toBe(3 * n - m);
  }
});
