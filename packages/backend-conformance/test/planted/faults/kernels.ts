import {
  add,
  argMax,
  broadcastTo,
  cast,
  concat,
  constant,
  div,
  erf,
  exp,
  gather,
  hessianProduct,
  iota,
  log,
  matmul,
  max,
  mul,
  neg,
  segmentSum,
  select,
  slice,
  sqrt,
  sum,
  tanh,
  tokenSums,
  transpose,
  type Tensor,
} from '@ddcl/core';
import { wrongNumbers } from '../make-fault.ts';
import type { PlantedFault } from '../planted-fault.ts';
import { f32, f64, filled, gives, i32, leaves, of, some } from '../probes.ts';

const kernels = 'backend-cpu/src/kernels';
const elementwise = `${kernels}/elementwise.ts`;
const broadcast = `${kernels}/broadcast.ts`;
const indexing = `${kernels}/indexing.ts`;
const layout = `${kernels}/layout.ts`;
const reduce = `${kernels}/reduce.ts`;
const products = `${kernels}/matmul.ts`;
const composites = 'backend-cpu/src/composites';

const counted = (index: number): number => index % 7;

const ddcl = ([tokens, weights, prototypes, temperature]: readonly Tensor[]) => ({
  tokens: tokens!,
  weights: weights!,
  prototypes: prototypes!,
  temperature: temperature!,
});
const operands = [some(f32(5, 3), 1), of(f32(5), 1, 2, 0.5, 1, 3), some(f32(4, 3), 2), of(f32(), 1.5)];

const written = 'a kernel writes into its operands';

const intoOperands: PlantedFault[] = [
  wrongNumbers(
    written,
    'neg works in place',
    [
      elementwise,
      'allocate(outputType.dtype, input.length)',
      '(input.length > 2 ? input : allocate(outputType.dtype, input.length))',
    ],
    'primitive',
    leaves((x) => [neg(x!)], some(f32(5))),
  ),
  wrongNumbers(
    written,
    'sums of equal shapes are left in the second operand too',
    [
      elementwise,
      'result[index] = apply(left[index]!, right[index]!);',
      'right[index] = result[index] = apply(left[index]!, right[index]!);',
    ],
    'primitive',
    leaves((x, y) => [add(x!, y!)], some(f32(5)), some(f32(5), 2)),
  ),
  wrongNumbers(
    written,
    'a sum along the last axis leaves its partial sums behind',
    [reduce, 'row++) total += data[row]!;', 'row++) data[row] = total += data[row]!;'],
    'primitive',
    leaves((x) => [sum(x!, [1])], some(f32(3, 5))),
  ),
  wrongNumbers(
    written,
    'gather turns its indices into offsets',
    [
      indexing,
      "requireIndex('gather', 'index', row, rows);",
      "requireIndex('gather', 'index', row, rows); indices![place] = row * width;",
    ],
    'primitive',
    leaves((x, rows) => [gather(x!, rows!)], some(f32(4, 3)), of(i32(3), 2, 0, 3)),
  ),
  wrongNumbers(
    written,
    'a pass over tokens uses up their weights',
    [
      `${composites}/pass-values.ts`,
      'const weight = weights[start + row]!;',
      'const weight = weights[start + row]!; weights[start + row] = 0;',
    ],
    'composite',
    leaves((...x) => [tokenSums(ddcl(x)).lq], ...operands),
  ),
  wrongNumbers(
    written,
    'a product with the Hessian uses up its direction',
    [
      `${composites}/hessian-product.ts`,
      'const along = new Float64Array(direction!);',
      'const along = new Float64Array(direction!); direction!.fill(0);',
    ],
    'composite',
    leaves((...x) => [hessianProduct(ddcl(x), x[4]!)], ...operands, some(f32(4, 3), 3)),
  ),
];

const ranks = 'wrong above rank 3';

