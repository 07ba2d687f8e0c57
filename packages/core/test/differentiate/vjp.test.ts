import { describe, expect, it } from 'vitest';
import { gelu } from '../../src/composite/gelu.ts';
import { layerNorm } from '../../src/composite/layer-norm.ts';
import { softmax } from '../../src/composite/softmax.ts';
import { grad, vjp, vjpProgram } from '../../src/differentiate/vjp.ts';
import { composite } from '../../src/program/composite.ts';
import { cast, detach, scalar, zerosLike } from '../../src/program/ops/create.ts';
import { add, exp, less, mul, select, sub } from '../../src/program/ops/elementwise.ts';
import { gather, segmentSum } from '../../src/program/ops/indexing.ts';
import { concat, reshape, slice } from '../../src/program/ops/layout.ts';
import { matmul } from '../../src/program/ops/matmul.ts';
import { argMax, max, sum } from '../../src/program/ops/reduce.ts';
import { specialise } from '../../src/program/specialise.ts';
import { f32, f64, i32 } from '../../src/program/tensor-type.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';
import { checkGradient } from '../support/gradient.ts';
import { errorOf, randomValue, relativeError, run, value } from '../support/run.ts';

const square = (x: Tensor): Tensor => mul(x, x);

/** Makes a trace for its errors. */
function inTrace(body: (x: Tensor, ids: Tensor) => readonly Tensor[]): () => unknown {
  return () => trace([f64(2, 3), i32(3)], body);
}

describe('grad', () => {
  it('adds up what flows through several uses', async () => {
    await checkGradient({
      inputs: [randomValue(f64(3), 1), randomValue(f64(3), 2)],
      body: (a, b) => {
        const product = mul(a!, b!);
        return [add(mul(product, product), sub(product, a!)), exp(product), mul(softmax(product), b!)];
      },
    });
  });

  it('is zero for what the output does not depend on', async () => {
    const program = trace([f64(2), f64(3), i32(3)], (x, y, ids) =>
      grad(add(sum(x), sum(cast(ids, 'float64'))), [y, x]),
    );
    expect(await run(program, [value(f64(2), [1, 2]), value(f64(3), [1, 2, 3]), value(i32(3), [0, 1, 2])])).toEqual([
      [0, 0, 0],
      [1, 1],
    ]);
  });

  it('stops at detach', async () => {
    const program = trace([f64(2)], (x) => grad(sum(mul(detach(square(x)), x)), [x]));
    // d(c x)/dx with c = x^2 held: c, not 3 x^2.
    expect(await run(program, [value(f64(2), [2, -3])])).toEqual([[4, 9]]);
    const stopped = trace([f64(2)], (x) => grad(sum(detach(square(x))), [x]));
    expect(await run(stopped, [value(f64(2), [2, -3])])).toEqual([[0, 0]]);
    expect(stopped.instructions.some(({ op }) => op === 'mul')).toBe(false);
  });

  it('stops at int32', async () => {
    const program = trace([f64(4)], (x) =>
      grad(sum(mul(cast(argMax(x, 0), 'float64'), sum(cast(cast(x, 'int32'), 'float64')))), [x]),
    );
    expect(await run(program, [value(f64(4), [2, -3, 5, 1])])).toEqual([[0, 0, 0, 0]]);
  });

  it('takes intermediates, each with its total derivative', async () => {
    const program = trace([f64(1)], (x) => {
      const y = square(x);
      const z = mul(y, x);
      return grad(reshape(mul(z, y), []), [x, y, z]);
    });
    // z y = y^2 x. By x: 5 x^4; by y (z follows): 2 y x; by z: y.
    expect(await run(program, [value(f64(1), [2])])).toEqual([[80], [16], [4]]);
  });

  it('of the output itself is one', async () => {
    const program = trace([f64()], (x) => grad(x, [x, x]));
    expect(await run(program, [value(f64(), [5])])).toEqual([[1], [1]]);
  });

  it('of float32 is float32', () => {
    const program = trace([f32(2, 3)], (x) => grad(sum(gelu(softmax(x))), [x]));
    expect(
      [program.parameters, ...program.instructions.map(({ outputs }) => outputs)].flat().map(({ dtype }) => dtype),
    ).not.toContain('float64');
  });

  it('of a symbolic program fits every size', async () => {
    const program = trace([f64('n', 2), f64(3, 2), i32('n'), f64(2)], (z, p, ids, gain) => {
      const rows = layerNorm(mul(z, gather(p, ids)), gain, zerosLike(gain));
      const q = softmax(matmul(rows, p, { transposeB: true }));
      const cold = max(add(q, slice(q, [0, 0], ['n', 3])), [1], { keepDims: true });
      return grad(sum(square(add(segmentSum(mul(rows, cold), ids, { segments: 3 }), p))), [z, p]);
    });
    const inputs = (n: number) => [
      randomValue(f64(n, 2), n),
      randomValue(f64(3, 2), 50),
      value(
        i32(n),
        Array.from({ length: n }, (_, index) => (index * 2) % 3),
      ),
      value(f64(2), [1.5, 0.5]),
    ];
    for (const n of [1, 2, 5, 0]) {
      const concrete = specialise(program, { n });
      expect(await run(program, inputs(n))).toEqual(await run(concrete, inputs(n)));
      expect((await run(program, inputs(n)))[0]).toHaveLength(2 * n);
    }
    // With no rows only p is left: 2 p.
    expect((await run(program, inputs(0)))[1]).toEqual(Array.from(inputs(0)[1]!.data, (x) => 2 * x));
  });

  it('makes no arithmetic for zero cotangents', () => {
    const program = trace([f64(2), f64(2)], (x, y) => {
      const [, second] = composite({ name: 'pair/1', decomposition: (a, b) => [exp(a!), square(b!)] }, [x, y]);
      return grad(sum(second!), [x, y]);
    });
    expect(program.instructions.map(({ op }) => op)).not.toContain('exp');
  });

  it('of a program longer than the call stack is deep', () => {
    const program = trace([f64()], (x) => {
      let value = x;
      for (let index = 0; index < 10_000; index++) value = add(exp(value), x);
      return grad(value, [x]);
    });
    expect(program.instructions.length).toBeGreaterThan(20_000);
  }, 60_000);

  it('refuses what is no scalar', () => {
    const error = errorOf(inTrace((x) => grad(x, [x])));
    expect(error).toMatchObject({ code: 'shape', shapes: [[2, 3]] });
    expect(error.message).toContain('f64[2,3]');
  });
});

