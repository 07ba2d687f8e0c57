import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lanczos, type LanczosOptions, type LanczosResult } from '../../src/linalg/lanczos.ts';
import { topEigenpairs } from '../../src/linalg/symmetric-eigen.ts';
import { tridiagonalEigen } from '../../src/linalg/tridiagonal-eigen.ts';
import { norm } from '../../src/linalg/vector.ts';
import { createRandom } from '../../src/random/random.ts';
import { jacobiEigenvalues, multiply, withSpectrum } from '../support/dense.ts';
import { codeOf, codeOfPromise } from '../support/thrown.ts';

function run(matrix: Float64Array, size: number, options: Partial<LanczosOptions> = {}): Promise<LanczosResult> {
  return lanczos((v) => Promise.resolve(multiply(matrix, size, v)), { size, random: createRandom(1), ...options });
}

function residual(matrix: Float64Array, size: number, value: number, vector: Float64Array): number {
  return norm(multiply(matrix, size, vector).map((x, i) => x - value * vector[i]!));
}

describe('tridiagonalEigen', () => {
  it('finds the closed form of the second difference', () => {
    // Eigenvalues of tridiag(-1, 2, -1): 2 - 2 cos(k pi / (n + 1)).
    const n = 40;
    const { values } = tridiagonalEigen(new Float64Array(n).fill(2), new Float64Array(n - 1).fill(-1));
    values.forEach((value, i) => expect(value).toBeCloseTo(2 - 2 * Math.cos(((i + 1) * Math.PI) / (n + 1)), 13));
  });

  it('diagonalises: T V = V D with orthonormal V, in order', () => {
    const number = fc.double({ min: -10, max: 10, noNaN: true });
    const sparse = fc.oneof(number, fc.constant(0), fc.double({ min: -1e-14, max: 1e-14, noNaN: true }));
    const matrices = fc
      .integer({ min: 1, max: 14 })
      .chain((n) =>
        fc.tuple(
          fc.array(sparse, { minLength: n, maxLength: n }),
          fc.array(sparse, { minLength: n - 1, maxLength: n - 1 }),
        ),
      );
    fc.assert(
      fc.property(matrices, fc.constantFrom(1e-300, 1, 1e300), ([diagonal, off], factor) => {
        const n = diagonal.length;
        const d = Float64Array.from(diagonal);
        const e = Float64Array.from(off);
        const { values, vectors } = tridiagonalEigen(
          d.map((x) => x * factor),
          e.map((x) => x * factor),
        );
        const { values: others, vectors: last } = tridiagonalEigen(
          d.map((x) => x * factor),
          e.map((x) => x * factor),
          'last',
        );
        expect(others).toEqual(values);
        expect(
          tridiagonalEigen(
            d.map((x) => x * factor),
            e.map((x) => x * factor),
            'none',
          ).vectors.length,
        ).toBe(0);
        for (let a = 0; a < n; a += 1) {
          const v = vectors.subarray(a * n, (a + 1) * n);
          if (a > 0) expect(values[a]!).toBeGreaterThanOrEqual(values[a - 1]!);
          expect(last[a]).toBe(v[n - 1]);
          for (let i = 0; i < n; i += 1) {
            const row = d[i]! * v[i]! + (i > 0 ? e[i - 1]! * v[i - 1]! : 0) + (i < n - 1 ? e[i]! * v[i + 1]! : 0);
            expect(Math.abs(row - (values[a]! / factor) * v[i]!)).toBeLessThan(2e-13);
          }
          for (let b = 0; b <= a; b += 1) {
            const w = vectors.subarray(b * n, (b + 1) * n);
            expect(Math.abs(v.reduce((sum, x, i) => sum + x * w[i]!, 0) - (a === b ? 1 : 0))).toBeLessThan(1e-13);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('takes the zero matrix and a graded one', () => {
    expect(tridiagonalEigen(new Float64Array(3), new Float64Array(2)).values).toEqual(new Float64Array(3));
    const graded = tridiagonalEigen(new Float64Array([1e12, 1, 1e-12]), new Float64Array([1, 1e-12]), 'none').values;
    expect(graded[2]! / 1e12).toBeCloseTo(1, 12);
  });

  it('refuses lengths and numbers that do not fit', () => {
    expect(codeOf(() => tridiagonalEigen(new Float64Array(0), new Float64Array(0)))).toBe('shape');
    expect(codeOf(() => tridiagonalEigen(new Float64Array(2), new Float64Array(2)))).toBe('shape');
    expect(codeOf(() => tridiagonalEigen(new Float64Array([1, NaN]), new Float64Array(1)))).toBe('data');
    expect(codeOf(() => tridiagonalEigen(new Float64Array(2), new Float64Array([Infinity])))).toBe('data');
  });
});

describe('lanczos', () => {
  it('finds the ends of a planted spectrum with their vectors', async () => {
    const size = 60;
    const spectrum = Array.from({ length: size }, (_, i) => (i === 0 ? -7 : i === 1 ? 9 : Math.sin(i)));
    const matrix = withSpectrum(spectrum, 3);
    const result = await run(matrix, size, { vectors: true, tolerance: 1e-10 });
    expect(result.converged).toBe(true);
    expect(result.smallest).toBeCloseTo(-7, 10);
    expect(result.largest).toBeCloseTo(9, 10);
    expect(result.iterations).toBeLessThan(40);
    for (const end of ['smallest', 'largest'] as const) {
      const vector = result.vectors![end];
      expect(norm(vector)).toBeCloseTo(1, 13);
      const actual = residual(matrix, size, result[end], vector);
      expect(actual).toBeLessThan(9e-10 * 1.1);
      expect(Math.abs(actual - result.residuals[end])).toBeLessThan(1e-12);
    }
  });

  it('agrees with Jacobi for every small matrix, at any scale', async () => {
    const entries = fc
      .integer({ min: 1, max: 9 })
      .chain((n) =>
        fc.tuple(fc.constant(n), fc.array(fc.integer({ min: -3, max: 3 }), { minLength: n * n, maxLength: n * n })),
      );
    await fc.assert(
      fc.asyncProperty(entries, fc.maxSafeNat(), fc.constantFrom(1e-200, 1, 1e150), async ([n, raw], seed, factor) => {
        // Integer matrices are often singular and have multiple eigenvalues: breakdown is common here.
        const matrix = Float64Array.from(raw, (_, k) => factor * (raw[k]! + raw[(k % n) * n + Math.floor(k / n)]!));
        const exact = jacobiEigenvalues(
          matrix.map((x) => x / factor),
          n,
        );
        const result = await run(matrix, n, { random: createRandom(seed), tolerance: 1e-12 });
        expect(result.converged).toBe(true);
        expect(result.iterations).toBeLessThanOrEqual(n);
        expect(Math.abs(result.smallest / factor - exact[0]!)).toBeLessThan(1e-11);
        expect(Math.abs(result.largest / factor - exact[n - 1]!)).toBeLessThan(1e-11);
      }),
      { numRuns: 300 },
    );
  });

  it('is exact for sizes 1 and 2, zero and the identity', async () => {
    expect(await run(new Float64Array([-4]), 1)).toEqual({
      smallest: -4,
      largest: -4,
      iterations: 1,
      converged: true,
      residuals: { smallest: 0, largest: 0 },
    });
    const two = await run(new Float64Array([2, 1, 1, 2]), 2);
    expect([two.smallest, two.largest]).toEqual([expect.closeTo(1, 14), expect.closeTo(3, 14)]);
    const zero = await run(new Float64Array(100), 10);
    expect([zero.smallest, zero.largest, zero.iterations]).toEqual([0, 0, 2]);
    const identity = await run(withSpectrum(Array(50).fill(1), 1), 50);
    expect([identity.smallest, identity.largest]).toEqual([expect.closeTo(1, 14), expect.closeTo(1, 14)]);
    expect(identity.converged).toBe(true);
    expect(identity.iterations).toBeLessThan(6);
  });

  it('goes on after a breakdown that hides the ends', async () => {
    // The first draws are planted so that the start vector is the third axis alone: an eigenvector of value 0.
    const random = createRandom(2);
    const planted = [0, 0, 1, 0, 0];
    const rigged = { ...random, normal: () => planted.shift() ?? random.normal() };
    const matrix = new Float64Array(25);
    [5, -3, 0, 1, 1].forEach((value, i) => (matrix[i * 6] = value));
    const result = await run(matrix, 5, { random: rigged });
    expect(result.smallest).toBeCloseTo(-3, 12);
    expect(result.largest).toBeCloseTo(5, 12);
    expect(result.converged).toBe(true);
  });

  it('lets the space after a breakdown settle before it believes the first', async () => {
    // Starts at the eigenvector of value 2; what the rest offers at first is far below, but its top is 5.
    const random = createRandom(3);
    const planted = [0, 0, 1, 0, 0];
    const rigged = { ...random, normal: () => planted.shift() ?? random.normal() };
    const matrix = new Float64Array(25);
    [5, -30, 2, -20, -10].forEach((value, i) => (matrix[i * 6] = value));
    const result = await run(matrix, 5, { random: rigged, want: 'largest' });
    expect(result.largest).toBeCloseTo(5, 7);
  });

  it('keeps its vectors orthogonal on a graded spectrum', async () => {
    const size = 60;
    const lent: Float64Array[] = [];
    const matrix = withSpectrum(
      Array.from({ length: size }, (_, i) => 10 ** (-i / 4)),
      11,
    );
    const apply = (v: Float64Array): Promise<Float64Array> => {
      lent.push(v);
      return Promise.resolve(multiply(matrix, size, v));
    };
    await lanczos(apply, { size, random: createRandom(4), tolerance: 1e-15 });
    expect(lent.length).toBeGreaterThan(30);
    for (const [i, v] of lent.entries()) {
      for (const [j, w] of lent.entries()) {
        const product = v.reduce((sum, x, k) => sum + x * w[k]!, 0);
        expect(Math.abs(product - (i === j ? 1 : 0))).toBeLessThan(1e-14);
      }
    }
  });

  it('takes a product that is the lent array itself', async () => {
    const lent: Float64Array[] = [];
    const copies: Float64Array[] = [];
    const apply = (v: Float64Array): Promise<Float64Array> => {
      lent.push(v);
      copies.push(v.slice());
      return Promise.resolve(v);
    };
    const result = await lanczos(apply, { size: 6, random: createRandom(0) });
    expect(lent).toEqual(copies);
    expect([result.smallest, result.largest]).toEqual([expect.closeTo(1, 14), expect.closeTo(1, 14)]);
  });

  it('says so when it has not converged, with honest residuals', async () => {
    const size = 100;
    const matrix = withSpectrum(
      Array.from({ length: size }, (_, i) => i),
      5,
    );
    const result = await run(matrix, size, { maxIterations: 8, vectors: true });
    expect(result.converged).toBe(false);
    expect(result.iterations).toBe(8);
    expect(residual(matrix, size, result.largest, result.vectors!.largest)).toBeCloseTo(result.residuals.largest, 10);
    expect(result.residuals.largest).toBeGreaterThan(99 - result.largest - 1);
    expect(result.largest).toBeLessThan(99);
  });

  it('works only as long as the wanted end needs', async () => {
    // One isolated eigenvalue on top, a dense bottom.
    const size = 80;
    const matrix = withSpectrum(
      Array.from({ length: size }, (_, i) => (i === 0 ? 50 : i / size)),
      6,
    );
    const top = await run(matrix, size, { want: 'largest' });
    const bottom = await run(matrix, size, { want: 'smallest' });
    const both = await run(matrix, size, { want: 'both' });
    expect(top.largest).toBeCloseTo(50, 10);
    expect(top.residuals.largest).toBeLessThanOrEqual(1e-8 * 50);
    expect(top.iterations).toBeLessThan(12);
    expect(bottom.smallest).toBeCloseTo(1 / size, 9);
    expect(bottom.iterations).toBeGreaterThan(top.iterations);
    expect(both.iterations).toBe(bottom.iterations);
  });

  it('reports every iteration, and the last report is the result', async () => {
    const seen: number[] = [];
    const tops: number[] = [];
    const result = await run(
      withSpectrum(
        Array.from({ length: 30 }, (_, i) => i * i),
        7,
      ),
      30,
      {
        onIteration: ({ iterations, largest }) => {
          seen.push(iterations);
          tops.push(largest);
        },
      },
    );
    expect(seen).toEqual(Array.from({ length: result.iterations }, (_, i) => i + 1));
    // Ritz values only grow (Cauchy interlacing), but for rounding.
    tops.slice(1).forEach((top, i) => expect(top).toBeGreaterThan(tops[i]! - 1e-11));
    expect(tops.at(-1)).toBe(result.largest);
  });

  it('never changes or shares the arrays it lends and gets', async () => {
    const lent: Float64Array[] = [];
    const copies: Float64Array[] = [];
    const answer = new Float64Array(12);
    const matrix = withSpectrum(
      Array.from({ length: 12 }, (_, i) => i),
      8,
    );
    const result = await lanczos(
      (v) => {
        lent.push(v);
        copies.push(v.slice());
        answer.set(multiply(matrix, 12, v)); // one array for all products
        return Promise.resolve(answer);
      },
      { size: 12, random: createRandom(0) },
    );
    expect(lent).toEqual(copies);
    expect(result.largest).toBeCloseTo(11, 10);
  });

  it('stops for the signal before the next product', async () => {
    let products = 0;
    const signal = { aborted: false, reason: 'enough' };
    const apply = (v: Float64Array): Promise<Float64Array> => {
      products += 1;
      if (products === 3) signal.aborted = true;
      return Promise.resolve(v.map((x, i) => x * i));
    };
    expect(await codeOfPromise(lanczos(apply, { size: 20, random: createRandom(0), signal }))).toBe('aborted');
    expect(products).toBe(3);
  });

  it('refuses bad options and products', async () => {
    const random = createRandom(0);
    const same = (v: Float64Array): Promise<Float64Array> => Promise.resolve(v);
    expect(await codeOfPromise(lanczos(same, { size: 0, random }))).toBe('argument');
    expect(await codeOfPromise(lanczos(same, { size: 3, random, maxIterations: 0 }))).toBe('argument');
    expect(await codeOfPromise(lanczos(same, { size: 3, random, tolerance: 0 }))).toBe('argument');
    expect(await codeOfPromise(lanczos((v) => Promise.resolve(v.subarray(1)), { size: 3, random }))).toBe('shape');
    expect(await codeOfPromise(lanczos((v) => Promise.resolve(v.map(() => NaN)), { size: 3, random }))).toBe('data');
    await expect(lanczos(() => Promise.reject(new Error('device')), { size: 3, random })).rejects.toThrow('device');
  });
});

describe('topEigenpairs', () => {
  it('agrees with Jacobi, multiplicities included', () => {
    const entries = fc
      .integer({ min: 1, max: 8 })
      .chain((n) =>
        fc.tuple(fc.constant(n), fc.array(fc.integer({ min: -1, max: 1 }), { minLength: n * n, maxLength: n * n })),
      );
    fc.assert(
      fc.property(entries, ([n, raw]) => {
        const matrix = Float64Array.from(raw, (_, k) => raw[k]! + raw[(k % n) * n + Math.floor(k / n)]!);
        const exact = jacobiEigenvalues(matrix, n);
        const { values, vectors } = topEigenpairs(matrix, n, { count: n });
        values.forEach((value, i) => {
          expect(Math.abs(value - exact[n - 1 - i]!)).toBeLessThan(1e-10);
          expect(residual(matrix, n, value, vectors.subarray(i * n, (i + 1) * n))).toBeLessThan(1e-10);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('finds a double and a nearly double top', () => {
    const size = 40;
    for (const second of [10, 10 - 1e-9]) {
      const spectrum = [10, second, ...Array.from({ length: size - 2 }, (_, i) => -i)];
      const matrix = withSpectrum(spectrum, 9);
      const { values, vectors } = topEigenpairs(matrix, size, { count: 3 });
      expect(values[0]).toBeCloseTo(10, 11);
      expect(values[1]).toBeCloseTo(second, 11);
      expect(values[2]).toBeCloseTo(0, 11);
      const [a, b] = [vectors.subarray(0, size), vectors.subarray(size, 2 * size)];
      expect(a.reduce((sum, x, i) => sum + x * b[i]!, 0)).toBeCloseTo(0, 12);
      expect(residual(matrix, size, values[1]!, b)).toBeLessThan(1e-10);
    }
  });

  it('takes the largest by value, not by magnitude, with a fixed sign', () => {
    const { values, vectors } = topEigenpairs(new Float64Array([-5, 0, 0, 2]), 2);
    expect(values[0]).toBeCloseTo(2, 14);
    expect(vectors[1]).toBeCloseTo(1, 14);
  });

  it('depends on the matrix alone', () => {
    const matrix = withSpectrum([3, 2, 1, 0], 10);
    expect(topEigenpairs(matrix, 4, { count: 2 })).toEqual(topEigenpairs(matrix, 4, { count: 2 }));
  });

  it('refuses what it cannot solve', () => {
    expect(codeOf(() => topEigenpairs(new Float64Array(3), 2))).toBe('shape');
    expect(codeOf(() => topEigenpairs(new Float64Array([1, 2, 3, 4]), 2))).toBe('data');
    expect(codeOf(() => topEigenpairs(new Float64Array([1, NaN, NaN, 4]), 2))).toBe('data');
    expect(codeOf(() => topEigenpairs(new Float64Array(4), 2, { count: 3 }))).toBe('argument');
    expect(codeOf(() => topEigenpairs(new Float64Array(0), 0))).toBe('argument');
  });
});
