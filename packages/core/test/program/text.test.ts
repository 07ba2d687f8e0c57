import { describe, expect, it } from 'vitest';
import { softmax } from '../../src/composite/softmax.ts';
import { constant } from '../../src/program/ops/create.ts';
import { add, mul } from '../../src/program/ops/elementwise.ts';
import { matmul } from '../../src/program/ops/matmul.ts';
import { segmentSum } from '../../src/program/ops/indexing.ts';
import { argMax, sum } from '../../src/program/ops/reduce.ts';
import { f32, f64, i32 } from '../../src/program/tensor-type.ts';
import { formatProgram } from '../../src/program/text.ts';
import { trace } from '../../src/program/trace.ts';

describe('formatProgram', () => {
  it('shows one line per instruction', () => {
    const program = trace(
      [f32('n', 384), f32(64, 384), i32('n')],
      (z, p, ids) => {
        const q = softmax(matmul(z, p, { transposeB: true }));
        const scaled = mul(
          q,
          constant(
            q,
            'float32',
            [64],
            Array.from({ length: 64 }, (_, index) => index / 2),
          ),
        );
        return [
          sum(scaled, [1], { keepDims: true }),
          argMax(q, 1),
          segmentSum(q, ids, { segments: 'k', sorted: true }),
          z,
        ];
      },
      'readoutStep',
    );
    expect(formatProgram(program)).toMatchInlineSnapshot(`
      "program readoutStep(%0: f32[n,384], %1: f32[64,384], %2: i32[n]) -> (f32[n,1], i32[n], f32[k,64], f32[n,384])
        %3 = matmul(%0, %1) {transposeB}  f32[n,64]
        %4 = softmax/1(%3) {axis: 1}  f32[n,64]
        %5 = constant() {dtype: float32, shape: [64], data: [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, ... 64]}  f32[64]
        %6 = mul(%4, %5)  f32[n,64]
        %7 = sum(%6) {axes: [1], keepDims}  f32[n,1]
        %8 = argMax(%4) {axis: 1}  i32[n]
        %9 = segmentSum(%4, %2) {segments: k, sorted}  f32[k,64]
        return %7, %8, %9, %0"
    `);
  });

  it('shows a program that only returns its parameters', () => {
    expect(formatProgram(trace([f64()], (x) => [x, x]))).toBe(
      'program program(%0: f64[]) -> (f64[], f64[])\n  return %0, %0',
    );
  });

  it('shows every element of a short constant, and the sign of a zero', () => {
    const program = trace([f64(2)], (x) => [add(x, constant(x, 'float64', [2], [-0, 0.1]))]);
    expect(formatProgram(program)).toContain('data: [-0, 0.1]');
  });
});