describe('vjp', () => {
  it('combines several outputs and names an output twice', async () => {
    const program = trace([f64(2)], (x) => {
      const y = square(x);
      return vjp([y, y, x], [x, add(x, 1), x], [x]);
    });
    // 2x (x + x + 1) + x.
    expect(await run(program, [value(f64(2), [1, 3])])).toEqual([[7, 45]]);
  });

  it.each<[string, string, (x: Tensor, ids: Tensor) => readonly Tensor[]]>([
    ['an int32 variable', 'dtype', (x, ids) => vjp([x], [x], [ids])],
    ['an int32 output', 'dtype', (x, ids) => vjp([ids], [ids], [x])],
    ['a missing cotangent', 'argument', (x) => vjp([x, x], [x], [x])],
    ['no output', 'argument', (x) => vjp([], [], [x])],
    ['a cotangent of another shape', 'argument', (x) => vjp([x], [sum(x, [0])], [x])],
    ['a cotangent of another dtype', 'argument', (x) => vjp([x], [cast(x, 'float32')], [x])],
  ])('refuses %s', (_, code, body) => {
    expect(errorOf(inTrace(body)).code).toBe(code);
  });

  it('refuses tensors of another trace', () => {
    for (const position of [0, 1, 2]) {
      const action = (): unknown =>
        trace([f64(2)], (outer) => {
          trace([f64(2)], (inner) => {
            const of = (index: number): Tensor => (index === position ? outer : inner);
            return vjp([inner, of(0)], [inner, of(1)], [of(2)]);
          });
          return [outer];
        });
      expect(errorOf(action)).toMatchObject({ code: 'argument', message: expect.stringContaining('another trace') });
    }
  });

  it.each<[string, (x: Tensor) => Tensor]>([
    ['slice', (x) => sum(slice(x, [1], [2]))],
    ['gather', (x) => sum(gather(x, cast(reshape(x, ['n', 1]), 'int32')))],
  ])('says that %s along a symbol has no derivative yet', (op, body) => {
    const error = errorOf(() => trace([f64('n')], (x) => grad(body(x), [x])));
    expect(error).toMatchObject({ code: 'unsupported', op });
  });
});

