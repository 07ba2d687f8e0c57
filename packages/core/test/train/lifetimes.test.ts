import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backend/contract.ts';
import { sgd } from '../../src/optimise/sgd.ts';
import { rejection } from '../support/run.ts';
import { strictBackend, type StrictBackend } from '../support/strict-backend.ts';
import { quadratic, type AnyTrainer } from './problem.ts';

const groups = [{ match: 'a', optimizer: sgd({ momentum: 0.5 }), learningRate: 0.1 }];
const parameters = { a: { shape: [2], data: [1, 2] }, fixed: { shape: [3], data: [1, 2, 3], frozen: true } };
const options = { groups, parameters };
const batch = { x: [3, 4, 5, 6] };

describe('a buffer that a batch cannot use leaves the trainer as it was:', () => {
  it.each([
    ['one of another dtype', 'dtype', 'there is no promotion', 'int32', Int32Array.of(1, 2), 'alive'],
    ['one that was freed', 'disposed', 'freed or donated before', 'float32', Float32Array.of(1, 2), 'freed'],
    ["another backend's", 'argument', 'did not make', 'float32', Float32Array.of(1, 2), 'foreign'],
  ] as const)('%s', async (_, code, text, dtype, data, kind) => {
    const backend = strictBackend();
    const trainer = await quadratic(options, backend);
    await trainer.step(batch);
    const x = (kind === 'foreign' ? strictBackend() : backend).upload({ dtype, shape: [1, 2] }, data);
    if (kind === 'freed') backend.free(x);
    const [bytes, memory] = [await trainer.toBytes(), backend.memory()];
    for (const run of [
      () => trainer.step({ x }),
      () => trainer.step([batch, { x }]),
      () => trainer.step([{ x }]),
      () => trainer.evaluate({ x }),
    ]) {
      const error = await rejection(run());
      expect(error.code).toBe(code);
      expect(error.message).toContain(text);
    }
    expect(backend.memory()).toEqual(memory);
    expect(await trainer.toBytes()).toEqual(bytes);
    await trainer.step(batch);
    expect(trainer.steps).toBe(2);
    trainer.dispose();
    expect(backend.memory().buffers).toBe(kind === 'alive' ? 1 : 0);
  });
});

describe('what an upload that fails leaves', () => {
  /** A backend whose n-th upload from `arm` on throws. */
  function failing(backend: StrictBackend): Backend & { arm(count: number): void; hasFailed(): boolean } {
    let left = Infinity;
    return {
      ...backend,
      upload(type, data) {
        if (--left === 0) throw new Error('no memory is left');
        return backend.upload(type, data);
      },
      arm: (count) => (left = count),
      hasFailed: () => left <= 0,
    };
  }

  it('is nothing, in createTrainer', async () => {
    let count = 1;
    for (let isDone = false; !isDone; count++) {
      const backend = strictBackend();
      const broken = failing(backend);
      broken.arm(count);
      const made = quadratic(options, broken);
      isDone = await made.then(
        () => true,
        () => false,
      );
      expect(isDone).toBe(!broken.hasFailed());
      if (!isDone) expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    }
    expect(count).toBeGreaterThan(4);
  });

  it.each([
    ['setState', async (trainer: AnyTrainer) => trainer.setState({ ...(await trainer.state()), step: 7 })],
    ['restore', async (trainer: AnyTrainer) => trainer.restore(await (await quadratic(options)).toBytes())],
    ['a step', (trainer: AnyTrainer) => trainer.step(batch)],
    ['a step of several', (trainer: AnyTrainer) => trainer.step([batch, batch])],
    ['evaluate', (trainer: AnyTrainer) => trainer.evaluate([batch, batch])],
  ])('is the state before, in %s', async (_, work) => {
    const backend = strictBackend();
    const broken = failing(backend);
    const trainer = await quadratic(options, broken);
    await trainer.step(batch);
    const [bytes, memory] = [await trainer.toBytes(), backend.memory()];
    let count = 1;
    for (let isDone = false; !isDone; count++) {
      broken.arm(count);
      const error: unknown = await work(trainer).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      isDone = error === undefined;
      expect(isDone).toBe(!broken.hasFailed());
      if (isDone) break;
      expect(backend.memory()).toEqual(memory);
      expect(String(error)).toContain('no memory is left');
      expect(await trainer.toBytes()).toEqual(bytes);
    }
    expect(count).toBeGreaterThan(2);
    trainer.dispose();
    expect(backend.memory().buffers).toBe(0);
  });
});

describe('dispose', () => {
  const calls: Record<string, (trainer: AnyTrainer) => Promise<unknown>> = {
    step: (trainer) => trainer.step(batch),
    'a step of several': (trainer) => trainer.step([batch, batch]),
    evaluate: (trainer) => trainer.evaluate([batch, batch]),
    report: (trainer) => trainer.report(),
    read: (trainer) => trainer.read(),
    buffers: (trainer) => trainer.buffers(),
    check: (trainer) => trainer.check(),
    state: (trainer) => trainer.state(),
    toBytes: (trainer) => trainer.toBytes(),
    setState: (trainer) =>
      trainer.setState({ step: 1, parameters: { a: [1, 2], fixed: [1, 2, 3] }, optimizer: {}, statistics: [] }),
  };

  it.each(Object.entries(calls))('is for good: %s is refused afterwards', async (_, call) => {
    const backend = strictBackend();
    const trainer = await quadratic(options, backend);
    const bytes = await trainer.toBytes();
    await trainer.step(batch);
    trainer.dispose();
    trainer.dispose();
    const error = await rejection(call(trainer));
    expect(error).toMatchObject({ code: 'disposed', message: expect.stringContaining('createTrainer()') });
    expect((await rejection(trainer.restore(bytes))).code).toBe('disposed');
    expect(backend.memory().buffers).toBe(0);
    expect(backend.log.alive.size).toBe(0);
  });

  it.each(Object.entries(calls))('frees what %s that is under way gives back', async (_, call) => {
    // After so many turns of the event loop's promises: in compilations, runs and downloads.
    for (let turns = 0; turns < 24; turns++) {
      const backend = strictBackend();
      const trainer = await quadratic(options, backend);
      if (turns % 2 === 1) await trainer.step(batch);
      const all = Promise.allSettled([call(trainer), trainer.step(batch), call(trainer)]);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      trainer.dispose();
      for (const each of await all) {
        if (each.status === 'rejected' && !String(each.reason).includes('no step to report'))
          expect(each.reason).toMatchObject({ code: 'disposed' });
      }
      expect(backend.memory().buffers).toBe(0);
      expect(backend.log.alive.size).toBe(0);
      expect((await rejection(trainer.step(batch))).code).toBe('disposed');
    }
  });
});
