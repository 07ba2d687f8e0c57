import {
  add,
  argMax,
  broadcastTo,
  cast,
  concat,
  constant,
  crossEntropy,
  detach,
  div,
  equal,
  erf,
  exp,
  gather,
  gelu,
  layerNorm,
  less,
  log,
  logSumExp,
  maskedSoftmax,
  max,
  maximum,
  minimum,
  mul,
  neg,
  reshape,
  segmentSum,
  select,
  slice,
  softmax,
  sqrt,
  sub,
  sum,
  tanh,
  transpose,
} from '@ddcl/core';
import { tensorType, type DType } from '@ddcl/core/backend';
import type { ConformanceCase } from '../../run/case.ts';
import { variantCases, type Variant } from '../variants.ts';
import { floats, given, rowsOf, shifted } from './given-numbers.ts';

const doubles: readonly DType[] = ['float64'];
const whole: readonly DType[] = ['int32'];

/** Whole numbers next to each other that float32 cannot tell apart, and the ends of int32. */
const large = [16777217, 2147483647, -2147483648, -16777217, 2147483646, 123456789, 0, -1];
const other = [16777216, 2147483646, -2147483647, -16777216, 2147483647, 987654321, 1, -1];

/** Ops that only move whole numbers must not round them. */
const moved: readonly (readonly [string, Variant['body']])[] = [
  ['reshape', ([x]) => reshape(x!, [2, 4])],
  ['transpose', ([x]) => transpose(reshape(x!, [2, 4]))],
  ['broadcastTo', ([x]) => broadcastTo(x!, [2, 8])],
  ['slice', ([x]) => slice(x!, [0], [6])],
  ['concat', ([x]) => concat([x!, x!], 0)],
  ['detach', ([x]) => [detach(x!), detach(add(x!, 0))]],
];

