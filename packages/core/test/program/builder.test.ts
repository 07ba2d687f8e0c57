import { describe, expect, it } from 'vitest';
import { composite } from '../../src/program/composite.ts';
import { cast, constant, detach, iota, scalar, zeros, zerosLike } from '../../src/program/ops/create.ts';
import { add, div, equal, exp, less, log, mul, neg, select, sub } from '../../src/program/ops/elementwise.ts';
import { gather, segmentSum } from '../../src/program/ops/indexing.ts';
import { broadcastTo, concat, reshape, slice, transpose } from '../../src/program/ops/layout.ts';
import { matmul } from '../../src/program/ops/matmul.ts';
import { argMax, max, sum } from '../../src/program/ops/reduce.ts';
import { resultTypes, type Program } from '../../src/program/program.ts';
import { f32, f64, i32 } from '../../src/program/tensor-type.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';
import { errorOf, run, value } from '../support/run.ts';

function opsOf(program: Program): string[] {
  return program.instructions.map((instruction) =>
    instruction.op === 'composite' ? instruction.name : instruction.op,
  );
}

describe('trace', () => {
  it('makes equal instructions once', () => {
    const program = trace([f32(3)], (x) => [
      add(exp(mul(x, 2)), exp(mul(x, 2))),
      neg(add(exp(mul(x, 2)), exp(mul(x, 2)))),
    ]);
    expect(opsOf(program)).toEqual(['constant', 'mul', 'exp', 'add', 'neg']);
  });

  it('keeps instructions apart that differ in attributes, order of operands or the sign of a zero', () => {
    expect(opsOf(trace([f32(2, 2)], (x) => [sum(x, [0]), sum(x, [1]), sum(x, [1], { keepDims: true })]))).toHaveLength(
      3,
    );
    expect(opsOf(trace([f32(2), f32(2)], (x, y) => [sub(x, y), sub(y, x)]))).toHaveLength(2);
    expect(opsOf(trace([f32()], (x) => [scalar(x, 0), scalar(x, -0)]))).toHaveLength(2);
    expect(
      opsOf(
        trace([f32()], (x) => [
          constant(x, 'float32', [], [1]),
          constant(x, 'int32', [], [1]),
          constant(x, 'float32', [1], [1]),
        ]),
      ),
    ).toHaveLength(3);
  });

  it('makes equal composites once, and keeps those apart that differ in attributes or meaning', () => {
    const of = (x: Tensor, factor: number, attribute: number, gradient = false): Tensor =>
      composite(
        {
          name: 'scale/1',
          attributes: { attribute },
          decomposition: (input) => [mul(input!, factor)],
          ...(gradient && { gradient: (_: unknown, __: unknown, [g]: readonly Tensor[]) => [mul(g!, factor)] }),
        },
        [x],
      )[0]!;
    expect(opsOf(trace([f32(2)], (x) => [of(x, 2, 1), of(x, 2, 1)]))).toEqual(['scale/1']);
    expect(opsOf(trace([f32(2)], (x) => [of(x, 2, 1), of(x, 2, 2), of(x, 3, 1), of(x, 2, 1, true)]))).toHaveLength(4);
  });

  it('drops what no result needs, and keeps all parameters', () => {
    const program = trace([f32(2), f32(3)], (x, y) => {
      exp(y);
      neg(exp(x));
      return [mul(x, x)];
    });
    expect(opsOf(program)).toEqual(['mul']);
    expect(program.parameters).toEqual([f32(2), f32(3)]);
    expect(program.results).toEqual([2]);
  });

  it('returns parameters, and a value twice', () => {
    const program = trace([f32(2), f32(3)], (x, y) => {
      const z = neg(x);
      return [y, z, z, y];
    });
    expect(program.results).toEqual([1, 2, 2, 1]);
    expect(resultTypes(program)).toEqual([f32(3), f32(2), f32(2), f32(3)]);
  });

  it('leaves out layout ops that change nothing', () => {
    const program = trace([f32(2, 3)], (x) => [
      reshape(x, [2, 3]),
      broadcastTo(x, [2, 3]),
      slice(x, [0, 0], [2, 3]),
      concat([x], 0),
      cast(x, 'float32'),
      sum(x, []),
    ]);
    expect(opsOf(program)).toEqual([]);
  });

  it('refuses tensors of another trace, also as results', () => {
    let leaked: Tensor | undefined;
    trace([i32(3)], (x) => [(leaked = x)]);
    const bodies: ((x: Tensor) => Tensor)[] = [
      () => leaked!,
      (x) => add(x, leaked!),
      (x) => select(leaked!, x, 0),
      (x) => gather(x, leaked!),
      (x) => segmentSum(x, leaked!, { segments: 2 }),
      (x) => matmul(x, leaked!),
      (x) => concat([x, leaked!], 0),
      (x) => composite({ name: 'c/1', decomposition: (a) => [a!] }, [x, leaked!])[0]!,
    ];
    for (const body of bodies) {
      const error = errorOf(() => trace([i32(3)], (x) => [body(x)]));
      expect(error).toMatchObject({ code: 'argument', message: expect.stringContaining('another trace') });
    }
  });

  it('refuses operands without a dtype', () => {
    expect(errorOf(() => add(1, 2))).toMatchObject({ code: 'argument', op: 'add' });
    expect(errorOf(() => trace([i32()], (c) => [select(c, 1, 2)]))).toMatchObject({ code: 'argument', op: 'select' });
    expect(errorOf(() => concat([], 0))).toMatchObject({ code: 'argument', op: 'concat' });
  });

  it("takes numbers as scalars of the other operand's dtype", async () => {
    const program = trace([i32(2), f64(2)], (k, x) => [add(k, 2), less(x, 0.5), select(equal(k, 1), 0.25, x)]);
    expect(await run(program, [value(i32(2), [1, 5]), value(f64(2), [0.5, 0.4])])).toEqual([
      [3, 7],
      [0, 1],
      [0.25, 0.4],
    ]);
    expect(errorOf(() => trace([i32(2)], (k) => [add(k, 0.5)]))).toMatchObject({
      code: 'argument',
      message: expect.stringContaining('0.5'),
    });
  });

  it('refuses parameters after instructions', () => {
    expect(
      errorOf(() =>
        trace([f32()], (x) => {
          neg(x);
          x.builder.parameter(f32());
          return [x];
        }),
      ).code,
    ).toBe('internal');
  });
});

