import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { fitQuantizer, quantize, type QuantizerKind } from '../../src/index.ts';

const [count, dimension] = [300, 4];
const random = createRandom(2);
/** Components 2 and 3 are small: a codebook for them wastes its codes, while 8 codes are few for 0 and 1 together. */
const deviations = [1, 1, 0.05, 0.05];
const data = Float32Array.from(
  { length: count * dimension },
  (_, index) => 5 + deviations[index % dimension]! * random.normal(),
);
const fit = (kind: QuantizerKind, projection?: 'principal') =>
  fitQuantizer(
    cpuBackend(),
    tokensFromReader(tokensFromArray(data, dimension)),
    { kind, dimension, codes: 8, heads: 2, ...(projection && { projection }) },
    { steps: 40 },
  );

describe('principal projections', () => {
  it.each(['ddcl', 'ema'] as const)('%s: a rotation that stays, with which groups lose less', async (kind) => {
    const [plain, rotated] = [await fit(kind), await fit(kind, 'principal')];
    expect(rotated.report.quantization).toBeLessThan(0.8 * plain.report.quantization);
    const { tensors } = rotated.state;
    const [into, back] = [tensors['project.in.weight']!, tensors['project.out.weight']!];
    for (let row = 0; row < dimension; row++) {
      for (let column = 0; column < dimension; column++) {
        let product = 0;
        for (let inner = 0; inner < dimension; inner++)
          product += into[row * dimension + inner]! * back[inner * dimension + column]!;
        // Rounding of float32 entries.
        expect(product).toBeCloseTo(row === column ? 1 : 0, 5);
      }
    }
    // The error of the outputs, by its definition.
    const { hard } = await quantize(cpuBackend(), rotated.state, { data, shape: [count, dimension] });
    const error = data.reduce((sum, value, index) => sum + (value - hard[index]!) ** 2, 0) / count;
    expect(error).toBeCloseTo(rotated.report.quantization, 6);
  });

  it('refuses vectors whose covariance would be too wide', async () => {
    const wide = tokensFromReader(tokensFromArray(new Float32Array(3 * 2050).fill(1), 2050));
    const spec = { kind: 'ema', dimension: 2050, codes: 2, heads: 2, projection: 'principal' } as const;
    await expect(fitQuantizer(cpuBackend(), wide, spec)).rejects.toThrow(
      /at most 2048 components, but these have 2050/,
    );
  });
});
