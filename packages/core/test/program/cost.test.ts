import { describe, expect, it } from 'vitest';
import { softmax } from '../../src/composite/softmax.ts';
import { programCost } from '../../src/program/cost.ts';
import { iota } from '../../src/program/ops/create.ts';
import { add, exp, mul } from '../../src/program/ops/elementwise.ts';
import { segmentSum } from '../../src/program/ops/indexing.ts';
import { reshape, transpose } from '../../src/program/ops/layout.ts';
import { matmul } from '../../src/program/ops/matmul.ts';
import { argMax, max, sum } from '../../src/program/ops/reduce.ts';
import { f32, f64, i32, type TensorType } from '../../src/program/tensor-type.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';
import { errorOf } from '../support/run.ts';

function cost(
  types: readonly TensorType[],
  body: (...tensors: Tensor[]) => readonly Tensor[],
): ReturnType<typeof programCost> {
  return programCost(trace(types, (...tensors) => body(...(tensors as Tensor[]))));
}

describe('programCost', () => {
  it('counts 2 per multiply-add of a matrix product, whichever way it is transposed', () => {
    // [5, 3] = [5, 7] [7, 3]: 15 elements of 7 multiply-adds.
    const bytes = 4 * (5 * 7 + 7 * 3 + 5 * 3);
    const expected = { flops: 210, matmulFlops: 210, bytes, boundaryBytes: bytes };
    expect(cost([f32(5, 7), f32(7, 3)], (a, b) => [matmul(a!, b!)])).toEqual(expected);
    expect(cost([f32(7, 5), f32(3, 7)], (a, b) => [matmul(a!, b!, { transposeA: true, transposeB: true })])).toEqual(
      expected,
    );
    // A batch of 2 x 3 products of [1, 4] with [4, 1].
    expect(cost([f32(2, 1, 1, 4), f32(3, 4, 1)], (a, b) => [matmul(a!, b!)]).flops).toBe(2 * 3 * 2 * 4);
  });

  it('counts 1 per element of other arithmetic, of the operand where it is reduced', () => {
    // exp 6, add (broadcast) 6, sum 6, and max 6; bytes: exp 6+6, add 6+3+6, sum 6+2, max 6+1, of 8 each.
    const counted = cost([f64(2, 3), f64(3)], (x, y) => {
      const z = add(exp(x!), y!);
      return [sum(z, [1]), max(z)];
    });
    expect(counted).toEqual({
      flops: 24,
      matmulFlops: 0,
      bytes: 8 * (12 + 15 + 8 + 7),
      boundaryBytes: 8 * (6 + 3 + 2 + 1),
    });
  });

  it('counts no arithmetic for what only moves elements', () => {
    const counted = cost([i32(2, 3)], (x) => [transpose(reshape(x!, [3, 2])), iota(x!, 'int32', [5])]);
    expect(counted).toEqual({ flops: 0, matmulFlops: 0, bytes: 4 * (12 + 12 + 5), boundaryBytes: 4 * (6 + 6 + 5) });
  });

  it('counts segment sums and argMax by their operands', () => {
    expect(cost([f32(5, 2), i32(5)], (x, ids) => [segmentSum(x!, ids!, { segments: 3 }), argMax(x!, 1)]).flops).toBe(
      10 + 10,
    );
  });

  it('counts a composite as its decomposition', () => {
    // softmax of 6: max 6, sub 6, exp 6, sum 6, div 6.
    expect(cost([f32(2, 3)], (x) => [softmax(x!)]).flops).toBe(30);
  });

  it('counts a parameter that is returned both ways', () => {
    expect(cost([f32(4)], (x) => [x!, x!]).boundaryBytes).toBe(16 * 3);
  });

  it('refuses symbols', () => {
    expect(errorOf(() => cost([f32('n')], (x) => [mul(x!, x!)]))).toMatchObject({
      code: 'shape',
      message: expect.stringContaining('specialise(program, { n:'),
    });
  });
});
