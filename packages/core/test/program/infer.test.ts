import { describe, expect, it } from 'vitest';
import type { PrimitiveAttributes, PrimitiveOp } from '../../src/program/attributes.ts';
import { inferPrimitive, primitiveOps } from '../../src/program/infer/infer.ts';
import { f32, f64, formatType, i32, type TensorType } from '../../src/program/tensor-type.ts';
import { errorOf } from '../support/run.ts';

type Attributes = Record<string, unknown>;
/** Operands, attributes, and the result as text. */
type Good = readonly [readonly TensorType[], Attributes, string];
/** Operands, attributes, the code, and words that the message must hold beside the op. */
type Bad = readonly [readonly TensorType[], Attributes, string, ...string[]];

const unary: { good: Good[]; bad: Bad[] } = {
  good: [
    [[f32(2, 3)], {}, 'f32[2,3]'],
    [[f64()], {}, 'f64[]'],
    [[f32('n', 0)], {}, 'f32[n,0]'],
  ],
  bad: [
    [[i32(2, 3)], {}, 'dtype', 'i32[2,3]', "cast(x, 'float32')"],
    [[], {}, 'argument', '1 operand', 'got 0'],
    [[f32(2), f32(2)], {}, 'argument', '1 operand', 'got 2'],
  ],
};

const binary: { good: Good[]; bad: Bad[] } = {
  good: [
    [[f32(2, 3), f32(2, 3)], {}, 'f32[2,3]'],
    [[f32(2, 3), f32()], {}, 'f32[2,3]'],
    [[f64(3), f64(2, 1)], {}, 'f64[2,3]'],
    [[f32(1, 3), f32(4, 1, 1)], {}, 'f32[4,1,3]'],
    [[f32('n', 1), f32(4)], {}, 'f32[n,4]'],
    [[f32('n', 'm'), f32('m')], {}, 'f32[n,m]'],
    [[f32(1), f32('n')], {}, 'f32[n]'],
    [[f32(0, 3), f32(1, 3)], {}, 'f32[0,3]'],
  ],
  bad: [
    [[f32(2, 3), f32(2, 4)], {}, 'shape', 'f32[2,3]', 'f32[2,4]', 'sizes 3 and 4'],
    [[f32(2, 3), f32(2)], {}, 'shape', 'f32[2,3]', 'f32[2]'],
    [[f32('n'), f32('m')], {}, 'shape', 'f32[n]', 'f32[m]'],
    [[f32('n'), f32(5)], {}, 'shape', 'f32[n]', 'f32[5]'],
    [[f32(0), f32(2)], {}, 'shape', 'f32[0]', 'f32[2]'],
    [[f32(2), f64(2)], {}, 'dtype', 'f32[2]', 'f64[2]', 'no promotion'],
    [[f32(2), i32(2)], {}, 'dtype', 'f32[2]', 'i32[2]'],
    [[f32(2)], {}, 'argument', '2 operand', 'got 1'],
  ],
};

const asInt32 = ({ good, bad }: { good: Good[]; bad: Bad[] }): { good: Good[]; bad: Bad[] } => ({
  good: [
    ...good.map(([inputs, attributes, text]): Good => [inputs, attributes, text.replace(/^f\d\d/, 'i32')]),
    [[i32(2), i32()], {}, 'i32[2]'],
  ],
  bad,
});

const withInt32 = ({ good, bad }: { good: Good[]; bad: Bad[] }): { good: Good[]; bad: Bad[] } => ({
  good: [...good, [good[0]![0].map(() => i32(2)), {}, 'i32[2]']],
  bad: bad.filter(([inputs]) => !inputs.every(({ dtype }) => dtype === 'int32') || inputs.length !== 1),
});

