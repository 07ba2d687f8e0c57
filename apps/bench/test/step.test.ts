import { cpuBackend } from '@ddcl/backend-cpu';
import { describe, expect, it } from 'vitest';
import { median } from '../src/measure/median.ts';
import { timeStep } from '../src/measure/step.ts';

describe('timeStep', () => {
  it('counts the two matrix products and leaves nothing on the device', async () => {
    const backend = cpuBackend();
    const timing = await timeStep(backend, { tokens: 32, dimension: 3, prototypes: 2 }, 3);
    expect(timing.gflops * timing.milliseconds.median * 1e6).toBeCloseTo(4 * 32 * 3 * 2, 6);
    expect(timing.milliseconds.min).toBeLessThanOrEqual(timing.milliseconds.max);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});

describe('median', () => {
  it('is the middle value, or the mean of the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });
});