/** Far from 1: what overflows in between, underflows to zero, saturates, or loses its digits. */
const variants: Readonly<Record<string, readonly Variant[]>> = {
  neg: [given(whole, 'of the ends of int32', ([x]) => neg(x!), large)],
  add: [
    given(floats, 'of unlike numbers', ([a, b]) => add(a!, b!), [1e30, 1e30, -1e30, 3e-30], [1, -1e30, 1e30, 1e-30]),
    given(whole, 'wraps around', ([a, b]) => add(a!, b!), large, other),
    given(
      whole,
      'of a number that float32 cannot hold',
      ([a]) => [add(a!, 16777217), sub(a!, 123456789), mul(16777219, a!)],
      large,
    ),
  ],
  sub: [
    given(floats, 'of near numbers', ([a, b]) => sub(a!, b!), [1e8 + 8, 1e30, 1.0000001], [1e8, 1e30, 1]),
    given(whole, 'wraps around', ([a, b]) => sub(a!, b!), large, [...other].reverse()),
  ],
  mul: [
    given(
      floats,
      'of huge and tiny numbers',
      ([a, b]) => mul(a!, b!),
      [1e18, -1e30, 1e-20, 1e25],
      [1e18, 1e-30, 1e-10, -1e-25],
    ),
    given(
      floats,
      'at the ends of the range',
      ([a, b]) => mul(a!, b!),
      [1e-18, 1.5e19, -1e-19, 1.1754943508222875e-38, 2 ** 64],
      [2e-19, 2.2e19, 1.3e-19, 1, 2 ** 63],
    ),
    given(whole, 'wraps around', ([a, b]) => mul(a!, b!), large, other),
  ],
  div: [
    given(floats, 'of huge and tiny numbers', ([a, b]) => div(a!, b!), [1e30, 1, 1e-30, 0], [1e-5, 1e30, 1e-30, 1e-30]),
    // Divisors from 2^-126 to 2^126, as WGSL has them.
    given(
      floats,
      'at the ends of the range',
      ([a, b]) => div(a!, b!),
      [3e-38, 1, 1.2e-38, 8e37, -3e38],
      [2e-38, 1.2e-38, 1.2e-38, 8e37, 8e37],
    ),
  ],
  maximum: [given(whole, 'of numbers that float32 cannot hold', ([a, b]) => maximum(a!, b!), large, other)],
  minimum: [given(whole, 'of numbers that float32 cannot hold', ([a, b]) => minimum(a!, b!), large, other)],
  less: [given(whole, 'of numbers that float32 cannot hold', ([a, b]) => less(a!, b!), large, other)],
  equal: [
    given(whole, 'of numbers that float32 cannot hold', ([a, b]) => equal(a!, b!), large, [...other.slice(0, 7), -1]),
  ],
  select: [
    given(whole, 'of numbers that float32 cannot hold', ([a, b]) => select(a!, a!, b!), large, other),
    given(
      whole,
      'by conditions whose low bits are 0',
      ([c, a, b]) => select(c!, a!, b!),
      [256, -256, 65536, 16777216, -2147483648, 0, 2, 1 << 30],
      large,
      other,
    ),
  ],
  exp: [
    given(floats, 'near its ends', ([x]) => exp(x!), [88, 80, -80, -87, -200, 0, 1e-6, -1e4]),
    // ln of the largest number is 88.7228, of the smallest normal one -87.3365.
    given(
      floats,
      'at its ends',
      ([x]) => exp(x!),
      [88.4, 88.6, 88.72, 88.722, -86.5, -87.2, -87.33, -87.4, -104, -3e38],
    ),
    given(doubles, 'at the ends of float64', ([x]) => exp(x!), [690, 705, 709.7, -690, -705, -708.3, -709, -746]),
  ],
  log: [
    given(floats, 'near its ends', ([x]) => log(x!), [1e-30, 1e30, 1e-37, 3e38, 1, 1.0000001, 0.9999999]),
    given(floats, 'at its ends', ([x]) => log(x!), [1.1754943508222875e-38, 1.3e-38, 2e-38, 3.4028234663852886e38]),
    given(
      doubles,
      'at the ends of float64',
      ([x]) => log(x!),
      [2.2250738585072014e-308, 1e-300, 1e300, 1.7976931348623157e308],
    ),
  ],
  sqrt: [
    given(floats, 'of huge and tiny numbers', ([x]) => sqrt(x!), [1e30, 1e-30, 3e38, 0, 1, 4]),
    given(floats, 'at its ends', ([x]) => sqrt(x!), [1.1754943508222875e-38, 2e-38, 5e-37, 3.4028234663852886e38]),
  ],
  tanh: [
    given(floats, 'where it saturates', ([x]) => tanh(x!), [9, -9, 20, -1e4, 1e30, 1e-4, -1e-3, 0]),
    given(floats, 'near 0', ([x]) => tanh(x!), [1e-5, -1e-6, 1e-8, -1e-12, 1e-20, 1e-30]),
  ],
  erf: [
    given(floats, 'where it saturates', ([x]) => erf(x!), [3.8, -4.2, 7, -20, 1e30, 1e-4, -1e-3, 0]),
    given(floats, 'near 0', ([x]) => erf(x!), [1e-5, -1e-6, 1e-8, -1e-12, 1e-20, 1e-30]),
  ],
  sum: [
    given(whole, 'wraps around', ([x]) => sum(x!), large),
    given(whole, 'of numbers that float32 cannot hold', ([x]) => sum(x!), [16777217, 16777217, 1, 1, -3]),
    rowsOf(([x]) => sum(x!, [1]), 'around 1e4', 1, 1e4),
    rowsOf(([x]) => sum(x!, [0]), 'of 1e34', 1e34, 0),
  ],
  max: [
    given(whole, 'of numbers that float32 cannot hold', ([x]) => max(x!), [16777216, 16777217, -5]),
    given(whole, 'of the lowest numbers', ([x]) => max(x!), [-2147483648, -2147483648]),
    given(floats, 'of huge negative numbers', ([x]) => max(x!), [-3e38, -2e38, -3.1e38]),
  ],
  argMax: [
    given(whole, 'of numbers that float32 cannot hold', ([x]) => argMax(x!, 0), [16777216, 16777216, 16777217, 5]),
    given(floats, 'of huge negative numbers', ([x]) => argMax(x!, 0), [-3e38, -3.2e38, -2e38]),
  ],
  ...Object.fromEntries(
    moved.map(([op, body]) => [
      op,
      [{ ...given(whole, 'of numbers that float32 cannot hold', body, large), fixed: true }],
    ]),
  ),
  constant: [
    {
      name: 'of numbers that float32 cannot hold',
      dtypes: whole,
      sizes: [16],
      fixed: true,
      operands: (n, f) => [f(n)],
      body: ([x]) => add(x!, constant(x!, 'int32', [16], [...large, ...other])),
    },
  ],
  cast: [
    {
      name: 'of int32 to float64',
      dtypes: doubles,
      sizes: [8],
      operands: (n) => [tensorType('int32', [n])],
      body: ([x]) => cast(x!, 'float64'),
      given: () => ({ 0: large }),
    },
    given(
      floats,
      'towards zero',
      ([x]) => cast(x!, 'int32'),
      [0.9, -0.9, 1.5, -1.5, 2.5, -2.5, 2147483520, -2147483648, 16777216, -0.1],
    ),
    given(whole, 'to float32', ([x]) => cast(x!, 'float32'), large),
  ],
  gather: [
    {
      name: 'of numbers that float32 cannot hold',
      dtypes: whole,
      sizes: [8],
      operands: (n) => [tensorType('int32', [n]), tensorType('int32', [3])],
      body: ([x, rows]) => gather(x!, rows!),
      given: () => ({ 0: large, 1: [1, 0, 7] }),
    },
  ],
  segmentSum: [
    {
      name: 'wraps around',
      dtypes: whole,
      sizes: [8],
      operands: (n) => [tensorType('int32', [n]), tensorType('int32', [n])],
      body: ([x, ids]) => segmentSum(x!, ids!, { segments: 3 }),
      given: () => ({ 0: large, 1: [0, 0, 1, 1, 0, 2, 2, 1] }),
    },
  ],
  'softmax/1': [
    rowsOf(([x]) => softmax(x!), 'around 1e4', 6, 1e4),
    rowsOf(([x]) => softmax(x!), 'around -1e4', 6, -1e4),
    rowsOf(([x]) => softmax(x!), 'spread over 1e4', 1e4, 0),
  ],
  'logSumExp/1': [
    rowsOf(([x]) => logSumExp(x!), 'around 1e4', 6, 1e4),
    rowsOf(([x]) => logSumExp(x!), 'around -1e4', 6, -1e4),
    rowsOf(([x]) => logSumExp(x!), 'spread over 1e4', 1e4, 0),
  ],
  'layerNorm/1': [
    ['around 300', 1, 300],
    ['of 1e10', 1e10, 0],
    ['of 1e-5', 1e-5, 0],
    ['of one number throughout', 0, 3],
  ].map(([name, scale, offset]): Variant => {
    const of = shifted(scale as number, offset as number);
    return {
      name: name as string,
      dtypes: floats,
      sizes: [5, 65],
      fixed: true,
      operands: (n, f) => [f(4, n), f(n), f(n)],
      body: ([x, gain, bias]) => layerNorm(x!, gain!, bias!),
      given: (n, dtype) => of!(n, dtype),
    };
  }),
  'maskedSoftmax/1': ['around 1e4', 'around -1e4', 'spread over 1e4'].map((name, index): Variant => {
    const of = shifted([6, 6, 1e4][index]!, [1e4, -1e4, 0][index]!)!;
    return {
      name,
      dtypes: floats,
      sizes: [5, 65],
      operands: (n, f) => [f(4, n), f(4, n)],
      body: ([x, w]) => maskedSoftmax(x!, mul(w!, w!)),
      given: of,
    };
  }),
  'crossEntropy/1': [
    rowsOf(([x]) => crossEntropy(x!, argMax(neg(x!), 1)), 'around 1e4', 6, 1e4),
    rowsOf(([x]) => crossEntropy(x!, argMax(neg(x!), 1)), 'around -1e4', 6, -1e4),
    rowsOf(([x]) => crossEntropy(x!, argMax(neg(x!), 1)), 'spread over 1e4', 1e4, 0),
  ],
  'gelu/1': [given(floats, 'where it saturates', ([x]) => gelu(x!), [6, -6, 30, -30, 1e4, -1e4, 1e-4, 0])],
};

/** Large, tiny and shifted data. */
export function magnitudeCases(): ConformanceCase[] {
  return Object.entries(variants).flatMap(([op, list]) =>
    list.flatMap((variant) => variantCases(op, variant, 'magnitude')),
  );
}
