import { add, argMax, exp, matmul, mul, reshape, sub, sum, trace } from '@ddcl/core';
import { tensorType, type ConcreteType } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import { compare, errorInTolerances } from '../src/compare/compare.ts';
import { evaluate } from '../src/compare/enclosure.ts';
import { tolerances } from '../src/compare/tolerances.ts';
import { randomValue, value } from '../src/cases/data.ts';
import { erf } from '../src/oracle/erf.ts';

const two = tensorType('float32', [2, 2]) as ConcreteType;

describe('errorInTolerances', () => {
  it.each([
    [NaN, NaN, 0],
    [Infinity, Infinity, 0],
    [-Infinity, -Infinity, 0],
    [0, -0, 0],
    [NaN, 1, Infinity],
    [1, NaN, Infinity],
    [NaN, Infinity, Infinity],
    [Infinity, NaN, Infinity],
    [Infinity, -Infinity, Infinity],
    [Infinity, 1e38, Infinity],
    [1.5, 1, 0.5],
    [0.5, 1, 0.5],
    [3, 1, 2],
  ])('of %d instead of %d is %d', (actual, expected, error) => {
    expect(errorInTolerances(actual, expected, 1)).toBe(error);
  });

  it('allows nothing where nothing is allowed', () => {
    expect(errorInTolerances(1 + 1e-15, 1, 0)).toBe(Infinity);
    expect(errorInTolerances(1, 1, 0)).toBe(0);
  });

  it('takes no NaN for right where any number would do', () => {
    expect(errorInTolerances(NaN, 1, Infinity)).toBe(Infinity);
    expect(errorInTolerances(2, 1, Infinity)).toBe(0);
  });
});

describe('compare', () => {
  it('finds the worst element and says where it is', () => {
    const expected = { type: two, data: [1, 2, 3, 4], bound: [1, 1, 0.5, 1] };
    const comparison = compare(Float32Array.of(1, 2.5, 5, 6), expected);
    expect(comparison).toMatchObject({ worst: 4, wrong: 2, index: 2 });
    expect(comparison.message).toBe(
      'f32[2,2] [1, 0]: expected 3, got 5 (4 times the tolerance of 5.0e-1); 2 of 4 elements wrong',
    );
  });

  it('says when no error is allowed', () => {
    expect(compare([1], { type: tensorType('int32', [1]) as ConcreteType, data: [2], bound: [0] }).message).toContain(
      'expected 2, got 1 (no error is allowed)',
    );
  });

  it('finds a wrong number of elements', () => {
    const comparison = compare(Float32Array.of(1), { type: two, data: [1, 2, 3, 4], bound: [1, 1, 1, 1] });
    expect(comparison.worst).toBe(Infinity);
    expect(comparison.message).toContain('4 elements expected, 1 came');
  });

  it('takes no elements for no error', () => {
    expect(compare([], { type: tensorType('float32', [0]) as ConcreteType, data: [], bound: [] }).worst).toBe(0);
  });
});

