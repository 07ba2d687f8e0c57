import { describe, expect, it } from 'vitest';
import { valueAndGrad } from '../../src/differentiate/value-and-grad.ts';
import { argMax, sum } from '../../src/program/ops/reduce.ts';
import { mul } from '../../src/program/ops/elementwise.ts';
import { resultTypes } from '../../src/program/program.ts';
import { f64, i32 } from '../../src/program/tensor-type.ts';
import { Tensor, trace } from '../../src/program/trace.ts';
import { errorOf, run, value } from '../support/run.ts';

const program = trace(
  [f64(3), f64(3)],
  (x, y) => {
    const product = mul(x, y);
    return [sum(product), product, argMax(product, 0), sum(mul(product, y))];
  },
  'products',
);
const inputs = [value(f64(3), [1, 2, 3]), value(f64(3), [4, 5, 6])];

describe('valueAndGrad', () => {
  it('returns the results, then the gradient by the first parameter', async () => {
    const both = valueAndGrad(program);
    expect(resultTypes(both)).toEqual([...resultTypes(program), f64(3)]);
    expect(await run(both, inputs)).toEqual([[32], [4, 10, 18], [2], [174], [4, 5, 6]]);
    expect(both.name).toBe('products with gradient');
  });

  it('takes another result and other parameters, in their order', async () => {
    const results = await run(valueAndGrad(program, { of: 3, wrt: [1, 0, 1] }), inputs);
    expect(results.slice(4)).toEqual([
      [8, 20, 36],
      [16, 25, 36],
      [8, 20, 36],
    ]);
  });

  it('differentiates its own result', async () => {
    const first = valueAndGrad(trace([f64(3)], (x) => [sum(mul(mul(x, x), x))]));
    const second = valueAndGrad(
      trace([f64(3)], (x) => {
        const [, gradient] = x.builder.inline(first, [x.id]);
        return [sum(new Tensor(x.builder, gradient!))];
      }),
    );
    expect(await run(first, [inputs[0]!])).toEqual([[36], [3, 12, 27]]);
    expect(await run(second, [inputs[0]!])).toEqual([[42], [6, 12, 18]]);
  });

  it('refuses an int32 parameter', () => {
    const error = errorOf(() =>
      valueAndGrad(
        trace([f64(), i32(2)], (x) => [x]),
        { wrt: [0, 1] },
      ),
    );
    expect(error).toMatchObject({ code: 'dtype', message: expect.stringContaining('i32[2]') });
  });

  it.each<[string, object, string, string[]]>([
    ['a result that does not exist', { of: 4 }, 'argument', ['products', '4 results', 'no result 4']],
    ['a negative result', { of: -1 }, 'argument', ['no result -1']],
    ['a result that is no scalar', { of: 1 }, 'shape', ['products', 'f64[3]']],
    ['an int32 result', { of: 2 }, 'dtype', ['i32[]']],
    ['a parameter that does not exist', { wrt: [0, 2] }, 'argument', ['2 parameters', 'no parameter 2']],
  ])('refuses %s', (_, options, code, words) => {
    const error = errorOf(() => valueAndGrad(program, options));
    expect(error.code).toBe(code);
    for (const word of words) expect(error.message).toContain(word);
  });
});
