import { describe, expect, it } from 'vitest';
import { cosineSchedule } from '../../src/optimise/schedule.ts';
import { sgd } from '../../src/optimise/sgd.ts';
import { cast } from '../../src/program/ops/create.ts';
import { mul } from '../../src/program/ops/elementwise.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f16, f32, i32 } from '../../src/program/tensor-type.ts';
import { matches } from '../../src/train/match.ts';
import { createTrainer } from '../../src/train/trainer.ts';
import { rejection } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';
import { leastSquares, rowsOf, width } from './problem.ts';

const group = { match: '*', optimizer: sgd(), learningRate: 0.1 };
const a = { shape: [2], data: [1, 2] };
const base = {
  parameters: { a } as Record<string, { shape: number[]; data?: number[]; frozen?: boolean }>,
  inputs: { x: f32('n', 2) },
  groups: [group] as object[],
  loss: (p: Record<string, never>, { x }: { x: never }) => ({ loss: sum(mul(x, p['a']!)) }),
};
const make = (options: object) => createTrainer(strictBackend(), { ...base, ...options } as never);

describe('options that do not fit are refused', () => {
  it.each([
    ['a parameter without a group', { groups: [{ ...group, match: 'b' }] }, "'a' belongs to no group"],
    [
      'a group without parameters',
      { groups: [group, { ...group, match: 'b.*' }] },
      "'b.*' matches no trained parameter",
    ],
    ['a parameter without numbers', { parameters: { a: { shape: [2] } } }, 'either data or initialize'],
    ['a reserved name', { parameters: { 'ddcl.a': a } }, "does not start with 'ddcl.'"],
    ['too few numbers', { parameters: { a: { shape: [2], data: [1] } } }, 'takes 2 numbers, but got 1'],
    ['a schedule without an end', { groups: [{ ...group, learningRate: cosineSchedule(1, 0) }] }, 'totalSteps'],
    ['a control that is not there', { groups: [{ ...group, learningRate: 'rate' }] }, 'one of the controls'],
    ['a negative rate', { groups: [{ ...group, learningRate: -1 }] }, 'a number >= 0'],
    ['clipNorm of 0', { clipNorm: 0 }, 'clipNorm must be a number > 0'],
    ['totalSteps of 0', { totalSteps: 0 }, 'totalSteps'],
    ['tracking without prototypes', { trackTemperature: { tokens: () => ({}), share: 0.5 } }, 'trackTemperature takes'],
  ])('%s', async (_, options, text) => {
    const error = await rejection(make(options));
    expect(error.message).toContain(text);
  });

  it.each([
    ['a loss that is no scalar', { loss: (p: { a: never }) => ({ loss: p.a }) }, "its 'loss' is f32[2]"],
    ['a report that is no scalar', { loss: (p: { a: never }) => ({ loss: sum(p.a), other: p.a }) }, "its 'other'"],
    [
      'a gradient of nothing',
      { loss: (p: { a: never }) => ({ loss: sum(p.a), gradients: { b: p.a } }) },
      "gradient of 'b'",
    ],
    [
      'a gradient of another shape',
      { loss: (p: { a: never }) => ({ loss: sum(p.a), gradients: { a: sum(p.a) } }) },
      'must be f32[2]',
    ],
    [
      'a temperature that is not tracked',
      {
        loss: (_p: unknown, _b: unknown, _c: unknown, context: { temperature: never }) => ({
          loss: context.temperature,
        }),
      },
      'trackTemperature',
    ],
  ])('%s', async (_, options, text) => {
    const trainer = (await make(options)) as unknown as { step(batch: object): Promise<void> };
    expect((await rejection(trainer.step({ x: [1, 2] }))).message).toContain(text);
  });
});

describe('a batch', () => {
  it.each([
    ['lacks an input', { x: [1, 2, 3] }, "lacks the input 'y'"],
    ['has numbers that fill no row', { x: [1, 2, 3, 4], y: [1], a: [1] }, 'gives 4 numbers'],
    ['has inputs of different sizes', { x: [1, 2, 3], y: [1, 2], a: [1] }, "'y' is f64[n], n = 1"],
    ['has a shape of another rank', { x: { data: [1, 2, 3], shape: [3] }, y: [1], a: [1] }, 'the shape [3]'],
    ['has a shape that does not fit', { x: { data: [1, 2], shape: [1, 2] }, y: [1], a: [1] }, 'the shape [1, 2]'],
  ])('that %s is refused', async (_, batch, text) => {
    const backend = strictBackend();
    const trainer = await leastSquares({}, backend);
    const { buffers } = backend.memory();
    expect((await rejection(trainer.step(batch as never, { factor: 1 }))).message).toContain(text);
    expect((await rejection(trainer.step([rowsOf(0, 3), batch as never], { factor: 1 }))).message).toContain(text);
    expect((await rejection(trainer.step([], { factor: 1 }))).message).toContain('at least one batch');
    expect((await rejection(trainer.step(rowsOf(0, 3), {} as never))).message).toContain("the control 'factor'");
    expect(backend.memory().buffers).toBe(buffers);
    await trainer.step(rowsOf(0, 3), { factor: 1 });
  });

  it('may state its shapes, or be on the device already and stay there', async () => {
    const backend = strictBackend();
    const [plain, stated, held] = [
      await leastSquares({}, backend),
      await leastSquares({}, backend),
      await leastSquares({}, backend),
    ];
    const { x, y, a: weights } = rowsOf(0, 4);
    const buffer = backend.upload({ dtype: 'float64', shape: [4, width] }, Float64Array.from(x));
    for (let step = 0; step < 2; step++) {
      await plain.step({ x, y, a: weights }, { factor: 1 });
      await stated.step({ x: { data: x, shape: [4, width] }, y, a: weights }, { factor: 1 });
      await held.step({ x: buffer, y, a: weights }, { factor: 1 });
    }
    expect(await stated.toBytes()).toEqual(await plain.toBytes());
    expect(await held.toBytes()).toEqual(await plain.toBytes());
    expect([...(await backend.download(buffer))]).toEqual(x);
  });

  it('takes whole numbers, and half precision as storage', async () => {
    const trainer = await createTrainer(strictBackend(), {
      parameters: { a: { shape: [], data: [1] } },
      inputs: { x: f16('n'), labels: i32('n') },
      groups: [group],
      loss: ({ a }, { x, labels }) => ({ loss: mul(a, sum(mul(x, cast(labels, 'float32')))) }),
    });
    // 1.5 and -2 in half precision.
    await trainer.step({ x: Uint16Array.of(0x3e00, 0xc000), labels: Int32Array.of(2, 3) });
    expect([...(await trainer.read()).a]).toEqual([Math.fround(1 - Math.fround(0.1) * (1.5 * 2 - 2 * 3))]);
  });
});

it('patterns match whole names, with * for any text', () => {
  expect(matches('encoder.0.weight', 'encoder.*')).toBe(true);
  expect(matches('encoder.0.weight', '*.weight')).toBe(true);
  expect(matches('encoder.0.weight', ['bias', '*'])).toBe(true);
  expect(matches('encoderX0', 'encoder.0')).toBe(false);
  expect(matches('my.encoder.weight', 'encoder.*')).toBe(false);
  expect(matches('a', [])).toBe(false);
});
