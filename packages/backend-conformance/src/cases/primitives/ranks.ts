import {
  add,
  argMax,
  broadcastTo,
  concat,
  gather,
  iota,
  less,
  matmul,
  max,
  mul,
  neg,
  reshape,
  segmentSum,
  select,
  slice,
  sub,
  sum,
  transpose,
} from '@ddcl/core';
import { tensorType, type DType } from '@ddcl/core/backend';
import type { Variant } from '../variants.ts';

/** One size is enough: what is special is how many axes there are. */
const sizes = [3];
/** Axes have no dtype, but a backend may have other code for whole numbers. */
const dtypes: readonly DType[] = ['float32', 'int32'];
const floats: readonly DType[] = ['float32'];

const of = (settings: Omit<Variant, 'sizes'>): Variant => ({ dtypes, sizes, ...settings });

/** Axes to reduce in a tensor of rank 4, and in one of rank 5. */
const someAxes = [[0], [1], [2], [3], [0, 2], [1, 3], [0, 3], [1, 2], [0, 1, 3], [0, 1, 2, 3]];
const moreAxes = [
  [0, 2, 4],
  [1, 3],
  [0, 1, 3, 4],
];

/** All sizes of an operand differ, so that no axis can be taken for another. */
const four = (n: number | string): (number | string)[] => [2, n, 5, 4];
const five = (n: number | string): (number | string)[] => [2, n, 1, 5, 4];

const permutations = [
  [3, 2, 1, 0],
  [1, 0, 3, 2],
  [2, 3, 0, 1],
  [3, 0, 1, 2],
  [0, 2, 1, 3],
];

/** Pairs of shapes that stretch each other in ways that take four axes or more. */
const pairs: readonly (readonly [(number | string)[], (number | string)[]])[] = [
  [
    [2, 'n', 5, 4],
    [2, 1, 5, 1],
  ],
  [
    [2, 1, 5, 1],
    [1, 'n', 1, 4],
  ],
  [
    ['n', 1, 1, 1],
    [2, 5, 4],
  ],
  [
    [2, 'n', 1, 5, 4],
    ['n', 2, 1, 1],
  ],
  [[2, 'n', 5, 4, 2], []],
];

