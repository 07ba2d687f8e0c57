import {
  add,
  argMax,
  broadcastTo,
  cast,
  concat,
  exp,
  gather,
  iota,
  layerNorm,
  less,
  logSumExp,
  matmul,
  max,
  mul,
  neg,
  segmentSum,
  select,
  slice,
  softmax,
  sum,
  transpose,
} from '@ddcl/core';
import { tensorType, type DType } from '@ddcl/core/backend';
import type { ConformanceCase } from '../../run/case.ts';
import { variantCases, type Variant } from '../variants.ts';

/** More than 16 bits count, and more than a dispatch of 65,535 groups covers one group an element. */
const many = 70_001;
/** Longer than a row of any tile, workgroup or cache line. */
const wide = 3_001;

const floats: readonly DType[] = ['float32'];

/** Small whole numbers, whose sums are exact in every order: nothing can hide in a tolerance. */
const whole = (length: number): number[] => Array.from({ length }, (_, index) => ((index * 37) % 11) - 5);
/** All different, with the largest at the end. */
const rising = (length: number): number[] => Array.from({ length }, (_, index) => index);

const one = (settings: Omit<Variant, 'sizes'>, n = many): Variant => ({ dtypes: floats, sizes: [n], ...settings });
const ids = (n: number | string): ReturnType<typeof tensorType> => tensorType('int32', [n]);

/** Many elements and rows: whoever counts in 16 bits is found out. Not many segments: a software rasteriser takes minutes for them. */
const manyElements: Readonly<Record<string, readonly Variant[]>> = {
  neg: [one({ operands: (n, f) => [f(n)], body: ([x]) => neg(x!), given: (n) => ({ 0: whole(n) }) })],
  exp: [one({ operands: (n, f) => [f(n)], body: ([x]) => exp(x!), given: (n) => ({ 0: whole(n) }) })],
  add: [
    one({
      operands: (n, f) => [f(n), f(n)],
      body: ([x, y]) => add(x!, y!),
      given: (n) => ({ 0: whole(n), 1: rising(n) }),
    }),
    one({
      name: 'of a number',
      operands: (n, f) => [f(n), f()],
      body: ([x, y]) => add(x!, y!),
      given: (n) => ({ 0: whole(n), 1: [7] }),
    }),
  ],
  mul: [
    one({
      operands: (n, f) => [f(n, 2), f(n, 1)],
      body: ([x, y]) => mul(x!, y!),
      given: (n) => ({ 0: whole(2 * n), 1: rising(n) }),
    }),
  ],
  less: [
    one({
      operands: (n, f) => [f(2, n), f(n)],
      body: ([x, y]) => less(x!, y!),
      given: (n) => ({ 0: whole(2 * n), 1: whole(n).reverse() }),
    }),
  ],
  select: [
    one({
      operands: (n, f) => [ids(n), f(n), f()],
      body: ([c, x, y]) => select(c!, x!, y!),
      given: (n) => ({ 0: whole(n).map((x) => (x > 0 ? 1 : 0)), 1: rising(n), 2: [-1] }),
    }),
  ],
  sum: [
    one({ operands: (n, f) => [f(n)], body: ([x]) => sum(x!), given: (n) => ({ 0: whole(n) }) }),
    one({
      name: 'over 0',
      operands: (n, f) => [f(n, 2)],
      body: ([x]) => sum(x!, [0]),
      given: (n) => ({ 0: whole(2 * n) }),
    }),
    one({
      name: 'over 1',
      operands: (n, f) => [f(n, 2)],
      body: ([x]) => sum(x!, [1]),
      given: (n) => ({ 0: whole(2 * n) }),
    }),
  ],
  max: [one({ operands: (n, f) => [f(2, n)], body: ([x]) => max(x!, [1]), given: (n) => ({ 0: rising(2 * n) }) })],
  argMax: [
    one({ operands: (n, f) => [f(n)], body: ([x]) => argMax(x!, 0), given: (n) => ({ 0: rising(n) }) }),
    one({
      name: 'of many rows',
      operands: (n, f) => [f(n, 2)],
      body: ([x]) => argMax(x!, 1),
      given: (n) => ({ 0: whole(2 * n) }),
    }),
  ],
  matmul: [
    one({
      name: 'of many rows',
      operands: (n, f) => [f(n, 2), f(2, 3)],
      body: ([a, b]) => matmul(a!, b!),
      given: (n) => ({ 0: whole(2 * n), 1: whole(6) }),
    }),
    one({
      name: 'of many columns',
      operands: (n, f) => [f(2, 3), f(n, 3)],
      body: ([a, b]) => matmul(a!, b!, { transposeB: true }),
      given: (n) => ({ 0: whole(6), 1: whole(3 * n) }),
    }),
    one({
      name: 'of many terms',
      operands: (n, f) => [f(n, 2), f(n, 1)],
      body: ([a, b]) => matmul(a!, b!, { transposeA: true }),
      given: (n) => ({ 0: whole(2 * n), 1: whole(n) }),
    }),
  ],
  iota: [
    one({ operands: (n, f) => [f(n)], body: ([x], n) => [iota(x!, 'int32', [n], 0), iota(x!, 'float32', [n, 1], 0)] }),
  ],
  cast: [
    one({
      name: 'to int32',
      operands: (n, f) => [f(n)],
      body: ([x]) => cast(x!, 'int32'),
      given: (n) => ({ 0: rising(n) }),
    }),
  ],
  transpose: [
    one({ operands: (n, f) => [f(n, 2)], body: ([x]) => transpose(x!), given: (n) => ({ 0: rising(2 * n) }) }),
  ],
  broadcastTo: [
    one({ operands: (n, f) => [f(n, 1)], body: ([x], n) => broadcastTo(x!, [n, 2]), given: (n) => ({ 0: rising(n) }) }),
  ],
  slice: [
    one({
      fixed: true,
      operands: (n, f) => [f(n)],
      body: ([x], n) => slice(x!, [(n as number) - 3], [3]),
      given: (n) => ({ 0: rising(n) }),
    }),
  ],
  concat: [
    one({
      fixed: true,
      operands: (n, f) => [f(n), f(3)],
      body: ([x, y]) => concat([x!, y!], 0),
      given: (n) => ({ 0: rising(n), 1: [1, 2, 3] }),
    }),
  ],
  gather: [
    one({
      operands: (n, f) => [f(n), ids(4)],
      body: ([x, rows]) => gather(x!, rows!),
      given: (n) => ({ 0: rising(n), 1: [n - 1, 65536, 3, n - 2] }),
    }),
    one({
      name: 'of wide rows',
      operands: (n, f) => [f(n, 3), ids(5)],
      body: ([x, rows]) => gather(x!, rows!),
      given: (n) => ({ 0: rising(3 * n), 1: [65537, n - 1, 2, 32768, 65535] }),
    }),
    one({
      name: 'of many indices',
      operands: (n, f) => [f(5, 1), ids(n)],
      body: ([x, rows]) => gather(x!, rows!),
      given: (n) => ({ 0: whole(5), 1: rising(n).map((x) => x % 5) }),
    }),
  ],
  segmentSum: [
    one({
      name: 'into three',
      operands: (n, f) => [f(n), ids(n)],
      body: ([x, id]) => segmentSum(x!, id!, { segments: 3 }),
      given: (n) => ({ 0: whole(n), 1: rising(n).map((x) => x % 3) }),
    }),
  ],
};

