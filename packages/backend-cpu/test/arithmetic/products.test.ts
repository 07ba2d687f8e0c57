import { describe, expect, it } from 'vitest';
import type { Arithmetic, Block } from '../../src/arithmetic/arithmetic.ts';
import { packPanels, padded } from '../../src/arithmetic/panels.ts';
import { plainArithmetic } from '../../src/arithmetic/plain.ts';
import { simdArithmetic } from '../../src/arithmetic/simd.ts';
import { run } from './run.ts';

const simd = simdArithmetic()!;
const kinds: readonly (readonly [name: string, arithmetic: Arithmetic])[] = [
  ['SIMD', simd],
  ['plain TypeScript', plainArithmetic],
];

/** Numbers without a pattern, of order 1. */
const numbers = (length: number, seed: number): Float64Array =>
  Float64Array.from({ length }, (_, index) => Math.sin(1 + index * 12.9898 + seed * 78.233) * 1.7);

/** Sums in the order of steps, each product rounded: what every kind must give bit for bit. */
function expected(a: Float64Array, b: Float64Array, c: Float64Array, rows: number, columns: number, inner: number) {
  return Array.from({ length: rows * columns }, (_, index) => {
    let total = c[index]!;
    for (let step = 0; step < inner; step++)
      total += a[Math.floor(index / columns) * inner + step]! * b[step * columns + (index % columns)]!;
    return total;
  });
}

interface Options {
  readonly transposed: boolean;
  readonly accumulate: boolean;
}

/** `A B + C` of unpadded matrices, A [rows, inner] given by rows or by columns. */
function multiply(
  arithmetic: Arithmetic,
  [a, b, c]: readonly [Float64Array, Float64Array, Float64Array],
  [rows, columns, inner]: readonly [number, number, number],
  { transposed, accumulate }: Options,
): number[] {
  return run(arithmetic, (scratch) => {
    const height = padded(rows);
    const width = padded(columns);
    const filled = (length: number, fill: (data: Float64Array) => void): Block => {
      const block = scratch.take(length);
      fill(block.data);
      return block;
    };
    const left = filled(height * inner, (data) => {
      for (let row = 0; row < rows; row++)
        for (let step = 0; step < inner; step++)
          data[transposed ? step * height + row : row * inner + step] = a[row * inner + step]!;
    });
    const right = filled(inner * width, (data) =>
      packPanels(b, { start: 0, columns, column: 1, row: columns }, inner, data),
    );
    const result = filled(height * width, (data) => {
      for (let row = 0; row < rows; row++) data.set(c.subarray(row * columns, (row + 1) * columns), row * width);
    });
    const [rowA, stepA] = transposed ? [1, height] : [inner, 1];
    scratch.multiply({ a: left, rowA, stepA, b: right, c: result, rows, columns: width, inner, accumulate });
    return Array.from({ length: rows * columns }, (_, index) => {
      return result.data[Math.floor(index / columns) * width + (index % columns)]!;
    });
  });
}

describe.each(kinds)('products with %s', (_, arithmetic) => {
  it.each([
    [1, 1, 1],
    [4, 4, 1],
    [5, 3, 7],
    [9, 10, 2],
    [64, 12, 33],
  ] as const)('of [%i, inner] and [inner, %i] with inner = %i add in the order of steps', (rows, columns, inner) => {
    const operands = [numbers(rows * inner, 1), numbers(inner * columns, 2), numbers(rows * columns, 3)] as const;
    const [a, b, c] = operands;
    const sizes = [rows, columns, inner] as const;
    for (const transposed of [false, true]) {
      const sums = multiply(arithmetic, operands, sizes, { transposed, accumulate: true });
      expect(sums).toEqual(expected(a, b, c, rows, columns, inner));
      const alone = multiply(arithmetic, operands, sizes, { transposed, accumulate: false });
      expect(alone).toEqual(expected(a, b, new Float64Array(rows * columns), rows, columns, inner));
    }
  });

  it('start at a later panel', () => {
    const [columns, inner] = [8, 3];
    const [a, b] = [numbers(4 * inner, 4), numbers(inner * columns, 5)];
    const found = run(arithmetic, (scratch) => {
      const [left, right, result] = [scratch.take(4 * inner), scratch.take(inner * columns), scratch.take(16)];
      left.data.set(a);
      packPanels(b, { start: 0, columns, column: 1, row: columns }, inner, right.data);
      const startB = 4 * inner;
      scratch.multiply({ a: left, rowA: inner, stepA: 1, b: right, startB, c: result, rows: 4, columns: 4, inner });
      return Array.from(result.data);
    });
    const all = expected(a, b, new Float64Array(4 * columns), 4, columns, inner);
    expect(found).toEqual(all.filter((_each, index) => index % columns >= 4));
  });

  it('add a scaled row to another', () => {
    const [x, y] = [numbers(12, 6), numbers(16, 7)];
    const found = run(arithmetic, (scratch) => {
      const [from, to] = [scratch.take(12), scratch.take(16)];
      from.data.set(x);
      to.data.set(y);
      scratch.addScaled(-0.3, from, 4, to, 8, 8);
      return Array.from(to.data);
    });
    expect(found).toEqual(Array.from(y, (each, index) => (index < 8 ? each : each + -0.3 * x[index - 4]!)));
  });

  it('have memory that grows with what it holds, and is zero when it is taken', () => {
    for (let time = 0; time < 2; time++) {
      run(arithmetic, (scratch) => {
        const small = scratch.take(6);
        small.data.set([1, 2, 3, 4, 5, 6]);
        const large = scratch.take(2 ** 18 * (time + 1));
        expect(Array.from(small.data)).toEqual([1, 2, 3, 4, 5, 6]);
        expect(large.data.every((each) => each === 0)).toBe(true);
        large.data.fill(7);
        expect(small.data[5]).toBe(6);
      });
    }
  });

  it('have memory of their own inside of other work', () => {
    run(arithmetic, (outer) => {
      const held = outer.take(4);
      held.data.fill(3);
      run(arithmetic, (inner) => inner.take(4).data.fill(9));
      expect(Array.from(held.data)).toEqual([3, 3, 3, 3]);
    });
  });
});
