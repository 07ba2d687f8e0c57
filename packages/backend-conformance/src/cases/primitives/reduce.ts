import { argMax, matmul, max, sum, type Dimension } from '@ddcl/core';
import { testSizes } from '../data.ts';
import type { Variant, VariantsOf } from '../variants.ts';

/** A maximum of nothing is an error at trace time. */
const notEmpty = testSizes.filter((n) => n > 0);
const subsets = [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]];

const sums: Variant[] = [
  ...subsets.map((axes): Variant => ({
    name: `over ${axes}`,
    operands: (n, of) => [of(3, n, 2)],
    body: ([x]) => sum(x!, axes),
  })),
  ...[[0], [2], [0, 2]].map((axes): Variant => ({
    name: `over ${axes}, kept`,
    operands: (n, of) => [of(n, 2, 3)],
    body: ([x]) => sum(x!, axes, { keepDims: true }),
  })),
  { name: 'over 0', operands: (n, of) => [of(n)], body: ([x]) => sum(x!, [0]) },
  { name: 'over 1', operands: (n, of) => [of(3, n)], body: ([x]) => sum(x!, [1]) },
];

const maxima: Variant[] = [
  ...subsets.map((axes): Variant => ({
    name: `over ${axes}`,
    sizes: axes.includes(1) ? notEmpty : testSizes,
    operands: (n, of) => [of(3, n, 2)],
    body: ([x]) => max(x!, axes),
  })),
  {
    name: 'over 1, kept, all negative',
    sizes: notEmpty,
    range: [-9, -3],
    operands: (n, of) => [of(2, n)],
    body: ([x]) => max(x!, [1], { keepDims: true }),
  },
];

const places: Variant[] = [
  ...[0, 1, 2].map((axis): Variant => ({
    name: `along ${axis}`,
    sizes: axis === 1 ? notEmpty : testSizes,
    operands: (n, of) => [of(3, n, 2)],
    body: ([x]) => argMax(x!, axis),
  })),
  {
    name: 'along 1, all negative',
    sizes: notEmpty,
    range: [-9, -3],
    operands: (n, of) => [of(2, n)],
    body: ([x]) => argMax(x!, 1),
  },
];

/** Where n is. */
const roles = ['rows', 'inner', 'columns', 'square'];

const matrices: Variant[] = ([false, true] as const).flatMap((transposeA) =>
  ([false, true] as const).flatMap((transposeB) =>
    [
      (n: Dimension): Dimension[] => [n, 5, 3],
      (n: Dimension): Dimension[] => [5, n, 3],
      (n: Dimension): Dimension[] => [5, 3, n],
      // Square, where a forgotten transposition still fits.
      (): Dimension[] => [4, 4, 4],
    ].map((sizes, index): Variant => {
      return {
        name: `${transposeA ? "A' " : ''}${transposeB ? "B' " : ''}${roles[index]}`,
        dtypes: ['float32', 'float64'],
        sizes: index === 3 ? [4] : testSizes,
        operands: (n, of) => {
          const [rows, inner, columns] = sizes(n) as [Dimension, Dimension, Dimension];
          return [transposeA ? of(inner, rows) : of(rows, inner), transposeB ? of(columns, inner) : of(inner, columns)];
        },
        body: ([a, b]) => matmul(a!, b!, { transposeA, transposeB }),
      };
    }),
  ),
);

const floats = ['float32', 'float64'] as const;

const batches: Variant[] = [
  { dtypes: floats, operands: (n, of) => [of(3, n, 4), of(3, 4, 5)], body: ([a, b]) => matmul(a!, b!) },
  {
    dtypes: floats,
    name: "B'",
    operands: (n, of) => [of(n, 2, 4), of(n, 3, 4)],
    body: ([a, b]) => matmul(a!, b!, { transposeB: true }),
  },
  {
    dtypes: floats,
    group: 'broadcasting',
    operands: (n, of) => [of(2, 1, n, 2), of(3, 2, 5)],
    body: ([a, b]) => matmul(a!, b!),
  },
  {
    dtypes: floats,
    group: 'broadcasting',
    operands: (n, of) => [of(n, 2), of(2, 2, n)],
    body: ([a, b]) => matmul(a!, b!),
  },
  {
    name: "A'",
    dtypes: floats,
    group: 'broadcasting',
    operands: (n, of) => [of(2, n, 3), of(n, 2)],
    body: ([a, b]) => matmul(a!, b!, { transposeA: true }),
  },
];

/** Sums, maxima, their places, and matrix products. */
export const reduceVariants: VariantsOf<'sum' | 'max' | 'argMax' | 'matmul'> = {
  sum: sums,
  max: maxima,
  argMax: places,
  matmul: [...matrices, ...batches],
};