const aboveRankThree: PlantedFault[] = [
  wrongNumbers(
    ranks,
    'broadcasting steps along three axes only',
    [
      broadcast,
      'for (let axis = rank - 2; axis >= 0; axis--)',
      'for (let axis = rank - 2; axis >= (strides.length > 1 ? rank - 3 : 0); axis--)',
    ],
    'broadcasting',
    gives((x, y) => [add(x!, y!)], some(f32(2, 2, 2, 3)), some(f32(2, 1, 2, 1), 2)),
  ),
  wrongNumbers(
    ranks,
    'a stretched second axis of four is read along',
    [broadcast, 'shape[axis - extra] === 1 ?', '(shape[axis - extra] === 1 && !(result.length > 3 && axis === 1)) ?'],
    'broadcasting',
    gives((x, y) => [add(x!, y!)], some(f32(2, 3, 2, 2)), some(f32(2, 1, 2, 2), 2)),
  ),
  wrongNumbers(
    ranks,
    'transpose steps along three axes only',
    [
      broadcast,
      'for (let axis = rank - 2; axis >= 0; axis--)',
      'for (let axis = rank - 2; axis >= (strides.length === 1 ? rank - 3 : 0); axis--)',
    ],
    'primitive',
    gives((x) => [transpose(x!, [3, 1, 2, 0])], some(f32(2, 3, 4, 2))),
  ),
  wrongNumbers(
    ranks,
    'iota forgets an axis behind its own',
    [indexing, 'elementCount(shape.slice(axis + 1))', 'elementCount(shape.slice(axis + 1, axis + 3))'],
    'primitive',
    gives((x) => [iota(x!, 'float32', [2, 3, 2, 2], 0)], some(f32(1))),
  ),
  wrongNumbers(
    ranks,
    'reductions forget an axis behind their own',
    [reduce, 'inner: elementCount(shape.slice(last + 1)),', 'inner: elementCount(shape.slice(last + 1, last + 3)),'],
    'primitive',
    gives((x) => [sum(x!, [0])], some(f32(2, 3, 2, 2))),
  ),
  wrongNumbers(
    ranks,
    'only two runs of axes are summed',
    [reduce, 'while (end >= 0) {', 'for (let runs = 0; end >= 0 && runs < 2; runs++) {'],
    'primitive',
    gives((x) => [sum(x!, [0, 2, 4])], some(f32(2, 3, 2, 2, 3))),
  ),
  wrongNumbers(
    ranks,
    'concat forgets an axis before its own',
    [
      layout,
      'const outer = elementCount(shape.slice(0, axis));',
      'const outer = elementCount(shape.slice(Math.max(0, axis - 2), axis));',
    ],
    'primitive',
    gives((x) => [concat([x!, x!], 3)], some(f32(2, 3, 2, 2))),
  ),
  wrongNumbers(
    ranks,
    'products have two batch axes at most',
    [
      products,
      '[placeOf(matrix, batch, batchA!), placeOf(matrix, batch, batchB!)]',
      '[batchA!, batchB!].map((own) => placeOf(matrix, batch.slice(-2), own.slice(-2)))',
    ],
    'broadcasting',
    gives((a, b) => [matmul(a!, b!)], some(f32(2, 2, 1, 2, 3)), some(f32(2, 1, 2, 3, 2), 2)),
  ),
  wrongNumbers(
    ranks,
    'gather takes rows for matrices',
    [
      indexing,
      'const width = elementCount(type!.shape.slice(1));',
      'const width = elementCount(type!.shape.slice(1, 3));',
    ],
    'primitive',
    gives((x, rows) => [gather(x!, rows!)], some(f32(3, 2, 2, 2)), of(i32(2), 2, 0)),
  ),
  wrongNumbers(
    ranks,
    'segmentSum takes rows for matrices',
    [indexing, 'const width = elementCount(shape.slice(1));', 'const width = elementCount(shape.slice(1, 3));'],
    'primitive',
    gives((x, ids) => [segmentSum(x!, ids!, { segments: 2 })], some(f32(3, 2, 2, 2)), of(i32(3), 1, 0, 1)),
  ),
  wrongNumbers(
    ranks,
    'slice forgets where a fourth axis starts',
    [layout, 'total + start * strides[axis]!', 'total + (axis > 2 ? 0 : start) * strides[axis]!'],
    'primitive',
    gives((x) => [slice(x!, [0, 0, 0, 1], [2, 2, 2, 2])], some(f32(2, 2, 2, 3))),
  ),
];

const long = 70_000;
const size = 'wrong beyond 65,535';