describe('evaluate', () => {
  const f = (...shape: (number | string)[]): ReturnType<typeof tensorType> => tensorType('float32', shape);

  it('knows that sums of long rows may be further off, in proportion to what was added', () => {
    const program = trace([f('n')], (x) => [sum(x)]);
    const boundOf = (n: number, scale: number): number =>
      evaluate(program, [value(f(n), new Array<number>(n).fill(0.75 * scale))])[0]!.bound[0]!;
    expect(boundOf(100, 1)).toBeCloseTo(0.75 * 100 * 100 * 2 ** -24, 12);
    expect(boundOf(200, 1) / boundOf(100, 1)).toBeCloseTo(4, 5);
    expect(boundOf(100, 1000.5) / boundOf(100, 1)).toBeCloseTo(1000.5, 2);
  });

  it('knows about cancellation', () => {
    const program = trace([f(1), f(1)], (x, y) => [sub(mul(x, x), mul(y, y))]);
    const [near] = evaluate(program, [value(f(1), [1000.1]), value(f(1), [1000.1])]);
    // 0, of two products of about 1e6 that may each be wrong by one ulp.
    expect(near!.data[0]).toBe(0);
    expect(near!.bound[0]).toBeGreaterThanOrEqual(2 * 1e6 * 2 ** -23);
  });

  it('knows that whole numbers are added without rounding while they fit, in any order', () => {
    const program = trace([f('n'), f('n')], (x, y) => [
      sum(x),
      matmul(reshape(x, [1, 'n']), reshape(y, ['n', 1])),
      add(x, y),
    ]);
    const boundsOf = (...data: number[]): number[] =>
      evaluate(program, [value(f(3), data), value(f(3), data)]).map(({ bound }) => bound[0]!);
    expect(boundsOf(1, 2, 5)).toEqual([0, 0, 0]);
    expect(boundsOf(2 ** 22, 2, 5)[0]).toBe(0);
    expect(boundsOf(2 ** 22, 2, 5)[1]).toBeGreaterThan(0);
    expect(boundsOf(2 ** 24, 2, 5)[0]).toBeGreaterThan(0);
    expect(
      boundsOf(0.1, 2, 5)
        .slice(0, 2)
        .every((bound) => bound > 0),
    ).toBe(true);
    // 0.1 + 0.1 is a number of the dtype.
    expect(boundsOf(0.1, 2, 5)[2]).toBe(0);
  });

  it('takes the tolerance of a backend for an op, wherever the op is', () => {
    const program = trace([f(2)], (x) => [sum(exp(x))]);
    const x = [value(f(2), [1, 2])];
    const [narrow, wide] = [
      evaluate(program, x),
      evaluate(program, x, { ...tolerances, exp: { ulps: { float32: 400, float64: 2 }, reason: 'a test' } }),
    ];
    expect(wide[0]!.bound[0]! / narrow[0]!.bound[0]!).toBeGreaterThan(30);
    expect(wide[0]!.data).toEqual(narrow[0]!.data);
  });

  it('covers what rounding of every step to float32 does', () => {
    const program = trace([f(9, 7), f(5, 7)], (x, y) => [
      exp(mul(matmul(x, y, { transposeB: true }), 0.5)),
      add(sum(x), sum(y)),
    ]);
    const inputs = [randomValue(f(9, 7), 1), randomValue(f(5, 7), 2)];
    const [powers, total] = evaluate(program, inputs);
    const [x, y] = inputs.map(({ data }) => Array.from(data)) as [number[], number[]];
    for (let row = 0; row < 9; row++) {
      for (let column = 0; column < 5; column++) {
        let inner = 0;
        for (let k = 0; k < 7; k++) inner = Math.fround(inner + Math.fround(x[row * 7 + k]! * y[column * 7 + k]!));
        const index = row * 5 + column;
        const error = Math.abs(Math.fround(Math.exp(inner * 0.5)) - powers!.data[index]!);
        expect(error).toBeLessThanOrEqual(powers!.bound[index]!);
        // Not wide beside that: exp of at most 14 loses a few dozen ulps.
        expect(powers!.bound[index]!).toBeLessThan(1e-4 * powers!.data[index]!);
      }
    }
    expect(total!.type.shape).toEqual([]);
  });

  it('says that a near tie may go either way, and an exact one may not', () => {
    const place = trace([f(1, 2)], (x) => [argMax(mul(x, 0.1), 1), argMax(x, 1)]);
    const [rounded, exact] = evaluate(place, [value(f(1, 2), [1, 1 + 2 ** -23])]);
    expect(rounded!.bound[0]).toBe(Infinity);
    expect([exact!.data[0], exact!.bound[0]]).toEqual([1, 0]);
  });
});

describe('erf', () => {
  // From mpmath 1.4.1 with 40 digits, rounded to double.
  it.each([
    [1e-10, 1.1283791670955126e-10],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2.49, 0.9995707121322661],
    [2.51, 0.9996142945182758],
    [3.5, 0.9999992569016276],
    [5.9, 0.9999999999999999],
  ])('of %f', (x, expected) => {
    expect(Math.abs(erf(x) / expected - 1)).toBeLessThan(1e-15);
    expect(erf(-x)).toBe(-erf(x));
  });
});