/** Long rows and columns. */
const longAxes: Readonly<Record<string, readonly Variant[]>> = {
  matmul: [
    one(
      {
        operands: (n, f) => [f(3, n), f(n, 5)],
        body: ([a, b]) => matmul(a!, b!),
        given: (n) => ({ 0: whole(3 * n), 1: whole(5 * n).reverse() }),
      },
      wide,
    ),
    one(
      {
        name: "B'",
        operands: (n, f) => [f(3, n), f(5, n)],
        body: ([a, b]) => matmul(a!, b!, { transposeB: true }),
        given: (n) => ({ 0: whole(3 * n), 1: whole(5 * n).reverse() }),
      },
      wide,
    ),
  ],
  sum: [
    one(
      {
        name: 'over 0',
        operands: (n, f) => [f(n, 5)],
        body: ([x]) => sum(x!, [0]),
        given: (n) => ({ 0: whole(5 * n) }),
      },
      wide,
    ),
    one(
      {
        name: 'over 1',
        operands: (n, f) => [f(5, n)],
        body: ([x]) => sum(x!, [1]),
        given: (n) => ({ 0: whole(5 * n) }),
      },
      wide,
    ),
  ],
  max: [
    one(
      {
        name: 'over 0',
        operands: (n, f) => [f(n, 3)],
        body: ([x]) => max(x!, [0]),
        given: (n) => ({ 0: rising(3 * n) }),
      },
      wide,
    ),
    one(
      {
        name: 'over 1',
        operands: (n, f) => [f(3, n)],
        body: ([x]) => max(x!, [1]),
        given: (n) => ({ 0: rising(3 * n) }),
      },
      wide,
    ),
  ],
  argMax: [
    one(
      {
        name: 'along 0',
        operands: (n, f) => [f(n, 3)],
        body: ([x]) => argMax(x!, 0),
        given: (n) => ({ 0: rising(3 * n) }),
      },
      wide,
    ),
  ],
  'softmax/1': [
    one({ operands: (n, f) => [f(2, n)], body: ([x]) => softmax(x!), given: (n) => ({ 0: whole(2 * n) }) }, wide),
  ],
  'logSumExp/1': [
    one({ operands: (n, f) => [f(2, n)], body: ([x]) => logSumExp(x!), given: (n) => ({ 0: whole(2 * n) }) }, wide),
  ],
  'layerNorm/1': [
    one(
      {
        operands: (n, f) => [f(2, n), f(n), f(n)],
        body: ([x, a, b]) => layerNorm(x!, a!, b!),
        fixed: true,
        given: (n) => ({ 0: whole(2 * n), 1: whole(n), 2: whole(n) }),
      },
      wide,
    ),
  ],
};

/** More elements than 16 bits count, and longer axes than any tile. */
export function largeCases(): ConformanceCase[] {
  return [manyElements, longAxes].flatMap((variants) =>
    Object.entries(variants).flatMap(([op, list]) => list.flatMap((variant) => variantCases(op, variant, 'large'))),
  );
}