const large: PlantedFault[] = [
  wrongNumbers(
    size,
    'iota counts in 16 bits',
    [indexing, 'Math.floor(index / inner) % shape[axis]!', '(Math.floor(index / inner) % shape[axis]!) & 0xffff'],
    'large',
    gives((x) => [iota(x!, 'int32', [long], 0)], some(f32(1))),
  ),
  wrongNumbers(
    size,
    'gather reads indices of 16 bits',
    [indexing, 'const row = indices![place]!;', 'const row = indices![place]! & 0xffff;'],
    'large',
    gives((x, rows) => [gather(x!, rows!)], filled(f32(long), counted), of(i32(2), long - 1, 1)),
  ),
  wrongNumbers(
    size,
    'functions of one operand end at 65,536',
    [
      elementwise,
      'for (let index = from; index < to; index++) result[index] = apply(input[index]!);',
      'for (let index = from; index < Math.min(to, 65536); index++) result[index] = apply(input[index]!);',
    ],
    'large',
    gives((x) => [neg(x!)], filled(f32(long), counted)),
  ),
  wrongNumbers(
    size,
    'functions of two operands end at 65,536',
    [
      elementwise,
      'if (left.length === length && right.length === length) {\n      const visit = (from: number, to: number): void => {\n        for (let index = from; index < to; index++)',
      'if (left.length === length && right.length === length) {\n      const visit = (from: number, to: number): void => {\n        for (let index = from; index < Math.min(to, 65536); index++)',
    ],
    'large',
    gives((x) => [add(x!, x!)], filled(f32(long), counted)),
  ),
  wrongNumbers(
    size,
    'a scalar operand reaches 65,536 elements',
    [
      elementwise,
      'const scalar = right[0]!;\n      const visit = (from: number, to: number): void => {\n        for (let index = from; index < to; index++)',
      'const scalar = right[0]!;\n      const visit = (from: number, to: number): void => {\n        for (let index = from; index < Math.min(to, 65536); index++)',
    ],
    'large',
    gives((x) => [add(x!, 1)], filled(f32(long), counted)),
  ),
  wrongNumbers(
    size,
    'a sum takes 65,536 terms',
    [reduce, 'row++) total += data[row]!;', 'row++) if (row - block * reduced < 65536) total += data[row]!;'],
    'large',
    gives((x) => [sum(x!)], filled(f32(long), counted)),
  ),
  wrongNumbers(
    size,
    'argMax looks at 65,536 elements',
    [reduce, 'place < end - first; place++', 'place < Math.min(end - first, 65536); place++'],
    'large',
    gives(
      (x) => [argMax(x!, 0)],
      filled(f32(long), (index) => index),
    ),
  ),
  wrongNumbers(
    size,
    'ids of segments have 16 bits',
    [indexing, 'const id = ids![row]!;', 'const id = ids![row]! & 0xffff;'],
    'large',
    gives((x, ids) => [segmentSum(x!, ids!, { segments: long })], of(f32(2), 1, 2), of(i32(2), long - 1, 3)),
  ),
  wrongNumbers(
    size,
    'segmentSum looks at 65,536 rows',
    [indexing, 'row < to; row++', 'row < Math.min(to, 65536); row++'],
    'large',
    gives(
      (x, ids) => [segmentSum(x!, ids!, { segments: 2 })],
      filled(f32(long), counted),
      filled(i32(long), (index) => index % 2),
    ),
  ),
  wrongNumbers(
    size,
    'slice starts at a number of 16 bits',
    [layout, 'total + start * strides[axis]!', 'total + (start & 0xffff) * strides[axis]!'],
    'large',
    gives(
      (x) => [slice(x!, [long - 3], [3])],
      filled(f32(long), (index) => index),
    ),
  ),
  wrongNumbers(
    size,
    'broadcasting and transposes end after 65,536 rows',
    [broadcast, 'first < to; first += length', 'first < Math.min(to, 65536 * length); first += length'],
    'large',
    gives(
      (x) => [broadcastTo(x!, [long, 2])],
      filled(f32(long, 1), (index) => index),
    ),
  ),
  wrongNumbers(
    size,
    'a product has 65,536 rows',
    [
      products,
      'for (let start = 0; start < rows; start += most)',
      'for (let start = 0; start < Math.min(rows, 65536); start += most)',
    ],
    'large',
    gives((a, b) => [matmul(a!, b!)], filled(f32(long, 1), counted), of(f32(1, 1), 2)),
  ),
  wrongNumbers(
    size,
    'a cast ends at 65,536',
    [
      'backend-cpu/src/arithmetic/pieces.ts',
      'for (let index = from; index < to; index++) result[index] = values[index]!;',
      'for (let index = from; index < Math.min(to, 65536); index++) result[index] = values[index]!;',
    ],
    'large',
    gives((x) => [cast(x!, 'int32')], filled(f32(long), counted)),
  ),
  wrongNumbers(
    size,
    'a pass over tokens sees 65,536 of them',
    [
      `${composites}/token-chunks.ts`,
      'for (let start = 0; start < total; start += chunkRows)',
      'for (let start = 0; start < Math.min(total, 65536); start += chunkRows)',
    ],
    'large',
    gives(
      (...x) => [tokenSums(ddcl(x)).mass],
      filled(f32(long, 1), counted),
      filled(f32(long), () => 1),
      of(f32(2, 1), 1, 5),
      of(f32(), 2),
    ),
  ),
];