const reduction: { good: Good[]; bad: Bad[] } = {
  good: [
    [[f32(2, 3, 4)], { axes: [1], keepDims: false }, 'f32[2,4]'],
    [[f32(2, 3, 4)], { axes: [0, 2], keepDims: true }, 'f32[1,3,1]'],
    [[f64('n', 3)], { axes: [0, 1], keepDims: false }, 'f64[]'],
    [[i32('n', 3)], { axes: [1], keepDims: false }, 'i32[n]'],
    [[f32(0, 3)], { axes: [1], keepDims: false }, 'f32[0]'],
  ],
  bad: [
    [[f32(2, 3)], { axes: [2], keepDims: false }, 'shape', 'f32[2,3]', 'got 2'],
    [[f32(2, 3)], { axes: [-1], keepDims: false }, 'shape', 'f32[2,3]', '1 instead of -1'],
    [[f32(2, 3)], { axes: [0.5], keepDims: false }, 'shape', 'got 0.5'],
    [[f32(2, 3)], { axes: [1, 0], keepDims: false }, 'argument', 'ascending', '[1, 0]'],
    [[f32(2, 3)], { axes: [1, 1], keepDims: false }, 'argument', '[1, 1]'],
    [[], { axes: [0], keepDims: false }, 'argument', '1 operand'],
  ],
};

const plain = { transposeA: false, transposeB: false };

