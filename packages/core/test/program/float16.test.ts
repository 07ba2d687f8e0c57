import { describe, expect, it } from 'vitest';
import { vjpProgram } from '../../src/differentiate/vjp.ts';
import { add, mul, neg } from '../../src/program/ops/elementwise.ts';
import { cast, constant, iota } from '../../src/program/ops/create.ts';
import { reshape } from '../../src/program/ops/layout.ts';
import { matmul } from '../../src/program/ops/matmul.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { resultTypes } from '../../src/program/program.ts';
import { byteLength, f16, f32, formatType, type ConcreteType } from '../../src/program/tensor-type.ts';
import { formatProgram } from '../../src/program/text.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';
import { errorOf } from '../support/run.ts';

describe('float16', () => {
  it('is storage: a parameter, and what cast takes', () => {
    const program = trace([f16('n', 3)], (x) => [cast(x, 'float32')]);
    expect(formatProgram(program)).toContain('%0: f16[n,3]');
    expect(resultTypes(program).map(formatType)).toEqual(['f32[n,3]']);
    expect(byteLength(f16(2, 3) as ConcreteType)).toBe(12);
  });

  it.each<[string, (x: Tensor) => Tensor]>([
    ['add', (x) => add(x, x)],
    ['sum', (x) => sum(x)],
    ['neg', (x) => neg(x)],
    ['reshape', (x) => reshape(x, [6])],
    ['constant', (x) => constant(x, 'float16', [1], [1])],
    ['iota', (x) => iota(x, 'float16', [3])],
    ['cast', (x) => cast(cast(x, 'float32'), 'float16')],
    ['matmul', (x) => matmul(x, x, { transposeB: true })],
  ])('is refused by %s', (op, body) => {
    const error = errorOf(() => trace([f16(2, 3)], (x) => [body(x)]));
    expect(error).toMatchObject({ code: 'dtype', op });
  });

  it('has no gradient', () => {
    const program = trace([f16(2), f32(2)], (x, y) => [sum(mul(cast(x, 'float32'), y))]);
    const { parameters, results } = vjpProgram(program);
    expect(parameters.map(formatType)).toEqual(['f16[2]', 'f32[2]', 'f32[]']);
    expect(results).toHaveLength(1);
  });
});
