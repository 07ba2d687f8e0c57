import { cpuBackend } from '@ddcl/backend-cpu';
import { describe, expect, it } from 'vitest';
import { formatReadout, meanPooling, timeReadout } from '../src/readout.ts';

describe('meanPooling', () => {
  it('is the mean of the tokens that the mask keeps', () => {
    const data = Float32Array.of(1, 2, 3, 4, 99, 99, 5, 6, 99, 99, 99, 99);
    const pooled = meanPooling({ data, shape: [2, 3, 2], mask: [1, 1, 0, 1, 0, 0] });
    expect([...pooled]).toEqual([2, 3, 5, 6]);
  });
});

describe('timeReadout', () => {
  it('times every output and the loop', async () => {
    const backend = cpuBackend();
    const shape = { documents: 4, length: 8, dimension: 6, prototypes: 3 };
    const timing = await timeReadout(backend, shape, 2);
    expect(Object.keys(timing.outputs)).toEqual(['pooled', 'occupancy', 'summaries', 'residuals']);
    expect(timing.outputs.pooled).toBeGreaterThan(0);
    expect(formatReadout(timing)).toContain('mean loop');
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});