const table: Record<PrimitiveOp, { good: Good[]; bad: Bad[] }> = {
  neg: withInt32(unary),
  exp: unary,
  log: unary,
  sqrt: unary,
  tanh: unary,
  erf: unary,
  add: withInt32(binary),
  sub: withInt32(binary),
  mul: withInt32(binary),
  div: { good: binary.good, bad: [...binary.bad, [[i32(4), i32(4)], {}, 'dtype', 'i32', "cast(x, 'float32')"]] },
  maximum: withInt32(binary),
  minimum: withInt32(binary),
  less: asInt32(binary),
  equal: asInt32(binary),
  select: {
    good: [
      [[i32(2, 3), f32(2, 3), f32(2, 3)], {}, 'f32[2,3]'],
      [[i32(3), f64(2, 1), f64()], {}, 'f64[2,3]'],
      [[i32(), i32('n'), i32(1)], {}, 'i32[n]'],
    ],
    bad: [
      [[f32(2), f32(2), f32(2)], {}, 'dtype', 'condition', 'f32[2]'],
      [[i32(2), f32(2), f64(2)], {}, 'dtype', 'f32[2]', 'f64[2]'],
      [[i32(3), f32(2), f32(2)], {}, 'shape', 'i32[3]', 'f32[2]'],
      [[i32(2), f32(2)], {}, 'argument', '3 operand'],
    ],
  },
  sum: { good: [...reduction.good, [[f32(0, 3)], { axes: [0], keepDims: false }, 'f32[3]']], bad: reduction.bad },
  max: {
    good: reduction.good,
    bad: [...reduction.bad, [[f32(0, 3)], { axes: [0], keepDims: false }, 'shape', 'f32[0,3]', 'nothing to choose']],
  },
  argMax: {
    good: [
      [[f32(2, 3)], { axis: 0 }, 'i32[3]'],
      [[f64('n', 3)], { axis: 1 }, 'i32[n]'],
      [[i32(4)], { axis: 0 }, 'i32[]'],
    ],
    bad: [
      [[f32(2, 3)], { axis: 2 }, 'shape', 'f32[2,3]', 'got 2'],
      [[f32(2, 3)], { axis: -1 }, 'shape', '1 instead of -1'],
      [[f32(2, 0)], { axis: 1 }, 'shape', 'f32[2,0]', 'nothing to choose'],
    ],
  },
  matmul: {
    good: [
      [[f32(2, 3), f32(3, 4)], plain, 'f32[2,4]'],
      [[f32(3, 2), f32(3, 4)], { transposeA: true, transposeB: false }, 'f32[2,4]'],
      [[f32(2, 3), f32(4, 3)], { transposeA: false, transposeB: true }, 'f32[2,4]'],
      [[f32(3, 2), f32(4, 3)], { transposeA: true, transposeB: true }, 'f32[2,4]'],
      [[f64('n', 384), f64(64, 384)], { transposeA: false, transposeB: true }, 'f64[n,64]'],
      [[f32(5, 1, 2, 3), f32(6, 3, 4)], plain, 'f32[5,6,2,4]'],
      [[f32(2, 0), f32(0, 4)], plain, 'f32[2,4]'],
    ],
    bad: [
      [[f32(2, 3), f32(4, 3)], plain, 'shape', 'f32[2,3]', 'f32[4,3]', 'inner sizes 3 and 4', 'transposeB'],
      [
        [f32(2, 3), f32(3, 4)],
        { transposeA: true, transposeB: false },
        'shape',
        'f32[2,3] transposed',
        'inner sizes 2 and 3',
      ],
      [[f32(3), f32(3, 4)], plain, 'shape', 'f32[3]', 'f32[3,4]', 'Reshape a vector'],
      [[f32(2, 2, 3), f32(5, 3, 4)], plain, 'shape', 'sizes 2 and 5'],
      [[f32('n', 'm'), f32('k', 4)], plain, 'shape', 'inner sizes m and k'],
      [[i32(2, 3), i32(3, 4)], plain, 'dtype', 'i32[2,3]'],
      [[f32(2, 3), f64(3, 4)], plain, 'dtype', 'f32[2,3]', 'f64[3,4]'],
    ],
  },
  reshape: {
    good: [
      [[f32(2, 3)], { shape: [3, 2] }, 'f32[3,2]'],
      [[f32('n', 2, 3)], { shape: ['n', 6] }, 'f32[n,6]'],
      [[i32('n', 'm')], { shape: ['m', 1, 'n'] }, 'i32[m,1,n]'],
      [[f32(1, 1)], { shape: [] }, 'f32[]'],
      [[f32('n', 0)], { shape: [0] }, 'f32[0]'],
    ],
    bad: [
      [[f32(2, 3)], { shape: [4] }, 'shape', 'f32[2,3]', '[4]', '6 to 4'],
      [[f32('n', 2)], { shape: ['m', 2] }, 'shape', 'f32[n,2]', '[m, 2]'],
      [[f32('n')], { shape: [5] }, 'shape', 'f32[n]'],
      [[f32(2, 3)], { shape: [-1, 3] }, 'shape', '-1', '[-1, 3]'],
      [[f32(2, 3)], { shape: [2, 1.5, 2] }, 'shape', '1.5'],
      [[f32(2, 3)], { shape: ['2n'] }, 'shape', "'2n'"],
    ],
  },
  transpose: {
    good: [
      [[f32(2, 3, 4)], { permutation: [2, 0, 1] }, 'f32[4,2,3]'],
      [[i32('n', 2)], { permutation: [1, 0] }, 'i32[2,n]'],
      [[f32()], { permutation: [] }, 'f32[]'],
    ],
    bad: [
      [[f32(2, 3)], { permutation: [0] }, 'shape', 'f32[2,3]', '[0]'],
      [[f32(2, 3)], { permutation: [0, 0] }, 'shape', '[0, 0]'],
      [[f32(2, 3)], { permutation: [1, 2] }, 'shape', '[1, 2]'],
    ],
  },
  broadcastTo: {
    good: [
      [[f32(3)], { shape: [2, 3] }, 'f32[2,3]'],
      [[f32(2, 1)], { shape: [4, 2, 5] }, 'f32[4,2,5]'],
      [[f32()], { shape: ['n'] }, 'f32[n]'],
      [[f32(1)], { shape: [0] }, 'f32[0]'],
    ],
    bad: [
      [[f32(3)], { shape: [3, 2] }, 'shape', 'f32[3]', '[3, 2]'],
      [[f32(2, 3)], { shape: [3] }, 'shape', 'f32[2,3]', '[3]'],
      [[f32('n')], { shape: ['m'] }, 'shape', 'f32[n]', '[m]'],
      [[f32(1)], { shape: [-2] }, 'shape', '-2'],
    ],
  },
  slice: {
    good: [
      [[f32(4, 5)], { starts: [1, 0], sizes: [3, 5] }, 'f32[3,5]'],
      [[f32('n', 5)], { starts: [0, 4], sizes: ['n', 1] }, 'f32[n,1]'],
      [[f32('n')], { starts: [2], sizes: [3] }, 'f32[3]'],
      [[f32(4)], { starts: [4], sizes: [0] }, 'f32[0]'],
    ],
    bad: [
      [[f32(4, 5)], { starts: [2, 0], sizes: [3, 5] }, 'shape', 'f32[4,5]', '3 elements from 2 on axis 0, which has 4'],
      [[f32(4, 5)], { starts: [0], sizes: [4] }, 'shape', 'f32[4,5]', 'each of its 2 axes'],
      [[f32(4)], { starts: [-1], sizes: [2] }, 'shape', 'from -1'],
      [[f32(4)], { starts: [0.5], sizes: [2] }, 'shape', 'from 0.5'],
      [[f32(4)], { starts: [2], sizes: [-1] }, 'shape', '-1'],
      [[f32('n')], { starts: [1], sizes: ['n'] }, 'shape', 'f32[n]', 'n elements from 1'],
      [[f32(4)], { starts: [0], sizes: ['n'] }, 'shape', 'f32[4]'],
    ],
  },
  concat: {
    good: [
      [[f32(2, 3), f32(2, 4), f32(2, 0)], { axis: 1 }, 'f32[2,7]'],
      [[i32(2)], { axis: 0 }, 'i32[2]'],
      [[f32('n', 3), f32('n', 4)], { axis: 1 }, 'f32[n,7]'],
      [[f32('n', 3), f32(0, 3)], { axis: 0 }, 'f32[n,3]'],
      [[f32(0), f32(0)], { axis: 0 }, 'f32[0]'],
    ],
    bad: [
      [[f32(2, 3), f32(3, 3)], { axis: 1 }, 'shape', 'f32[2,3]', 'f32[3,3]', 'axis 1'],
      [[f32(2, 3), f32(2)], { axis: 0 }, 'shape', 'f32[2,3]', 'f32[2]'],
      [[f32(2, 3), f32(2, 3)], { axis: 2 }, 'shape', 'f32[2,3]', 'got 2'],
      [[f32('n', 3), f32('n', 3)], { axis: 0 }, 'shape', 'f32[n,3]', 'numbers'],
      [[f32(2), f64(2)], { axis: 0 }, 'dtype', 'f32[2]', 'f64[2]'],
      [[], { axis: 0 }, 'argument', 'at least 1'],
    ],
  },
  gather: {
    good: [
      [[f32(5, 3), i32(2)], {}, 'f32[2,3]'],
      [[f32(5), i32(2, 'n')], {}, 'f32[2,n]'],
      [[i32('k', 3), i32()], {}, 'i32[3]'],
      [[f32(0, 3), i32(0)], {}, 'f32[0,3]'],
    ],
    bad: [
      [[f32(5, 3), f32(2)], {}, 'dtype', 'indices', 'f32[2]'],
      [[f32(), i32(2)], {}, 'shape', 'f32[]'],
      [[f32(0, 3), i32(2)], {}, 'shape', 'f32[0,3]', 'i32[2]', 'none'],
    ],
  },
  segmentSum: {
    good: [
      [[f32(5, 3), i32(5)], { segments: 4, sorted: false }, 'f32[4,3]'],
      [[f64('n'), i32('n')], { segments: 'k', sorted: true }, 'f64[k]'],
      [[i32(0, 3), i32(0)], { segments: 2, sorted: false }, 'i32[2,3]'],
    ],
    bad: [
      [[f32(5, 3), f32(5)], { segments: 4, sorted: false }, 'dtype', 'ids', 'f32[5]'],
      [[f32(5, 3), i32(4)], { segments: 4, sorted: false }, 'shape', 'f32[5,3]', 'i32[4]'],
      [[f32(5, 3), i32(5, 1)], { segments: 4, sorted: false }, 'shape', 'i32[5,1]'],
      [[f32(), i32(1)], { segments: 4, sorted: false }, 'shape', 'f32[]'],
      [[f32(5), i32(5)], { segments: -1, sorted: false }, 'shape', '-1'],
    ],
  },
  constant: {
    good: [
      [[], { dtype: 'float32', shape: [2], data: new Float32Array(2) }, 'f32[2]'],
      [[], { dtype: 'int32', shape: [], data: new Int32Array(1) }, 'i32[]'],
    ],
    bad: [
      [[], { dtype: 'float32', shape: [2, 2], data: new Float32Array(3) }, 'shape', 'f32[2,2]', '3 elements'],
      [[], { dtype: 'float32', shape: [-1], data: new Float32Array(0) }, 'shape', '-1'],
      [[f32()], { dtype: 'float32', shape: [], data: new Float32Array(1) }, 'argument', '0 operand'],
    ],
  },
  iota: {
    good: [
      [[], { dtype: 'int32', shape: [2, 'n'], axis: 1 }, 'i32[2,n]'],
      [[], { dtype: 'float64', shape: [3], axis: 0 }, 'f64[3]'],
    ],
    bad: [
      [[], { dtype: 'int32', shape: [2], axis: 1 }, 'shape', 'i32[2]', 'got 1'],
      [[], { dtype: 'int32', shape: [1.5], axis: 0 }, 'shape', '1.5'],
    ],
  },
  cast: {
    good: [
      [[f32(2, 'n')], { dtype: 'int32' }, 'i32[2,n]'],
      [[i32()], { dtype: 'float64' }, 'f64[]'],
    ],
    bad: [[[], { dtype: 'int32' }, 'argument', '1 operand']],
  },
  detach: {
    good: [
      [[f32(2)], {}, 'f32[2]'],
      [[i32()], {}, 'i32[]'],
    ],
    bad: [[[], {}, 'argument', '1 operand']],
  },
};

