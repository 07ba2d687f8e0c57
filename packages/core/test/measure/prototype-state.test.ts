import { describe, expect, it } from 'vitest';
import { fromFrame, prototypeState, toFrame } from '../../src/measure/prototype-state.ts';
import { strictBackend } from '../support/strict-backend.ts';

const frame = { offset: Float64Array.of(1000, -2), scale: 4 };

describe('the frame', () => {
  it('takes the offset off and divides by the scale, and back', () => {
    const rows = Float64Array.of(1004, 2, 996, -10);
    expect(Array.from(toFrame(rows, frame))).toEqual([1, 1, -1, -2]);
    expect(fromFrame(toFrame(rows, frame), frame)).toEqual(rows);
  });

  it('prototypes are uploaded in it, and the temperature in its square', async () => {
    const backend = strictBackend();
    for (const dtype of ['float32', 'float64'] as const) {
      const state = prototypeState(Float64Array.of(1004, 2, 996, -10, 1000.4, -2), 2, 8, frame, dtype);
      const [prototypes, temperature] = state.upload(backend);
      expect(prototypes.type).toEqual({ dtype, shape: [3, 2] });
      expect(Array.from(await backend.download(temperature))).toEqual([0.5]);
      // 0.1 of the frame keeps seven digits in float32: 1000.4 itself would keep four after the point.
      expect((await backend.download(prototypes))[4]).toBeCloseTo(0.1, dtype === 'float32' ? 8 : 13);
      backend.free(prototypes);
      backend.free(temperature);
    }
    expect(backend.log.alive.size).toBe(0);
  });
});
