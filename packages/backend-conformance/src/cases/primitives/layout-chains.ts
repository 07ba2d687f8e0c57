import { broadcastTo, matmul, mul, neg, reshape, select, slice, sub, sum, transpose, less } from '@ddcl/core';
import type { ConformanceCase } from '../../run/case.ts';
import { variantCases, type Variant } from '../variants.ts';

const sizes = [3, 6];
const one = (settings: Omit<Variant, 'sizes'>): Variant => ({ dtypes: ['float32'], sizes, ...settings });

/** Layout ops on what other layout ops made: whoever answers them with views has strides and offsets to keep right. */
const chains: Readonly<Record<string, readonly Variant[]>> = {
  slice: [
    one({
      name: 'of a slice',
      operands: (n, f) => [f(n, 7)],
      body: ([x]) => neg(slice(slice(x!, [1, 2], [2, 4]), [1, 1], [1, 2])),
    }),
    one({
      name: 'of a transpose',
      operands: (n, f) => [f(n, 7)],
      body: ([x]) => neg(slice(transpose(x!), [2, 1], [3, 2])),
    }),
    one({
      name: 'of a broadcast',
      operands: (n, f) => [f(n, 1)],
      body: ([x], n) => neg(slice(broadcastTo(x!, [4, n, 5]), [1, 1, 2], [2, 2, 3])),
      fixed: true,
    }),
  ],
  transpose: [
    one({
      name: 'of a transpose',
      operands: (n, f) => [f(n, 2, 5)],
      body: ([x]) => neg(transpose(transpose(x!, [2, 0, 1]), [0, 2, 1])),
    }),
    one({
      name: 'of a slice',
      operands: (n, f) => [f(n, 7)],
      body: ([x]) => neg(transpose(slice(x!, [1, 2], [2, 4]))),
    }),
  ],
  reshape: [
    one({
      name: 'of a transpose',
      fixed: true,
      operands: (n, f) => [f(n, 2, 5)],
      body: ([x], n) => neg(reshape(transpose(x!, [1, 0, 2]), [2, 5 * Number(n)])),
    }),
    one({
      name: 'of a slice',
      operands: (n, f) => [f(n, 7)],
      body: ([x]) => neg(reshape(slice(x!, [1, 2], [2, 4]), [8])),
    }),
  ],
  matmul: [
    one({ name: 'of a matrix with itself', operands: (n, f) => [f(n, n)], body: ([x]) => matmul(x!, x!) }),
    one({
      name: 'of a matrix with itself, both transposed',
      operands: (n, f) => [f(n, n)],
      body: ([x]) => matmul(x!, x!, { transposeA: true, transposeB: true }),
    }),
    one({
      name: 'of a slice',
      operands: (n, f) => [f(n, 7)],
      body: ([x]) => matmul(slice(x!, [1, 2], [2, 4]), slice(x!, [0, 3], [3, 4]), { transposeB: true }),
    }),
  ],
  sub: [one({ name: 'its own transpose', operands: (n, f) => [f(n, n)], body: ([x]) => sub(x!, transpose(x!)) })],
  mul: [
    one({ name: 'by a tiny constant', operands: (n, f) => [f(n)], body: ([x]) => mul(x!, 1e-12) }),
    one({ name: 'by a huge constant', operands: (n, f) => [f(n)], body: ([x]) => mul(x!, 1e12) }),
  ],
  select: [
    one({
      name: 'between large numbers',
      operands: (n, f) => [f(n), f(n)],
      body: ([x, y]) => select(less(x!, y!), mul(x!, 1e-30), mul(y!, 1e30)),
    }),
  ],
};

/** Sums over lengths that tokens have: multiples of the widths of tiles and vectors, where remainders are none. */
const even: readonly Variant[] = [128, 256, 768].flatMap((width) => [
  one({ name: `over ${width} last`, operands: (n, f) => [f(n, width)], body: ([x]) => sum(x!, [1]) }),
  one({ name: `over ${width} first`, operands: (n, f) => [f(width, n)], body: ([x]) => sum(x!, [0]) }),
]);

/** Ops on what other ops made, on one tensor twice, and over even lengths. */
export function layoutChainCases(): ConformanceCase[] {
  return Object.entries({ ...chains, sum: even }).flatMap(([op, list]) =>
    list.flatMap((variant) => variantCases(op, variant, 'primitive')),
  );
}
