import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { createMomentAccumulator, topEigenpairs } from '@ddcl/core/fit';
import { expect, it } from 'vitest';
import { principalAxes } from '../../src/project/principal-axes.ts';
import { thrown } from '../corpora.ts';

it('finds the leading eigenvectors of the covariance', async () => {
  const [count, width] = [300, 40];
  const random = createRandom(2);
  // Deviations that fall from axis to axis, turned by a shear, around a mean that is not 0.
  const rows = Float32Array.from(
    { length: count * width },
    (_, index) => 3 + random.normal() * 0.85 ** (index % width),
  );
  for (let row = 0; row < count; row++) rows[row * width + 5]! += rows[row * width]! * 0.5;
  const moments = createMomentAccumulator(width);
  moments.addRows(rows);
  const { mean, covariance } = moments.result();
  const expected = topEigenpairs(covariance!, width, { count: 4 });
  const found = await principalAxes(cpuBackend(), rows.slice(), width, 4, 0);
  found.mean.forEach((value, axis) => expect(value).toBeCloseTo(mean[axis]!, 12));
  for (let component = 0; component < 4; component++) {
    let [product, squares] = [0, 0];
    for (let axis = 0; axis < width; axis++) {
      product += found.axes[component * width + axis]! * expected.vectors[component * width + axis]!;
      squares += found.axes[component * width + axis]! ** 2;
    }
    const factor = (expected.values[0]! / expected.values[component]!) ** 0.25;
    expect(Math.sqrt(squares) / factor).toBeCloseTo(1, 3);
    // The sign is that of the largest number, as there.
    expect(product / factor).toBeGreaterThan(0.999);
  }
});

it('gives zeros for components that so few rows say nothing of, and refuses equal rows', async () => {
  const rows = Float32Array.from({ length: 17 * 3 }, (_, index) => Math.sin(index * index));
  const { axes } = await principalAxes(cpuBackend(), rows, 3, 3, 0);
  expect(Math.hypot(...axes.subarray(0, 3))).toBeCloseTo(1, 6);
  expect(Math.hypot(...axes.subarray(3, 6))).toBeGreaterThanOrEqual(1);
  expect([...axes.subarray(6)]).toEqual([0, 0, 0]);
  expect(await thrown(() => principalAxes(cpuBackend(), new Float32Array(6).fill(2), 3, 1, 0))).toBe(
    'data: All 2 groups pass on the same numbers, so there is nothing to project. Give documents that differ.',
  );
});
