import { describe, expect, it } from 'vitest';
import { adam } from '../../src/optimise/adam.ts';
import { sgd } from '../../src/optimise/sgd.ts';
import type { Optimizer } from '../../src/optimise/optimizer.ts';
import { mul } from '../../src/program/ops/elementwise.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f32 } from '../../src/program/tensor-type.ts';
import { randomNumbers, rejection } from '../support/run.ts';
import { readSafetensors } from '../../src/safetensors/read-safetensors.ts';
import { writeSafetensors } from '../../src/safetensors/write-safetensors.ts';
import { strictBackend } from '../support/strict-backend.ts';
import { createTrainer } from '../../src/train/trainer.ts';
import { leastSquares, rows, rowsOf, totalSteps } from './problem.ts';

const batchAt = (step: number) =>
  step % 3 === 2 ? [rowsOf(0, 5), rowsOf(5, 12)] : rowsOf(step % 5, rows - (step % 4));

async function runTo(trainer: Awaited<ReturnType<typeof leastSquares>>, end: number): Promise<void> {
  while (trainer.steps < end) await trainer.step(batchAt(trainer.steps), { factor: 1 + trainer.steps });
}

describe("a trainer's bytes", () => {
  it('go on bit for bit after ten stops at random steps', async () => {
    const whole = await leastSquares({ clipNorm: 1 });
    await runTo(whole, totalSteps);
    const random = randomNumbers(9);
    let bytes = await (await leastSquares({ clipNorm: 1 })).toBytes();
    const stops = Array.from({ length: 10 }, () => Math.floor(random() * totalSteps)).sort((a, b) => a - b);
    for (const stop of [...stops, totalSteps]) {
      const trainer = await leastSquares({ clipNorm: 1 });
      await trainer.restore(bytes);
      await runTo(trainer, stop);
      bytes = await trainer.toBytes();
      trainer.dispose();
    }
    expect(bytes).toEqual(await whole.toBytes());
  });

  it('are a safetensors file with parameters under their names', async () => {
    const trainer = await leastSquares();
    await runTo(trainer, 2);
    const { tensors, metadata } = readSafetensors(await trainer.toBytes());
    expect(metadata).toMatchObject({ format: 'ddcl.trainer', formatVersion: '1', step: '2' });
    expect([...tensors.keys()].sort()).toEqual([
      'ddcl.optimizer.0.model.bias',
      'ddcl.optimizer.0.model.weight',
      'ddcl.optimizer.1.model.weight',
      'model.bias',
      'model.weight',
      'scale',
    ]);
    expect([...tensors.get('model.weight')!.data]).toEqual([...(await trainer.read())['model.weight']]);
  });

  function small(optimizer: Optimizer, match: string, size: number, dtype?: 'float32') {
    return createTrainer(strictBackend(), {
      parameters: { a: { shape: [size], data: new Float32Array(size) }, b: { shape: [], data: [1] } },
      inputs: { x: f32() },
      groups: [
        { match, optimizer, learningRate: 0.1 },
        { match: '*', optimizer: sgd(), learningRate: 0.1 },
      ],
      loss: ({ a, b }, { x }) => ({ loss: mul(sum(mul(a, a)), mul(b, x)) }),
      ...(dtype && { dtype }),
    });
  }

  it.each([
    ['another optimiser', sgd({ momentum: 0.9 }), 'a', 3, 'groups was adam(beta1=0.9'],
    ['other numbers of an optimiser', adam({ beta1: 0.5 }), 'a', 3, 'is adam(beta1=0.5'],
    ['other members of a group', adam(), 'b', 3, 'adam(beta1=0.9 beta2=0.999 epsilon=1e-8): b'],
    ['another shape', adam(), 'a', 4, 'a was [3], is [4]'],
  ])('are refused by a trainer with %s', async (_, optimizer, match, size, text) => {
    const bytes = await (await small(adam(), 'a', 3)).toBytes();
    const error = await rejection((await small(optimizer, match, size)).restore(bytes));
    expect(error.code).toBe('data');
    expect(error.message).toContain(text);
  });

  it('are refused where they are damaged, and the trainer stays as it was', async () => {
    const trainer = await small(adam(), 'a', 3);
    const bytes = await trainer.toBytes();
    const { tensors, metadata } = readSafetensors(bytes);
    const others = new Map(
      [...tensors].map(([name, tensor]) => [
        name,
        { ...tensor, dtype: 'F64' as const, data: Float64Array.from(tensor.data as Float32Array) },
      ]),
    );
    for (const damaged of [
      bytes.subarray(0, bytes.length - 1),
      bytes.subarray(0, 20),
      new Uint8Array(0),
      writeSafetensors(tensors, { ...metadata, format: 'ddcl.model' }),
      writeSafetensors(tensors, { ...metadata, formatVersion: '2' }),
      ...['-1', ' ', '', '1.5', 'NaN', '0x1', '1e3', String(2 ** 30)].map((step) =>
        writeSafetensors(tensors, { ...metadata, step }),
      ),
      writeSafetensors(others, metadata),
    ]) {
      expect((await rejection(trainer.restore(damaged))).code).toBe('format');
    }
    expect(await trainer.toBytes()).toEqual(bytes);
  });
});

