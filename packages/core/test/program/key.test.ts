import { describe, expect, it } from 'vitest';
import { gelu } from '../../src/composite/gelu.ts';
import { layerNorm } from '../../src/composite/layer-norm.ts';
import { equalPrograms, programKey } from '../../src/program/key.ts';
import { constant, iota } from '../../src/program/ops/create.ts';
import { add, mul, neg, sub } from '../../src/program/ops/elementwise.ts';
import { reshape } from '../../src/program/ops/layout.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f32, f64, type TensorType } from '../../src/program/tensor-type.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';

const make = (body: (x: Tensor) => readonly Tensor[], type: TensorType = f32(2, 3), name = 'p') =>
  trace([type], body, name);

describe('equalPrograms', () => {
  it('does not look at names, instances or the order of attributes', () => {
    const a = make((x) => [gelu(sum(x, [1], { keepDims: true }))], f32('n', 2), 'a');
    const b = make((x) => [gelu(sum(x, [1], { keepDims: true }))], f32('n', 2), 'b');
    expect(equalPrograms(a, b)).toBe(true);
    const reordered = structuredClone(a);
    for (const instruction of reordered.instructions) {
      (instruction as { attributes: object }).attributes = Object.fromEntries(
        Object.entries(instruction.attributes).reverse(),
      );
    }
    expect(equalPrograms(a, reordered)).toBe(true);
  });

  it.each<[string, (x: Tensor) => readonly Tensor[], (x: Tensor) => readonly Tensor[]]>([
    ['a constant', (x) => [mul(x, 2)], (x) => [mul(x, 3)]],
    ['the last digit of a constant', (x) => [mul(x, 1)], (x) => [mul(x, 1 + 2 ** -23)]],
    [
      'the sign of a zero',
      (x) => [mul(x, constant(x, 'float32', [3], [1, 0, 1]))],
      (x) => [mul(x, constant(x, 'float32', [3], [1, -0, 1]))],
    ],
    [
      'the shape of a constant',
      (x) => [constant(x, 'float32', [2, 1], [1, 2])],
      (x) => [constant(x, 'float32', [1, 2], [1, 2])],
    ],
    [
      'the dtype of a constant',
      (x) => [constant(x, 'float32', [2], [1, 2])],
      (x) => [constant(x, 'int32', [2], [1, 2])],
    ],
    [
      'where numbers of a constant end',
      (x) => [constant(x, 'float32', [2], [1, 23])],
      (x) => [constant(x, 'float32', [2], [12, 3])],
    ],
    ['an attribute', (x) => [sum(x, [0])], (x) => [sum(x, [1])]],
    ['a flag', (x) => [sum(x, [0])], (x) => [sum(x, [0], { keepDims: true })]],
    ['a symbol', (x) => [iota(x, 'int32', ['n'])], (x) => [iota(x, 'int32', ['m'])]],
    ['an op', (x) => [add(x, x)], (x) => [mul(x, x)]],
    ['the order of operands', (x) => [sub(neg(x), x)], (x) => [sub(x, neg(x))]],
    ['the order of results', (x) => [neg(x), x], (x) => [x, neg(x)]],
    ['the number of results', (x) => [x], (x) => [x, x]],
    [
      'an attribute of a composite',
      (x) => [layerNorm(x, sum(x, [0]), sum(x, [0]))],
      (x) => [layerNorm(x, sum(x, [0]), sum(x, [0]), 0.5)],
    ],
  ])('sees %s', (_, a, b) => {
    expect(equalPrograms(make(a), make(b))).toBe(false);
    expect(equalPrograms(make(a), make(a))).toBe(true);
  });

  it('sees the types of parameters, even unused ones', () => {
    const of = (...types: TensorType[]): ReturnType<typeof trace> => trace(types, (x) => [x!]);
    expect(equalPrograms(of(f32(2)), of(f64(2)))).toBe(false);
    expect(equalPrograms(of(f32(2)), of(f32(3)))).toBe(false);
    expect(equalPrograms(of(f32(2)), of(f32('n')))).toBe(false);
    expect(equalPrograms(of(f32(2)), of(f32(2), f32(3)))).toBe(false);
  });

  it('sees what a composite means and how it is differentiated', () => {
    const a = make((x) => [gelu(x)]);
    const [instruction] = a.instructions;
    const change = (fields: object) => ({ ...a, instructions: [{ ...instruction!, ...fields } as never] });
    expect(equalPrograms(a, change({}))).toBe(true);
    expect(equalPrograms(a, change({ gradient: undefined }))).toBe(false);
    expect(equalPrograms(a, change({ decomposition: make((x) => [neg(x)]) }))).toBe(false);
    expect(equalPrograms(a, change({ name: 'gelu/2' }))).toBe(false);
  });
});

describe('programKey', () => {
  it('is a text that does not depend on the process', () => {
    const program = make((x) => [reshape(mul(x, -0.5), ['n', 2])], f32('n', 2));
    expect(programKey(program)).toBe(programKey(structuredClone(program)));
    expect(programKey(make((x) => [sum(mul(x, 0.5), [0, 1])]))).toMatchInlineSnapshot(`
      "f32[2,3]
      constant:;data=0.5,dtype="float32",shape=[]
      mul:0 1;
      sum:2;axes=[0,1],keepDims=false
      -> 3"
    `);
  });
});
