import { describe, expect, it } from 'vitest';
import { fromFrame, prototypeState, toFrame } from '../../src/measure/prototype-state.ts';

const frame = { offset: Float64Array.of(1000, -2), scale: 4 };

describe('the frame', () => {
  it('takes the offset off and divides by the scale, and back', () => {
    const rows = Float64Array.of(1004, 2, 996, -10);
    expect(Array.from(toFrame(rows, frame))).toEqual([1, 1, -1, -2]);
    expect(fromFrame(toFrame(rows, frame), frame)).toEqual(rows);
  });

  it('programs take prototypes in it, and the temperature in its square', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const state = prototypeState(Float64Array.of(1004, 2, 996, -10, 1000.4, -2), 2, 8, frame, dtype);
      const [prototypes, temperature] = state.inputs();
      expect(prototypes[0]).toEqual({ dtype, shape: [3, 2] });
      expect(temperature).toEqual([
        { dtype, shape: [] },
        dtype === 'float32' ? Float32Array.of(0.5) : Float64Array.of(0.5),
      ]);
      // 0.1 of the frame keeps seven digits in float32: 1000.4 itself would keep four after the point.
      expect(prototypes[1][4]).toBeCloseTo(0.1, dtype === 'float32' ? 8 : 13);
      expect(state.within({ offset: Float64Array.of(0, 0), scale: 1 }).inputs()[0][1][0]).toBe(1004);
    }
  });
});