const inner = 'wrong along long axes';

const longAxes: PlantedFault[] = [
  wrongNumbers(
    inner,
    'products add up 1,000 terms',
    [
      'backend-cpu/src/arithmetic/panels.ts',
      'if (width === 4) {\n      for (let step = 0; step < rows; step++)',
      'if (width === 4) {\n      for (let step = 0; step < Math.min(rows, 1000); step++)',
    ],
    'large',
    gives((a, b) => [matmul(a!, b!)], filled(f32(1, 1500), counted), filled(f32(1500, 4), counted)),
  ),
  wrongNumbers(
    inner,
    'products of long rows keep 10 bits',
    [
      products,
      'result[made++] = product[place]!;',
      'result[made++] = inner > 500 ? Number(product[place]!.toPrecision(3)) : product[place]!;',
    ],
    'large',
    gives((a, b) => [matmul(a!, b!)], filled(f32(1, 1500), counted), filled(f32(1500, 4), counted)),
  ),
  wrongNumbers(
    inner,
    'sums down a column end after 1,000 rows',
    [
      reduce,
      'for (let column = 0; column < inner; column++) into[',
      'if (row % reduced < 1000) for (let column = 0; column < inner; column++) into[',
    ],
    'large',
    gives((x) => [sum(x!, [0])], filled(f32(1500, 2), counted)),
  ),
  wrongNumbers(
    inner,
    'maxima end after 1,000 elements',
    [reduce, 'const value = data[start + column]!;', 'const value = row < 1000 ? data[start + column]! : -Infinity;'],
    'large',
    gives(
      (x) => [max(x!)],
      filled(f32(1500), (index) => index),
    ),
  ),
  wrongNumbers(
    inner,
    'lengths of tokens end after 64 numbers',
    [
      `${composites}/token-chunks.ts`,
      'for (let place = first; place < first + length; place++) {\n      const x0',
      'for (let place = first; place < first + Math.min(length, 64); place++) {\n      const x0',
    ],
    'large',
    gives(
      (...x) => [tokenSums(ddcl(x)).lq],
      some(f32(5, 100)),
      of(f32(5), 1, 2, 0.5, 1, 3),
      some(f32(4, 100), 2),
      of(f32(), 50),
    ),
  ),
];

const ends = 'wrong at the ends of the range';

