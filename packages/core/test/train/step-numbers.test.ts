import { describe, expect, it } from 'vitest';
import { adamW } from '../../src/optimise/adam.ts';
import { sgd } from '../../src/optimise/sgd.ts';
import { rejection } from '../support/run.ts';
import { strictBackend } from '../support/strict-backend.ts';
import { quadratic } from './problem.ts';

const rate = (learningRate: unknown) => ({ groups: [{ match: '*', optimizer: sgd(), learningRate }], totalSteps: 3 });
const decay = (weightDecay: unknown) => ({
  groups: [{ match: '*', optimizer: adamW(), learningRate: 0.1, weightDecay }],
  totalSteps: 3,
});
const tracking = (setting: object) => ({
  parameters: { prototypes: { shape: [1, 2], data: [1, 2] }, a: { shape: [2], data: [1, 2] } },
  trackTemperature: { tokens: (_: unknown, { x }: { x: never }) => ({ tokens: x }), ...setting },
  totalSteps: 3,
});
const byControl = { ...rate('speed'), controls: ['speed', 'other'] };

describe('numbers of a step are refused, and nothing moves, for', () => {
  it.each([
    ['a rate of NaN', rate(() => NaN), {}, "the learningRate of the group '*'"],
    ['a rate that is missing', rate(() => undefined), {}, 'but got undefined'],
    ['an infinite rate', rate(() => Infinity), {}, 'but got Infinity'],
    ['a negative rate', rate(() => -1), {}, '>= 0 in float32, but got -1'],
    ['a text as rate', rate(() => '0.1'), {}, 'but got 0.1'],
    ['a decay of NaN', decay(() => NaN), {}, "the weightDecay of the group '*'"],
    ['a decay beyond float32', decay(() => 1e39), {}, 'but got 1e+39'],
    ['a control beyond float32', byControl, { speed: 1e300, other: 1 }, "the control 'speed'"],
    ['a control as negative rate', byControl, { speed: -5, other: 1 }, "(the control 'speed')"],
    ['a control of NaN', byControl, { speed: 1, other: NaN }, "the control 'other'"],
    ['a control that is missing', byControl, { speed: 1 }, "the control 'other'"],
    ['controls of null', byControl, null, 'as an object, but got null'],
    ['a share of NaN', tracking({ share: () => NaN }), {}, 'the share of trackTemperature'],
    ['a share of 0', tracking({ share: () => 0 }), {}, '> 0 in float32, but got 0'],
    ['a share that float32 rounds to 0', tracking({ share: () => 1e-60 }), {}, 'but got 1e-60'],
    ['a negative temperature', tracking({ temperature: () => -1 }), {}, 'the temperature of trackTemperature'],
  ])('%s', async (_, options, controls, text) => {
    const backend = strictBackend();
    const trainer = await quadratic(options, backend);
    const [bytes, memory] = [await trainer.toBytes(), backend.memory()];
    const batch = { x: [3, 4] };
    for (const run of [
      () => trainer.step(batch, controls as never),
      () => trainer.step([batch, batch], controls as never),
      () => trainer.evaluate(batch, controls as never),
    ]) {
      const error = await rejection(run());
      expect(error.code).toBe('argument');
      expect(error.message).toContain('Step 1 ');
      expect(error.message).toContain(text);
    }
    expect(await trainer.toBytes()).toEqual(bytes);
    expect(backend.memory()).toEqual(memory);
  });

  it('a schedule that goes wrong later, with the number of its step', async () => {
    const trainer = await quadratic(rate((progress: number) => (progress < 0.5 ? 0.1 : NaN)));
    await trainer.step({ x: [3, 4] });
    const bytes = await trainer.toBytes();
    expect((await rejection(trainer.step({ x: [3, 4] }))).message).toContain('Step 2 ');
    expect(await trainer.toBytes()).toEqual(bytes);
  });

  it('nothing that float64 holds', async () => {
    const trainer = await quadratic({ ...decay(() => 1e-60), totalSteps: 3 });
    await trainer.step({ x: [3, 4] });
    expect(trainer.steps).toBe(1);
  });
});