describe('constant', () => {
  const make =
    (...rest: [Parameters<typeof constant>[1], readonly number[], number[]]) =>
    () =>
      trace([f32()], (x) => [constant(x, ...rest)]);

  it('copies its numbers', async () => {
    const numbers = [1, 2];
    const program = trace([f32()], (x) => [constant(x, 'float32', [2], numbers)]);
    numbers[0] = 5;
    expect(await run(program, [value(f32(), [0])])).toEqual([[1, 2]]);
  });

  it.each<[string, () => unknown, string]>([
    ['NaN', make('float32', [1], [NaN]), 'argument'],
    ['infinity', make('float64', [1], [-Infinity]), 'argument'],
    ['what float32 cannot hold', make('float32', [1], [1e39]), 'argument'],
    ['a fraction as int32', make('int32', [1], [1.5]), 'argument'],
    ['what int32 cannot hold', make('int32', [1], [2 ** 31]), 'argument'],
    ['too few numbers', make('float32', [2], [1]), 'shape'],
    ['a negative size', make('float32', [-1], []), 'shape'],
  ])('refuses %s', (_, action, code) => {
    expect(errorOf(action)).toMatchObject({ code, op: 'constant', message: expect.stringMatching(/^constant/) });
  });
});

describe('arithmetic with zeros', () => {
  const inputs = [value(f64(2, 2), [1, -2, 3, 4]), value(i32(2), [1, 0])];
  const o = (x: Tensor): Tensor => zerosLike(x);

  /** Each body, what it must compute, and the ops it may keep. */
  it.each<[string, (x: Tensor, ids: Tensor) => Tensor, number[], string[]]>([
    ['mul', (x) => mul(x, o(x)), [0, 0, 0, 0], []],
    ['mul of a scalar zero', (x) => mul(0, x), [0, 0, 0, 0], []],
    ['mul that broadcasts', (x) => mul(slice(o(x), [0, 0], [1, 2]), x), [0, 0, 0, 0], []],
    ['matmul', (x) => matmul(x, o(x)), [0, 0, 0, 0], []],
    ['div', (x) => div(o(x), x), [0, 0, 0, 0], []],
    ['add first', (x) => add(o(x), x), [1, -2, 3, 4], []],
    ['add second', (x) => add(x, 0), [1, -2, 3, 4], []],
    ['add of zeros', (x) => add(o(x), 0), [0, 0, 0, 0], []],
    ['add that broadcasts the other', (x) => add(o(x), slice(x, [0, 0], [1, 2])), [1, -2, 1, -2], ['slice', 'add']],
    [
      'add that is broadcast by the zeros',
      (x) => add(slice(x, [0, 0], [1, 2]), o(x)),
      [1, -2, 1, -2],
      ['slice', 'add'],
    ],
    [
      'sub that is broadcast by the zeros',
      (x) => sub(slice(x, [0, 0], [1, 2]), o(x)),
      [1, -2, 1, -2],
      ['slice', 'sub'],
    ],
    ['sub second', (x) => sub(x, o(x)), [1, -2, 3, 4], []],
    ['sub first', (x) => sub(o(x), x), [-1, 2, -3, -4], ['sub']],
    ['sub of zeros', (x) => sub(o(x), 0), [0, 0, 0, 0], []],
    ['neg', (x) => neg(o(x)), [0, 0, 0, 0], []],
    ['sum', (x) => sum(o(x), [0]), [0, 0], []],
    ['max', (x) => max(o(x), [0]), [0, 0], ['max']],
    ['detach', (x) => detach(o(x)), [0, 0, 0, 0], []],
    ['layout', (x) => transpose(reshape(slice(o(x), [0, 1], [2, 1]), [1, 2])), [0, 0], []],
    ['broadcastTo', (x) => mul(broadcastTo(sum(o(x), [0]), [2, 2]), x), [0, 0, 0, 0], []],
    ['broadcastTo of a scalar', (x) => mul(broadcastTo(scalar(x, 0), [2, 2]), x), [0, 0, 0, 0], []],
    ['gather', (x, ids) => gather(o(x), ids), [0, 0, 0, 0], []],
    ['segmentSum', (x, ids) => segmentSum(o(x), ids, { segments: 3 }), [0, 0, 0, 0, 0, 0], []],
    ['exp', (x) => exp(o(x)), [1, 1, 1, 1], ['exp']],
    ['select', (x) => select(less(x, 0), o(x), x), [1, 0, 3, 4], ['less', 'select']],
    ['negative zeros', (x) => mul(x, scalar(x, -0)), [-0, 0, -0, -0], ['mul']],
  ])('%s is left out where that keeps the values', async (_, body, expected, kept) => {
    const program = trace([f64(2, 2), i32(2)], (x, ids) => [body(x, ids)]);
    expect(await run(program, inputs)).toEqual([expected]);
    expect(opsOf(program).filter((op) => op !== 'constant' && op !== 'broadcastTo')).toEqual(kept);
  });

  it('is seen again in an inlined program', () => {
    const inner = trace([f64(2)], (x) => [zeros(x, f64(2))]);
    const program = trace([f64(2)], (x) => {
      const [zero] = x.builder.inline(inner, [x.id]);
      expect(x.builder.isZero(zero!)).toBe(true);
      return [x];
    });
    expect(program.instructions).toEqual([]);
  });

  it('keeps the type', () => {
    const program = trace([f32(1, 3), i32(2, 1)], (x, k) => [
      add(zeros(x, f32(2, 3)), x),
      mul(k, 0),
      sum(mul(k, 0)),
      add(zeros(x, f32(3)), x),
    ]);
    expect(resultTypes(program)).toEqual([f32(2, 3), i32(2, 1), i32(), f32(1, 3)]);
  });
});

