import { describe, expect, it } from 'vitest';
import { gelu } from '../../src/composite/gelu.ts';
import { softmax } from '../../src/composite/softmax.ts';
import { grad } from '../../src/differentiate/vjp.ts';
import { equalPrograms } from '../../src/program/key.ts';
import { iota, zeros } from '../../src/program/ops/create.ts';
import { add, mul } from '../../src/program/ops/elementwise.ts';
import { segmentSum } from '../../src/program/ops/indexing.ts';
import { broadcastTo, concat, reshape, slice } from '../../src/program/ops/layout.ts';
import { matmul } from '../../src/program/ops/matmul.ts';
import { argMax, max, sum } from '../../src/program/ops/reduce.ts';
import { resultTypes, valueTypes } from '../../src/program/program.ts';
import { bindInputs, specialise } from '../../src/program/specialise.ts';
import { f32, f64, i32, isConcrete, type TensorType } from '../../src/program/tensor-type.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';
import { errorOf, run, value } from '../support/run.ts';

/** Sizes stand in every attribute that can hold one. */
const body = (z: Tensor, p: Tensor): readonly Tensor[] => {
  const [n, m] = z.shape as [string, string];
  const q = softmax(matmul(z, p, { transposeB: true }));
  const row = reshape(iota(z, 'float32', [1, m], 1), [m]);
  return [
    gelu(mul(broadcastTo(row, [n, m]), z)),
    slice(concat([q, q], 1), [0, 1], [n, 2]),
    segmentSum(z, argMax(q, 1), { segments: p.shape[0]! }),
    grad(sum(add(q, zeros(q, q.type))), [p])[0]!,
  ];
};

describe('specialise', () => {
  it('gives the program that is traced with the sizes', () => {
    const symbolic = trace([f32('n', 'm'), f32(3, 'm')], (z, p) => body(z, p));
    const concrete = trace([f32(5, 4), f32(3, 4)], (z, p) => body(z, p));
    expect(equalPrograms(specialise(symbolic, { n: 5, m: 4 }), concrete)).toBe(true);
    expect(equalPrograms(specialise(specialise(symbolic, { m: 4 }), { n: 5, unused: 7 }), concrete)).toBe(true);
    expect(equalPrograms(specialise(concrete, { n: 9 }), concrete)).toBe(true);
    expect(symbolic.parameters[0]).toEqual(f32('n', 'm'));
  });

  it('binds the number of segments', async () => {
    const program = trace([f64('n', 2), i32('n'), f64('k')], (x, ids) => [segmentSum(x, ids, { segments: 'k' })]);
    expect(resultTypes(specialise(program, { k: 3 }))).toEqual([f64(3, 2)]);
    const inputs = [value(f64(2, 2), [1, 2, 3, 4]), value(i32(2), [2, 2]), value(f64(3), [0, 0, 0])];
    expect(await run(program, inputs)).toEqual([[0, 0, 0, 0, 4, 6]]);
  });

  it('keeps symbols without a binding', () => {
    const partly = specialise(
      trace([f32('n', 'm'), f32(3, 'm')], (z, p) => body(z, p)),
      { m: 4 },
    );
    expect(partly.parameters).toEqual([f32('n', 4), f32(3, 4)]);
    expect(resultTypes(partly)).toEqual([f32('n', 4), f32('n', 2), f32(3, 4), f32(3, 4)]);
  });

  it('binds inside composites and their gradients', () => {
    const inner = specialise(
      trace([f32('n')], (x) => [gelu(x)]),
      { n: 3 },
    ).instructions[0]!;
    if (inner.op !== 'composite') throw new Error('not a composite');
    expect(
      [...valueTypes(inner.decomposition), ...valueTypes(inner.gradient!), ...inner.outputs].every(isConcrete),
    ).toBe(true);
  });

  it('finds what a size breaks', () => {
    const cut = trace([f32('n')], (x) => [slice(x, [2], [3])]);
    expect(resultTypes(specialise(cut, { n: 5 }))).toEqual([f32(3)]);
    expect(errorOf(() => specialise(cut, { n: 4 }))).toMatchObject({
      code: 'shape',
      op: 'slice',
      message: expect.stringContaining('f32[4]'),
    });
    expect(
      errorOf(() =>
        specialise(
          trace([f32('n')], (x) => [max(x)]),
          { n: 0 },
        ),
      ),
    ).toMatchObject({ code: 'shape', op: 'max' });
    expect(errorOf(() => specialise(cut, { n: -1 })).code).toBe('shape');
    expect(errorOf(() => specialise(cut, { n: 2.5 })).code).toBe('shape');
  });

  it('takes a symbol of any name', () => {
    const program = trace([f32('constructor'), f32('toString')], (x, y) => [x, y]);
    expect(specialise(program, {}).parameters).toEqual(program.parameters);
    expect(specialise(program, { constructor: 2 } as never).parameters).toEqual([f32(2), f32('toString')]);
  });
});