describe("a trainer's state", () => {
  it('that does not fit is refused, and the trainer stays as it was', async () => {
    const backend = strictBackend();
    const trainer = await leastSquares({}, backend);
    await runTo(trainer, 2);
    const [bytes, state, memory] = [await trainer.toBytes(), await trainer.state(), backend.memory()];
    const { 'model.bias': _bias, ...others } = state.parameters;
    expect((await rejection(trainer.setState({ ...state, parameters: others }))).message).toContain("'model.bias'");
    for (const wrong of [
      { ...state, parameters: { ...state.parameters, 'model.weight': [1] } },
      { ...state, parameters: { ...state.parameters, scale: [1, 2] } },
      { ...state, optimizer: { ...state.optimizer, 'model.bias': [[1, 2]] } },
    ])
      expect((await rejection(trainer.setState(wrong))).code).toBe('shape');
    for (const step of [NaN, -1, 1.5, '3', 2 ** 30, 2 ** 31, undefined] as number[]) {
      const error = await rejection(trainer.setState({ ...state, step }));
      expect(error).toMatchObject({ code: 'argument', message: expect.stringContaining('from 0 to 1073741823') });
    }
    expect(trainer.steps).toBe(2);
    expect(await trainer.toBytes()).toEqual(bytes);
    expect(backend.memory()).toEqual(memory);
    await trainer.setState({ ...state, step: 2 ** 30 - 1 });
    expect(trainer.steps).toBe(2 ** 30 - 1);
  });

  it('has no report of the steps before it was set', async () => {
    const trainer = await leastSquares();
    await runTo(trainer, 2);
    await trainer.report();
    await trainer.setState(await trainer.state());
    expect((await rejection(trainer.report())).message).toContain('no step to report');
  });

  it('goes with a run that fails on the device, which is said; one can be restored', async () => {
    let fails = false;
    const backend = strictBackend({
      before: (op) => {
        if (fails && op === 'sqrt') throw new Error('the device is gone');
      },
    });
    const trainer = await leastSquares({}, backend);
    await runTo(trainer, 2);
    const bytes = await trainer.toBytes();
    fails = true;
    expect((await rejection(trainer.step(batchAt(3) as ReturnType<typeof rowsOf>, { factor: 1 }))).message).toContain(
      'the device is gone',
    );
    fails = false;
    const error = await rejection(trainer.step(rowsOf(0, 4), { factor: 1 }));
    expect(error.code).toBe('disposed');
    expect(error.message).toContain('restore()');
    await trainer.restore(bytes);
    await runTo(trainer, 3);
    trainer.dispose();
    expect(backend.memory().buffers).toBe(0);
    expect(backend.log.alive.size).toBe(0);
  });
});
