import {
  add,
  argMax,
  cast,
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
  max,
  maximum,
  minimum,
  mul,
  neg,
  segmentSum,
  select,
  softmax,
  sqrt,
  sub,
  sum,
  tanh,
} from '@ddcl/core';
import { tensorType, type DType } from '@ddcl/core/backend';
import type { ConformanceCase } from '../../run/case.ts';
import { randomNumbers } from '../data.ts';
import { variantCases, type Variant } from '../variants.ts';

const floats: readonly DType[] = ['float32', 'float64'];
const whole: readonly DType[] = ['int32'];

/** A variant of given elements, one operand per list; n is the length of the first. */
function given(
  dtypes: readonly DType[],
  name: string,
  body: Variant['body'],
  ...lists: readonly (readonly number[])[]
): Variant {
  return {
    name,
    dtypes,
    sizes: [lists[0]!.length],
    operands: (n, f) => lists.map(() => f(n)),
    body,
    given: () => Object.fromEntries(lists.map((list, index) => [index, list])),
  };
}

/** Whole numbers next to each other that float32 cannot tell apart, and the ends of int32. */
const large = [16777217, 2147483647, -2147483648, -16777217, 2147483646, 123456789, 0, -1];
const other = [16777216, 2147483646, -2147483647, -16777216, 2147483647, 987654321, 1, -1];

/** Values around 1e4 whose differences matter. */
const shifted =
  (scale: number, offset: number): Variant['given'] =>
  (n, dtype) => {
    const random = randomNumbers(n + 17);
    const seen = (x: number): number => (dtype === 'float32' ? Math.fround(x) : x);
    return { 0: Array.from({ length: 4 * n }, () => seen(offset + scale * (random() - 0.5))) };
  };

function rowsOf(body: Variant['body'], name: string, scale: number, offset: number): Variant {
  const of = shifted(scale, offset);
  return {
    name,
    dtypes: floats,
    sizes: [5, 65],
    operands: (n, f) => [f(4, n)],
    body,
    given: (n, dtype) => of!(n, dtype),
  };
}

/** Far from 1: what overflows in between, underflows to zero, saturates, or loses its digits. */
const variants: Readonly<Record<string, readonly Variant[]>> = {
  neg: [given(whole, 'of the ends of int32', ([x]) => neg(x!), large)],
  add: [
    given(floats, 'of unlike numbers', ([a, b]) => add(a!, b!), [1e30, 1e30, -1e30, 3e-30], [1, -1e30, 1e30, 1e-30]),
    given(whole, 'wraps around', ([a, b]) => add(a!, b!), large, other),
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
    given(whole, 'wraps around', ([a, b]) => mul(a!, b!), large, other),
  ],
  div: [
    given(floats, 'of huge and tiny numbers', ([a, b]) => div(a!, b!), [1e30, 1, 1e-30, 0], [1e-5, 1e30, 1e-30, 1e-30]),
  ],
  maximum: [given(whole, 'of numbers that float32 cannot hold', ([a, b]) => maximum(a!, b!), large, other)],
  minimum: [given(whole, 'of numbers that float32 cannot hold', ([a, b]) => minimum(a!, b!), large, other)],
  less: [given(whole, 'of numbers that float32 cannot hold', ([a, b]) => less(a!, b!), large, other)],
  equal: [
    given(whole, 'of numbers that float32 cannot hold', ([a, b]) => equal(a!, b!), large, [...other.slice(0, 7), -1]),
  ],
  select: [given(whole, 'of numbers that float32 cannot hold', ([a, b]) => select(a!, a!, b!), large, other)],
  exp: [given(floats, 'near its ends', ([x]) => exp(x!), [88, 80, -80, -87, -200, 0, 1e-6, -1e4])],
  log: [given(floats, 'near its ends', ([x]) => log(x!), [1e-30, 1e30, 1e-37, 3e38, 1, 1.0000001, 0.9999999])],
  sqrt: [given(floats, 'of huge and tiny numbers', ([x]) => sqrt(x!), [1e30, 1e-30, 3e38, 0, 1, 4])],
  tanh: [given(floats, 'where it saturates', ([x]) => tanh(x!), [9, -9, 20, -1e4, 1e30, 1e-4, -1e-3, 0])],
  erf: [given(floats, 'where it saturates', ([x]) => erf(x!), [3.8, -4.2, 7, -20, 1e30, 1e-4, -1e-3, 0])],
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
  cast: [
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
  'gelu/1': [given(floats, 'where it saturates', ([x]) => gelu(x!), [6, -6, 30, -30, 1e4, -1e4, 1e-4, 0])],
};

/** Large, tiny and shifted data. */
export function magnitudeCases(): ConformanceCase[] {
  return Object.entries(variants).flatMap(([op, list]) =>
    list.flatMap((variant) => variantCases(op, variant, 'magnitude')),
  );
}
