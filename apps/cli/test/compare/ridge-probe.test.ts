import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { stratifiedShare } from '../../src/compare/documents.ts';
import { penaltyShares, ridgeProbe } from '../../src/compare/ridge-probe.ts';
import { solveShifted } from '../../src/compare/shifted-systems.ts';

/** Gaussian elimination with pivots, float64. */
function solve(a: number[][], b: number[]): number[] {
  const rows = a.map((row, i) => [...row, b[i]!]);
  const n = rows.length;
  for (let k = 0; k < n; k++) {
    const pivot = rows
      .slice(k)
      .reduce((best, row, i) => (Math.abs(row[k]!) > Math.abs(rows[best]![k]!) ? k + i : best), k);
    [rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!];
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = rows[i]![k]! / rows[k]![k]!;
      for (let j = k; j <= n; j++) rows[i]![j]! -= factor * rows[k]![j]!;
    }
  }
  return rows.map((row, i) => row[n]! / row[i]!);
}

const random = createRandom(4);

describe('solveShifted', () => {
  it('solves all shifts at once as elimination does', async () => {
    const [n, columns] = [12, 3];
    const factor = Array.from({ length: n }, () => Array.from({ length: n }, () => random.normal()));
    const a = factor.map((row) => factor.map((other) => row.reduce((sum, x, i) => sum + x * other[i]!, 0)));
    const right = Float32Array.from({ length: n * columns }, () => random.normal());
    const shifts = [0.5, 2, 30];
    const product = async (x: Float32Array): Promise<Float32Array> =>
      Float32Array.from(x, (_, at) => {
        const [row, c] = [Math.floor(at / columns), at % columns];
        return a[row]!.reduce((sum, value, i) => sum + value * x[i * columns + c]!, 0);
      });
    const { solutions, residual } = await solveShifted(product, right, columns, shifts, { tolerance: 1e-5 });
    expect(residual).toBeLessThan(1e-5);
    shifts.forEach((shift, index) => {
      for (let c = 0; c < columns; c++) {
        const shifted = a.map((row, i) => row.map((value, j) => value + (i === j ? shift : 0)));
        const wanted = solve(
          shifted,
          Array.from({ length: n }, (_, i) => right[i * columns + c]!),
        );
        wanted.forEach((value, i) => expect(Math.abs(solutions[index]![i * columns + c]! - value)).toBeLessThan(2e-4));
      }
    });
  });
});

/** Documents of three classes whose means differ a little, in many dimensions. */
function documents(
  count: number,
  width: number,
  seed: number,
): { features: { data: Float32Array; documents: number; width: number }; classes: Int32Array } {
  const own = createRandom(seed);
  const means = createRandom(99);
  const centres = Float64Array.from({ length: 3 * width }, () => 0.35 * means.normal());
  const classes = Int32Array.from({ length: count }, (_, i) => i % 3);
  // Columns of very different size.
  const data = Float32Array.from(
    { length: count * width },
    (_, i) =>
      (centres[(Math.floor(i / width) % 3) * width + (i % width)]! + own.normal()) * 10 ** ((i % width) % 4) + 5,
  );
  return { features: { data, documents: count, width }, classes };
}

describe('ridgeProbe', () => {
  it('predicts as the closed form with the same penalty does', async () => {
    const [train, test] = [documents(150, 20, 1), documents(60, 20, 2)];
    const { predictions, accuracy, penalty, validationAccuracy } = await ridgeProbe(cpuBackend(), train, test, {
      count: 3,
    });
    expect(penaltyShares).toContain(penalty);
    expect(validationAccuracy).toBeGreaterThan(0.5);
    // Float64, one column of the targets after the other.
    const w = 20;
    const column = (j: number): number[] => Array.from({ length: 150 }, (_, i) => train.features.data[i * w + j]!);
    const stats = Array.from({ length: w }, (_, j) => {
      const mean = column(j).reduce((a, b) => a + b, 0) / 150;
      return { mean, deviation: Math.sqrt(column(j).reduce((a, b) => a + (b - mean) ** 2, 0) / 150) };
    });
    const scale = (data: Float32Array, i: number, j: number): number =>
      (data[i * w + j]! - stats[j]!.mean) / stats[j]!.deviation;
    const x = Array.from({ length: 150 }, (_, i) =>
      Array.from({ length: w }, (_, j) => scale(train.features.data, i, j)),
    );
    const gram = Array.from({ length: w }, (_, i) =>
      Array.from(
        { length: w },
        (_, j) => x.reduce((sum, row) => sum + row[i]! * row[j]!, 0) + (i === j ? penalty * 150 : 0),
      ),
    );
    const weights = [0, 1, 2].map((c) => {
      const right = Array.from({ length: w }, (_, j) =>
        x.reduce((sum, row, i) => sum + row[j]! * ((train.classes[i] === c ? 1 : 0) - 1 / 3), 0),
      );
      return solve(gram, right);
    });
    const wanted = Array.from({ length: 60 }, (_, i) => {
      const scores = weights.map((row) =>
        row.reduce((sum, value, j) => sum + value * scale(test.features.data, i, j), 0),
      );
      return scores.indexOf(Math.max(...scores));
    });
    expect([...predictions]).toEqual(wanted);
    expect(accuracy).toBeCloseTo(wanted.filter((c, i) => c === test.classes[i]).length / 60, 12);
  });

  it('works with more features than documents, and frees what it used', async () => {
    const backend = cpuBackend();
    const { accuracy } = await ridgeProbe(backend, documents(90, 200, 1), documents(60, 200, 2), { count: 3 });
    expect(accuracy).toBeGreaterThan(0.9);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it('holds out the same share of each class', () => {
    const classes = Int32Array.from({ length: 100 }, (_, i) => (i < 80 ? 0 : i < 99 ? 1 : 2));
    const rows = stratifiedShare(classes, 3, 0.15, createRandom(1));
    expect([0, 1, 2].map((c) => rows.filter((row) => classes[row] === c).length)).toEqual([12, 3, 0]);
  });
});
