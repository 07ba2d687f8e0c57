import {
  adam,
  adamW,
  add,
  createRandom,
  detach,
  f32,
  forward,
  loss,
  matmul,
  relu,
  square,
  sub,
  sum,
  type Tensor,
} from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import {
  batchesFromArrays,
  cosineSchedule,
  createTrainer,
  geometricSchedule,
  heNormal,
  normalInitializer,
} from '@ddcl/core/train';
import { expect, it } from 'vitest';
import { cpuBackend } from '../../src/index.ts';

const [rows, epochs] = [60, 3];
const random = createRandom(6);
const x = Float32Array.from({ length: rows * 5 }, () => random.normal());
const batches = batchesFromArrays({ x, weights: new Float32Array(rows).fill(1) }, { rows, size: 14, seed: 2 });
const totalSteps = epochs * batches.batchesPerEpoch;

/** An autoencoder through prototypes: two groups with schedules, clipped gradients, a tracked temperature. */
function autoencoder(backend: Backend) {
  const encode = (p: Record<'in' | 'hidden', Tensor>, rowsOfX: Tensor) => matmul(relu(matmul(rowsOfX, p.in)), p.hidden);
  return createTrainer(backend, {
    parameters: {
      in: { shape: [5, 8], initialize: heNormal() },
      hidden: { shape: [8, 3], initialize: heNormal() },
      out: { shape: [3, 5], initialize: heNormal() },
      prototypes: { shape: [4, 3], initialize: normalInitializer(0.2) },
    },
    inputs: { x: f32('n', 5), weights: f32('n') },
    groups: [
      { match: 'prototypes', optimizer: adam(), learningRate: 0.05 },
      { match: '*', optimizer: adamW(), learningRate: cosineSchedule(0.01, 0.0001) },
    ],
    totalSteps,
    clipNorm: 1,
    trackTemperature: { tokens: (p, batch) => ({ tokens: encode(p, batch.x) }), share: geometricSchedule(0.8, 0.1) },
    loss: (p, batch, _controls, { temperature }) => {
      const operands = { tokens: encode(p, batch.x), prototypes: p.prototypes, temperature };
      const { lq } = loss({ ...operands, tokens: detach(operands.tokens), weights: batch.weights });
      const error = sum(square(sub(matmul(forward(operands), p.out), batch.x)));
      return { loss: add(error, lq), lq, weight: sum(batch.weights) };
    },
  });
}

type Autoencoder = Awaited<ReturnType<typeof autoencoder>>;

/** Steps until so many were made; each fourth takes its batch in two parts. The step alone says which batch comes. */
async function runTo(trainer: Autoencoder, end: number): Promise<void> {
  while (trainer.steps < end) {
    const { steps } = trainer;
    const batch = [...batches.epoch(Math.floor(steps / batches.batchesPerEpoch))][steps % batches.batchesPerEpoch]!;
    const cut = (from: number, to: number) => ({
      x: batch.x.slice(from * 5, to * 5),
      weights: batch.weights.slice(from, to),
    });
    await trainer.step(steps % 4 === 3 ? [cut(0, 2), cut(2, batch.weights.length)] : batch);
  }
}

it('a training goes on bit for bit after ten stops at random steps, on new backends', async () => {
  const whole = await autoencoder(cpuBackend());
  let bytes = await whole.toBytes();
  await runTo(whole, totalSteps);
  const stops = Array.from({ length: 10 }, () => random.integer(totalSteps)).sort((a, b) => a - b);
  for (const stop of [...stops, totalSteps]) {
    const backend = cpuBackend();
    const trainer = await autoencoder(backend);
    await trainer.restore(bytes);
    await runTo(trainer, stop);
    bytes = await trainer.toBytes();
    // What it does after its last bytes is lost, as when a process is killed.
    await trainer.step(batches.epoch(0).next().value!);
    trainer.dispose();
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  }
  expect(bytes).toEqual(await whole.toBytes());
});
