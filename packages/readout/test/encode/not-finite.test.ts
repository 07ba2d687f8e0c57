import { cpuBackend } from '@ddcl/backend-cpu';
import type { DdclModel, ReadoutOutput } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { quantize, Readout, type EncodedPrecision } from '../../src/index.ts';
import { layoutOf } from '../../src/sequences/layout.ts';
import { codeOf } from '../thrown.ts';

const model: DdclModel = {
  count: 2,
  dimension: 2,
  dtype: 'float32',
  prototypes: Float64Array.of(0, 1, 2, 3),
  temperature: 1,
  criticalTemperature: 4,
  offset: new Float64Array(2),
  scale: 1,
  totalVariance: 1,
};

describe('a number that is not finite', () => {
  it.each([
    ['outputs', 1],
    ['assignments', 1],
    ['outputs', 2],
    ['assignments', 2],
  ] as const)('is found by %s in token %s of a sequence', async (output: ReadoutOutput, token) => {
    const readout = Readout.fromModel(model, { backend: cpuBackend() });
    const data = Float32Array.from({ length: 12 }, (_, i) => i / 4).fill(NaN, 6 + 2 * token, 6 + 2 * token + 1);
    await expect(readout.encode({ data, shape: [2, 3, 2] }, { outputs: [output] })).rejects.toThrow(
      /tokens of sequence 1 \(counted from 0\).*not finite/,
    );
    readout.dispose();
  });

  it.each([NaN, Infinity, -Infinity])('such as %s has no int8', (value) => {
    expect(() => quantize(Float32Array.of(1, 2, 3, value), [2, 2], 'int8')).toThrow(/must be finite, but vector 1 /);
  });

  it.each([NaN, -1, Infinity])('or a mask of %s, is refused', async (value) => {
    const batch = { data: new Float32Array(6), shape: [1, 3, 2], mask: [1, value, 0] };
    expect(await codeOf(() => layoutOf(batch))).toBe('data');
    expect(() => layoutOf(batch)).toThrow(`place 1 (counted from 0) has ${value}`);
  });
});

it('refuses a precision that there is not', () => {
  expect(() => quantize(Float32Array.of(1), [1], 'int4' as EncodedPrecision)).toThrow(
    "'int8' or 'binary', but is 'int4'",
  );
});