describe('vjpProgram', () => {
  it('takes cotangents of float results and gives those of float parameters', async () => {
    const program = trace([f64(3), i32(2), f64(3)], (x, ids, y) => [gather(mul(x, y), ids), ids, sum(y)]);
    const pulled = vjpProgram(program);
    expect(pulled.parameters).toEqual([f64(3), i32(2), f64(3), f64(2), f64()]);
    const results = await run(pulled, [
      value(f64(3), [1, 2, 3]),
      value(i32(2), [2, 2]),
      value(f64(3), [4, 5, 6]),
      value(f64(2), [1, 10]),
      value(f64(), [0.5]),
    ]);
    expect(results).toEqual([
      [0, 0, 66],
      [0.5, 0.5, 33.5],
    ]);
    expect(vjpProgram(program)).toBe(pulled);
  });
});

/** Outputs exp(x) and x y + x^2 and which is larger; an int32 operand adds to the second. */
function pair(x: Tensor, y: Tensor, offset: Tensor, closed: boolean): readonly Tensor[] {
  return composite(
    {
      name: 'test.pair/1',
      decomposition: (a, b, c) => {
        const [first, second] = [exp(a!), add(add(mul(a!, b!), square(a!)), cast(c!, 'float64'))];
        return [first, second, less(first, second)];
      },
      ...(closed && {
        gradient: ([a, b]: readonly Tensor[], [first]: readonly Tensor[], [g, h]: readonly Tensor[]) => [
          add(mul(g!, first!), mul(h!, add(b!, mul(a!, 2)))),
          mul(h!, a!),
        ],
      }),
    },
    [x, y, offset],
  );
}

describe.each([true, false])('a composite with several outputs (closed form: %s)', (closed) => {
  const inputs = [randomValue(f64(3), 1), randomValue(f64(3), 2), value(i32(3), [1, 2, 3])];

  it.each<[string, (outputs: readonly Tensor[]) => readonly Tensor[]]>([
    ['all outputs', ([first, second]) => [first!, second!]],
    ['only the second output', ([, second]) => [square(second!)]],
    ['only the first output', ([first]) => [square(first!)]],
    ['the int32 output as a condition', ([first, second, which]) => [select(which!, first!, second!)]],
  ])('differentiates %s', async (_, choose) => {
    await checkGradient({ inputs, body: (x, y, offset) => choose(pair(x!, y!, offset!, closed)) });
  });

  it('nests', async () => {
    const nested = (x: Tensor, y: Tensor, offset: Tensor): Tensor =>
      composite(
        {
          name: 'test.outer/1',
          decomposition: (a, b, c) => [softmax(concat(pair(a!, gelu(b!), c!, closed).slice(0, 2), 0))],
        },
        [x, y, offset],
      )[0]!;
    await checkGradient({ inputs, body: (x, y, offset) => nested(x!, y!, offset!) });
  });
});

describe('higher derivatives', () => {
  it('of a power', async () => {
    const program = trace([f64()], (x) => {
      let value = mul(square(square(x)), x);
      const all = [value];
      for (let order = 0; order < 6; order++) all.push((value = grad(value, [x])[0]!));
      return all;
    });
    expect((await run(program, [value(f64(), [2])])).flat()).toEqual([32, 80, 160, 240, 240, 120, 0]);
  });

  it('make Hessian-vector products', async () => {
    // f = sum (A x)^2 / 2 has the Hessian A^T A.
    const program = trace([f64(2, 3), f64(3, 1), f64(3, 1)], (a, x, v) => {
      const [gradient] = grad(mul(sum(square(matmul(a, x))), 0.5), [x]);
      return [grad(sum(mul(gradient!, detach(v))), [x])[0]!, matmul(a, matmul(a, v), { transposeA: true })];
    });
    const [product, expected] = await run(program, [
      randomValue(f64(2, 3), 1),
      randomValue(f64(3, 1), 2),
      randomValue(f64(3, 1), 3),
    ]);
    // Sums of 6 products of numbers up to 2, each rounded once or twice: a few units in the last place.
    expect(relativeError(product!, expected!)).toBeLessThan(1e-14);
  });

  it('of scalars keep their type', () => {
    const program = trace([f32()], (x) => grad(grad(mul(square(x), scalar(x, 3)), [x])[0]!, [x]));
    expect(program.parameters[0]).toEqual(f32());
  });
});