describe('bindInputs', () => {
  const program = trace([f32('n', 'm'), f32('k', 'm'), i32(3)], (z) => [z], 'fit');
  const bind = (...types: TensorType[]) => bindInputs(program, types as never);

  it("finds each symbol's size", () => {
    expect({ ...bind(f32(5, 4), f32(2, 4), i32(3)) }).toEqual({ n: 5, m: 4, k: 2 });
    expect({ ...bind(f32(0, 1), f32(1, 1), i32(3)) }).toEqual({ n: 0, m: 1, k: 1 });
  });

  it.each<[string, TensorType[], string, string[]]>([
    ['too few inputs', [f32(5, 4)], 'argument', ['3 inputs', 'got 1']],
    ['too many inputs', [f32(5, 4), f32(2, 4), i32(3), i32(3)], 'argument', ['got 4']],
    ['another dtype', [f32(5, 4), f64(2, 4), i32(3)], 'dtype', ['f32[k,m]', 'input 1', 'f64[2,4]', 'no promotion']],
    ['another size', [f32(5, 4), f32(2, 4), i32(4)], 'shape', ['i32[3]', 'input 2', 'i32[4]']],
    ['another rank', [f32(5, 4, 1), f32(2, 4), i32(3)], 'shape', ['f32[n,m]', 'input 0', 'f32[5,4,1]']],
    ['a symbol of two sizes', [f32(5, 4), f32(2, 1), i32(3)], 'shape', ['input 1', 'f32[2,1]', 'm is 4 already']],
  ])('refuses %s', (_, types, code, words) => {
    const error = errorOf(() => bind(...types));
    expect(error.code).toBe(code);
    for (const word of ['fit', ...words]) expect(error.message).toContain(word);
  });

  it('binds symbols that are names of object members', async () => {
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      const doubled = trace([f64(name)], (x) => [add(x, broadcastTo(sum(x), [name]))]);
      expect(await run(doubled, [value(f64(2), [1, 2])])).toEqual([[4, 5]]);
    }
  });
});

describe('a symbolic program', () => {
  it('broadcasts a symbol like the size it gets', async () => {
    const program = trace([f64('n', 1), f64('m')], (x, y) => [add(x, y), sum(mul(x, y), [0])]);
    const at = (x: number[], y: number[]): Promise<number[][]> =>
      run(program, [value(f64(x.length, 1), x), value(f64(y.length), y)]);
    expect(await at([1, 2], [10, 20, 30])).toEqual([
      [11, 21, 31, 12, 22, 32],
      [30, 60, 90],
    ]);
    expect(await at([1], [10])).toEqual([[11], [10]]);
    expect(await at([], [10])).toEqual([[], [0]]);
  });
});

describe('a size', () => {
  it('is a whole number or an identifier', () => {
    for (const good of ['n', '_1', 'Tokens', 0, 7]) expect(f32(good).shape).toEqual([good]);
    for (const bad of ['', '1n', 'a b', 'n*2', '-n', -1, 0.5, NaN, Infinity, 2 ** 53]) {
      expect(
        errorOf(() => f32(2, bad)),
        String(bad),
      ).toMatchObject({ code: 'shape', shapes: [[2, bad]] });
    }
  });
});