describe.each(primitiveOps)('the type of %s', (op) => {
  const { good, bad } = table[op];
  const infer = (inputs: readonly TensorType[], attributes: Attributes): TensorType =>
    inferPrimitive(op, inputs, attributes as unknown as PrimitiveAttributes[typeof op]);

  it.each(
    good.map(
      ([inputs, attributes, text]) =>
        [`(${inputs.map(formatType).join(', ')}) ${text}`, inputs, attributes, text] as const,
    ),
  )('is inferred: %s', (_, inputs, attributes, text) => {
    expect(formatType(infer(inputs, attributes))).toBe(text);
  });

  it.each(
    bad.map(
      ([inputs, attributes, code, ...words]) =>
        [`(${inputs.map(formatType).join(', ')}) ${words.at(-1)}`, inputs, attributes, code, words] as const,
    ),
  )('is refused: %s', (_, inputs, attributes, code, words) => {
    const error = errorOf(() => infer(inputs, attributes));
    expect(error).toMatchObject({ code, op });
    expect(error.message).toMatch(new RegExp(`^${op}\\b`));
    for (const word of words) expect(error.message).toContain(word);
    if (code === 'shape') expect(error.shapes).toEqual(expect.arrayContaining([expect.any(Array)]));
  });
});

describe('primitiveOps', () => {
  it('lists every primitive that the architecture names, once', () => {
    const text =
      'neg exp log sqrt tanh erf add sub mul div maximum minimum less equal select sum max argMax matmul ' +
      'reshape transpose broadcastTo slice concat gather segmentSum constant iota cast detach';
    expect([...primitiveOps].sort()).toEqual(text.split(' ').sort());
  });
});
