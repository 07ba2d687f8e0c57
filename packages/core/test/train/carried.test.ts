import { describe, expect, it } from 'vitest';
import { sgd } from '../../src/optimise/sgd.ts';
import { cast, detach } from '../../src/program/ops/create.ts';
import { add, less, mul, square, sub } from '../../src/program/ops/elementwise.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f64, i32 } from '../../src/program/tensor-type.ts';
import type { Tensor } from '../../src/program/trace.ts';
import { createTrainer } from '../../src/train/trainer.ts';
import { rejection } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';

/** w moves towards the mean of x; `average` follows x, and where `rows` says so w is put elsewhere, with its momentum gone. */
function trainer(backend = strictBackend()) {
  return createTrainer(backend, {
    parameters: { w: { shape: [2], data: [1, 2] }, average: { shape: [2], data: [0, 0], carried: true } },
    inputs: { x: f64(2), rows: i32(2) },
    dtype: 'float64',
    groups: [{ match: 'w', optimizer: sgd({ momentum: 0.5 }), learningRate: 0.1 }],
    loss: ({ w, average }, { x, rows }) => ({
      loss: sum(square(sub(w, x))),
      next: { average: add(mul(average, 0.5), mul(detach(x), 0.5)) },
      replaced: { w: { rows, values: add(mul(x, 0), 9) } },
    }),
  });
}

describe('carried parameters', () => {
  it('become what the loss says, and are kept with the others', async () => {
    const backend = strictBackend();
    const made = await trainer(backend);
    await made.step({ x: [4, 8], rows: [0, 0] });
    await made.step({ x: [0, 8], rows: [0, 0] });
    const { w, average } = await made.read();
    expect([...average]).toEqual([1, 6]);
    // By hand: gradient 2 (w - x), velocity v = 0.5 v + gradient.
    const byHand = (start: number, xs: readonly number[]): number =>
      xs.reduce(([at, v], x) => [at - 0.1 * (0.5 * v + 2 * (at - x)), 0.5 * v + 2 * (at - x)] as [number, number], [
        start,
        0,
      ] as [number, number])[0];
    expect(w[0]).toBeCloseTo(byHand(1, [4, 0]), 12);
    expect(w[1]).toBeCloseTo(byHand(2, [8, 8]), 12);
    const restored = await trainer();
    await restored.restore(await made.toBytes());
    await restored.step({ x: [2, 2], rows: [0, 0] });
    await made.step({ x: [2, 2], rows: [0, 0] });
    expect(await restored.read()).toEqual(await made.read());
    const buffers = await made.buffers();
    expect([...(await backend.download(buffers.average))]).toEqual([1.5, 4]);
  });

  it('stay as they were where a loss is not finite', async () => {
    const made = await trainer();
    await made.step({ x: [4, 8], rows: [0, 0] });
    await made.step({ x: [1e200, 8], rows: [0, 0] });
    expect([...(await made.read()).average]).toEqual([2, 4]);
  });

  it('must be in what the loss returns, with their type, and only they', async () => {
    const wrong = (next: (x: Tensor) => object) =>
      createTrainer(strictBackend(), {
        parameters: { w: { shape: [2], data: [1, 2] }, average: { shape: [2], data: [0, 0], carried: true } },
        inputs: { x: f64(2) },
        dtype: 'float64',
        groups: [{ match: 'w', optimizer: sgd(), learningRate: 0.1 }],
        loss: ({ w }, { x }) => ({ loss: sum(square(sub(w, x))), next: next(x) as never }),
      }).then((made) => made.step({ x: [1, 2] }));
    expect((await rejection(wrong(() => ({})))).code).toBe('argument');
    expect((await rejection(wrong((x) => ({ average: sum(x) })))).code).toBe('shape');
    expect((await rejection(wrong((x) => ({ average: x, w: x })))).code).toBe('argument');
  });
});

describe('replaced rows', () => {
  it('go where the loss says, and their optimiser starts afresh', async () => {
    const made = await trainer();
    await made.step({ x: [4, 8], rows: [0, 0] });
    await made.step({ x: [4, 8], rows: [1, 0] });
    const before = (await made.read()).w;
    expect(before[0]).toBe(9);
    await made.step({ x: [4, 8], rows: [0, 0] });
    // Without momentum: 9 - 0.1 * 2 * (9 - 4).
    expect((await made.read()).w[0]).toBeCloseTo(8, 12);
  });

  it('are refused in a step of several batches, and of what is not trained', async () => {
    const made = await trainer();
    const batch = { x: [4, 8], rows: [0, 0] };
    expect((await rejection(made.step([batch, batch]))).code).toBe('argument');
    const wrong = createTrainer(strictBackend(), {
      parameters: { w: { shape: [2], data: [1, 2] } },
      inputs: { x: f64(2) },
      dtype: 'float64',
      groups: [{ match: 'w', optimizer: sgd(), learningRate: 0.1 }],
      loss: ({ w }, { x }) => ({
        loss: sum(square(sub(w, x))),
        replaced: { w: { rows: cast(less(x, 0), 'float64'), values: x } },
      }),
    }).then((each) => each.step({ x: [1, 2] }));
    expect((await rejection(wrong)).code).toBe('shape');
  });
});