/** Each op on tensors of rank 4 and 5. */
export const rankVariants: Readonly<Record<string, readonly Variant[]>> = {
  neg: [of({ operands: (n, f) => [f(...five(n))], body: ([x]) => neg(x!) })],
  ...Object.fromEntries(
    (
      [
        ['add', add],
        ['sub', sub],
        ['mul', mul],
        ['less', less],
      ] as const
    ).map(([name, op]) => [
      name,
      pairs.map(([a, b]) =>
        of({
          group: 'broadcasting',
          operands: (n, f) => [a, b].map((shape) => f(...shape.map((size) => (size === 'n' ? n : size)))),
          body: ([x, y]) => op(x!, y!),
        }),
      ),
    ]),
  ),
  select: [
    of({
      group: 'broadcasting',
      operands: (n, f) => [tensorType('int32', [2, n, 1, 1]), f(n, 5, 1), f(2, 1, 1, 4)],
      body: ([c, a, b]) => select(c!, a!, b!),
      given: (n) => ({ 0: Array.from({ length: 2 * n }, (_, index) => index % 2) }),
    }),
  ],
  sum: [
    ...someAxes.map((axes) =>
      of({ name: `over ${axes}`, operands: (n, f) => [f(...four(n))], body: ([x]) => sum(x!, axes) }),
    ),
    ...moreAxes.map((axes) =>
      of({ name: `over ${axes}`, operands: (n, f) => [f(...five(n))], body: ([x]) => sum(x!, axes) }),
    ),
    of({
      name: 'over 0,2, kept',
      operands: (n, f) => [f(...four(n))],
      body: ([x]) => sum(x!, [0, 2], { keepDims: true }),
    }),
  ],
  max: [
    ...someAxes.map((axes) =>
      of({ name: `over ${axes}`, operands: (n, f) => [f(...four(n))], body: ([x]) => max(x!, axes) }),
    ),
    ...moreAxes.map((axes) =>
      of({ name: `over ${axes}`, operands: (n, f) => [f(...five(n))], body: ([x]) => max(x!, axes) }),
    ),
  ],
  argMax: [
    ...[0, 1, 2, 3].map((axis) =>
      of({ name: `along ${axis}`, operands: (n, f) => [f(...four(n))], body: ([x]) => argMax(x!, axis) }),
    ),
    of({ name: 'along 1', operands: (n, f) => [f(...five(n))], body: ([x]) => argMax(x!, 1) }),
  ],
  matmul: [
    of({
      dtypes: floats,
      group: 'broadcasting',
      operands: (n, f) => [f(2, 5, 1, n, 4), f(2, 1, 3, 4, 2)],
      body: ([a, b]) => matmul(a!, b!),
    }),
    of({
      dtypes: floats,
      name: "A' B'",
      operands: (n, f) => [f(2, 5, 4, n), f(2, 5, 3, 4)],
      body: ([a, b]) => matmul(a!, b!, { transposeA: true, transposeB: true }),
    }),
    of({
      dtypes: floats,
      group: 'broadcasting',
      name: "B'",
      operands: (n, f) => [f(n, 4), f(2, 5, 2, 3, 4)],
      body: ([a, b]) => matmul(a!, b!, { transposeB: true }),
    }),
  ],
  reshape: [of({ operands: (n, f) => [f(...four(n))], body: ([x], n) => reshape(x!, [4, 5, n, 2, 1]) })],
  transpose: [
    ...permutations.map((permutation) =>
      of({ name: `by ${permutation}`, operands: (n, f) => [f(...four(n))], body: ([x]) => transpose(x!, permutation) }),
    ),
    of({ name: 'by 4,1,3,0,2', operands: (n, f) => [f(...five(n))], body: ([x]) => transpose(x!, [4, 1, 3, 0, 2]) }),
  ],
  broadcastTo: [
    of({
      name: 'to rank 4',
      operands: (_n, f) => [f(2, 1, 5, 1)],
      body: ([x], n) => broadcastTo(x!, [2, n, 5, 4]),
      fixed: true,
    }),
    of({ name: 'to rank 5', operands: (n, f) => [f(n, 1, 4)], body: ([x], n) => broadcastTo(x!, [5, 2, n, 3, 4]) }),
  ],
  slice: [
    of({
      name: 'of rank 4',
      operands: (n, f) => [f(4, n, 5, 4)],
      body: ([x], n) => slice(x!, [1, 0, 2, 1], [2, n, 3, 2]),
    }),
    of({
      name: 'of rank 5',
      operands: (n, f) => [f(n, 3, 2, 5, 4)],
      body: ([x], n) => slice(x!, [0, 1, 1, 0, 3], [n, 2, 1, 5, 1]),
    }),
  ],
  concat: [0, 1, 2, 3].map((axis) =>
    of({
      name: `along ${axis}`,
      fixed: true,
      operands: (n, f) => [f(...four(n)), f(...four(n).map((size, place) => (place === axis ? 3 : size)))],
      body: ([a, b]) => concat([a!, b!], axis),
    }),
  ),
  gather: [
    of({
      operands: (n, f) => [f(5, 2, n, 4), tensorType('int32', [2, 3])],
      body: ([x, rows]) => gather(x!, rows!),
      given: () => ({ 1: [4, 0, 3, 3, 1, 2] }),
    }),
    of({
      operands: (n, f) => [f(5, n), tensorType('int32', [2, 1, 3])],
      body: ([x, rows]) => gather(x!, rows!),
      given: () => ({ 1: [4, 0, 3, 3, 1, 2] }),
    }),
  ],
  segmentSum: [
    of({
      operands: (n, f) => [f(5, 2, n, 4), tensorType('int32', [5])],
      body: ([x, ids]) => segmentSum(x!, ids!, { segments: 3 }),
      given: () => ({ 1: [2, 0, 2, 2, 0] }),
    }),
  ],
  iota: [0, 1, 2, 3].map((axis) =>
    of({
      name: `of rank 4 along ${axis}`,
      operands: (n, f) => [f(n)],
      body: ([x], n) => iota(x!, x!.dtype, four(n), axis),
    }),
  ),
};
