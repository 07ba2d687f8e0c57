import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignment } from '../../src/linalg/assignment.ts';
import { codeOf } from '../support/thrown.ts';

/** Best sum over every way to give the rows different columns (or none, where rows are too many). */
function bruteForce(
  cost: readonly number[],
  rows: number,
  columns: number,
  better: (a: number, b: number) => number,
): number {
  const unmatched = Math.max(0, rows - columns);
  const visit = (row: number, used: ReadonlySet<number>, skipped: number): number => {
    if (row === rows) return 0;
    const sums: number[] = [];
    if (skipped < unmatched) sums.push(visit(row + 1, used, skipped + 1));
    for (let column = 0; column < columns; column += 1) {
      if (!used.has(column))
        sums.push(cost[row * columns + column]! + visit(row + 1, new Set([...used, column]), skipped));
    }
    return sums.reduce((a, b) => better(a, b));
  };
  return visit(0, new Set(), 0);
}

describe('assignment', () => {
  it('is optimal, one to one and complete for every small matrix', () => {
    const matrices = fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
      .chain(([rows, columns]) =>
        fc.tuple(
          fc.constant(rows),
          fc.constant(columns),
          fc.array(fc.integer({ min: -9, max: 9 }), { minLength: rows * columns, maxLength: rows * columns }),
          fc.boolean(),
        ),
      );
    fc.assert(
      fc.property(matrices, ([rows, columns, cost, maximise]) => {
        const chosen = assignment(cost, rows, columns, { maximise });
        const matched = [...chosen].filter((column) => column >= 0);
        expect(chosen.length).toBe(rows);
        expect(new Set(matched).size).toBe(Math.min(rows, columns));
        expect(matched.length).toBe(Math.min(rows, columns));
        expect(matched.every((column) => column < columns)).toBe(true);
        const sum = chosen.reduce((total, column, row) => total + (column < 0 ? 0 : cost[row * columns + column]!), 0);
        expect(sum).toBe(bruteForce(cost, rows, columns, maximise ? Math.max : Math.min));
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with scipy', () => {
    // scipy 1.17.1 linear_sum_assignment: columns [0, 3, 2, 1, 4], sum 1075; maximize=True: sum 3315.
    const cost = [
      7, 53, 183, 439, 863, 497, 383, 563, 79, 973, 287, 63, 343, 169, 583, 627, 343, 773, 959, 943, 767, 473, 103, 699,
      303,
    ];
    const sum = (chosen: Int32Array): number =>
      chosen.reduce((total, column, row) => total + cost[row * 5 + column]!, 0);
    expect(assignment(cost, 5, 5)).toEqual(new Int32Array([0, 3, 2, 1, 4]));
    expect(sum(assignment(cost, 5, 5, { maximise: true }))).toBe(3315);
  });

  it('solves a large matrix whose optimum is known', () => {
    // Adding u_i + v_j moves every perfect match alike, so the planted permutation stays the only optimum.
    const n = 200;
    const planted = Array.from({ length: n }, (_, i) => (7 * i + 3) % n);
    const cost = new Float64Array(n * n);
    for (let i = 0; i < n; i += 1) {
      for (let j = 0; j < n; j += 1)
        cost[i * n + j] = ((i * 31) % 97) + ((j * 57) % 89) + (planted[i] === j ? 0 : 1 + ((i * j) % 5));
    }
    expect([...assignment(cost, n, n)]).toEqual(planted);
  });

  it('takes empty sides', () => {
    expect(assignment([], 0, 3)).toEqual(new Int32Array(0));
    expect(assignment([], 2, 0)).toEqual(new Int32Array([-1, -1]));
  });

  it('refuses what it cannot solve', () => {
    expect(codeOf(() => assignment([1, 2, 3], 2, 2))).toBe('shape');
    expect(codeOf(() => assignment([1, 2], -1, -2))).toBe('shape');
    expect(codeOf(() => assignment([1, NaN, 2, 3], 2, 2))).toBe('data');
    expect(codeOf(() => assignment([1, Infinity, 2, 3], 2, 2))).toBe('data');
  });
});