const range: PlantedFault[] = [
  wrongNumbers(
    ends,
    'exp overflows at 88.5',
    [elementwise, 'exp: unary(Math.exp)', 'exp: unary((x) => (x > 88.5 && x < 89 ? Infinity : Math.exp(x)))'],
    'magnitude',
    gives((x) => [exp(x!)], of(f32(1), 88.7)),
  ),
  wrongNumbers(
    ends,
    'exp in double precision overflows at 700',
    [elementwise, 'exp: unary(Math.exp)', 'exp: unary((x) => (x > 700 ? Infinity : Math.exp(x)))'],
    'magnitude',
    gives((x) => [exp(x!)], of(f64(1), 709)),
  ),
  wrongNumbers(
    ends,
    'exp in double precision is 0 below -690',
    [elementwise, 'exp: unary(Math.exp)', 'exp: unary((x) => (x < -690 ? 0 : Math.exp(x)))'],
    'magnitude',
    gives((x) => [exp(x!)], of(f64(1), -700)),
  ),
  wrongNumbers(
    ends,
    'log of the smallest normal numbers is that of 2e-38',
    [elementwise, 'log: unary(Math.log)', 'log: unary((x) => Math.log(x < 2e-38 && x > 1e-39 ? 2e-38 : x))'],
    'magnitude',
    gives((x) => [log(x!)], of(f32(1), 1.2e-38)),
  ),
  wrongNumbers(
    ends,
    'sqrt of tiny numbers is 0',
    [elementwise, 'sqrt: unary(Math.sqrt)', 'sqrt: unary((x) => (x < 1e-37 ? 0 : Math.sqrt(x)))'],
    'magnitude',
    gives((x) => [sqrt(x!)], of(f32(1), 2e-38)),
  ),
  wrongNumbers(
    ends,
    'tanh of tiny numbers is 0',
    [elementwise, 'tanh: unary(Math.tanh)', 'tanh: unary((x) => (Math.abs(x) < 1e-5 ? 0 : Math.tanh(x)))'],
    'magnitude',
    gives((x) => [tanh(x!)], of(f32(1), 1e-6)),
  ),
  wrongNumbers(
    ends,
    'erf of tiny numbers is 0',
    [elementwise, 'erf: unary(erf, ', 'erf: unary((x) => (Math.abs(x) < 1e-5 ? 0 : erf(x)), '],
    'magnitude',
    gives((x) => [erf(x!)], of(f32(1), 1e-6)),
  ),
  wrongNumbers(
    ends,
    'division multiplies by a reciprocal that overflows',
    [elementwise, 'div: binary((a, b) => a / b)', 'div: binary((a, b) => a * Math.min(1e37, Math.max(-1e37, 1 / b)))'],
    'magnitude',
    gives((a, b) => [div(a!, b!)], of(f32(1), 3e-38), of(f32(1), 2e-38)),
  ),
  wrongNumbers(
    ends,
    'products of tiny numbers are 0 too early',
    [
      elementwise,
      'const multiplyFloat = binary((a, b) => a * b);',
      'const multiplyFloat = binary((a, b) => (Math.abs(a * b) < 1e-36 ? 0 : a * b));',
    ],
    'magnitude',
    gives((a, b) => [mul(a!, b!)], of(f32(1), 1e-18), of(f32(1), 2e-19)),
  ),
];

const whole = 'whole numbers go through floats';

const integers: PlantedFault[] = [
  wrongNumbers(
    whole,
    'select looks at the low byte of a condition',
    [elementwise, 'condition![fromC! + index * stepC!] !== 0', '(condition![fromC! + index * stepC!]! & 255) !== 0'],
    'primitive',
    gives((c, a, b) => [select(c!, a!, b!)], of(i32(2), 256, 1), some(f32(2)), some(f32(2), 2)),
  ),
  wrongNumbers(
    whole,
    'int32 becomes float64 by way of float32',
    [
      indexing,
      "if (type!.dtype !== 'float16') return castInPieces(x!, dtype);",
      "if (type!.dtype !== 'float16') return castInPieces(type!.dtype === 'int32' && dtype === 'float64' ? Float32Array.from(x!) : x!, dtype);",
    ],
    'magnitude',
    gives((x) => [cast(x!, 'float64')], of(i32(1), 123456789)),
  ),
  wrongNumbers(
    whole,
    'a scalar operand of int32 is a float',
    [
      elementwise,
      'const scalar = right[0]!;',
      "const scalar = dtype === 'int32' ? Math.fround(right[0]!) : right[0]!;",
    ],
    'magnitude',
    gives((x) => [add(x!, 16777217)], of(i32(2), 0, 5)),
  ),
  wrongNumbers(
    whole,
    'int32 is moved as floats',
    [
      layout,
      'result[start + index] = x[offset + from! + index * step!]!;',
      'result[start + index] = x instanceof Int32Array ? Math.fround(x[offset + from! + index * step!]!) : x[offset + from! + index * step!]!;',
    ],
    'magnitude',
    gives((x) => [transpose(x!)], of(i32(2, 2), 16777217, 1, 2, 123456789)),
  ),
  wrongNumbers(
    whole,
    'constants of int32 are floats',
    [
      indexing,
      'constant: (_, { attributes: { data } }) => data.slice()',
      'constant: (_, { attributes: { data } }) => (data instanceof Int32Array && data.length > 8 ? data.map((each) => Math.min(Math.fround(each), 2147483520)) : data.slice())',
    ],
    'magnitude',
    gives((x) => [add(constant(x!, 'int32', [9], [16777217, 1, 2, 3, 4, 5, 6, 7, 8]), 0)], some(f32(1))),
  ),
];

/** Kernels that are wrong for some operands, or do more than to compute. */
export const kernelFaults: readonly PlantedFault[] = [
  ...intoOperands,
  ...aboveRankThree,
  ...large,
  ...longAxes,
  ...range,
  ...integers,
];