describe('tensors without elements', () => {
  const nothing = value(f64(0, 3), []);

  it.each<[string, (x: Tensor) => Tensor, number[]]>([
    ['a sum of nothing is zeros', (x) => sum(x, [0]), [0, 0, 0]],
    ['a sum of all of it is zero', (x) => sum(x), [0]],
    ['a product over nothing is zeros', (x) => matmul(x, x, { transposeA: true }), [0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['segments of nothing are zeros', (x) => segmentSum(x, argMax(x, 1), { segments: 2 }), [0, 0, 0, 0, 0, 0]],
    ['concat leaves it out', (x) => concat([x, iota(x, 'float64', [1, 3], 1), x], 0), [0, 1, 2]],
    [
      'concat of several leaves it out',
      (x) => concat([iota(x, 'float64', [1, 3], 1), x, iota(x, 'float64', [2, 3], 0)], 0),
      [0, 1, 2, 0, 0, 0, 1, 1, 1],
    ],
    ['concat of nothing is nothing', (x) => concat([x, x], 0), []],
    ['arithmetic with it is nothing', (x) => log(add(x, mul(x, 2))), []],
    ['broadcasting to it is nothing', (x) => add(x, iota(x, 'float64', [1, 3], 1)), []],
    ['a maximum along its other axis is nothing', (x) => max(x, [1]), []],
    ['a product with it is nothing', (x) => matmul(x, iota(x, 'float64', [3, 2], 1)), []],
    ['rows of it are nothing', (x) => gather(x, argMax(x, 1)), []],
    ['no rows of something are nothing', (x) => gather(iota(x, 'float64', [2, 2]), argMax(x, 1)), []],
    ['a sum along its other axis, and then of that', (x) => sum(sum(x, [1]), [0]), [0]],
  ])('%s', async (_, body, expected) => {
    // The strict backend throws if any kernel meets an empty operand or result.
    expect(
      await run(
        trace([f64(0, 3)], (x) => [body(x)]),
        [nothing],
      ),
    ).toEqual([expected]);
  });

  it('have no maximum, which is found at trace time', () => {
    for (const body of [(x: Tensor) => max(x), (x: Tensor) => max(x, [0]), (x: Tensor) => argMax(x, 0)]) {
      const error = errorOf(() => trace([f64(0, 3)], (x) => [body(x)]));
      expect(error).toMatchObject({ code: 'shape', shapes: [[0, 3]] });
      expect(error.message).toContain('f64[0,3]');
    }
  });
});

describe('composite', () => {
  it('refuses a gradient of the wrong type as a defect', () => {
    const of = (gradient: (g: Tensor) => Tensor[]) => () =>
      trace([f64(2, 3), i32(2)], (x, ids) =>
        composite({ name: 'bad/1', decomposition: (a) => [sum(a!)], gradient: (_, __, [g]) => gradient(g!) }, [x, ids]),
      );
    for (const action of [of((g) => [g]), of(() => []), of((g) => [broadcastTo(g, [2, 3]), g])]) {
      expect(errorOf(action)).toMatchObject({ code: 'internal', message: expect.stringContaining('bad/1') });
    }
    expect(of((g) => [broadcastTo(g, [2, 3])])).not.toThrow();
  });

  it('refuses no input', () => {
    expect(errorOf(() => composite({ name: 'none/1', decomposition: () => [] }, [])).code).toBe('internal');
  });
});
