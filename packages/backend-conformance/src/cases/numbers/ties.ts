import {
  argMax,
  assign,
  grad,
  max,
  maximum,
  minimum,
  nearest,
  reshape,
  sum,
  tokenSums,
  trace,
  type Tensor,
} from '@ddcl/core';
import { tensorType, type DType, type FloatDType, type PrimitiveOp } from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { checkProgram } from '../../run/check.ts';
import { testSizes, typeMaker, value } from '../data.ts';
import { variantCases, type Variant } from '../variants.ts';

const notEmpty = testSizes.filter((n) => n > 0);
const floats: readonly FloatDType[] = ['float32', 'float64'];

/** Twice the same maximum in each of three rows: at the first and last place, at two neighbours, everywhere. */
const rows = (n: number): number[] => [
  ...Array.from({ length: n }, (_, index) => (index === 0 || index === n - 1 ? 5 : -5)),
  ...Array.from({ length: n }, (_, index) => (index >= n >> 1 && index < (n >> 1) + 2 ? 2 : 1)),
  ...Array.from({ length: n }, () => 3),
];
const columns = (n: number): number[] =>
  ((all: readonly number[]) => Array.from(all, (_, index) => all[(index % 3) * n + Math.floor(index / 3)]!))(rows(n));

const variants: Partial<Record<PrimitiveOp, readonly Variant[]>> = {
  argMax: [
    {
      name: 'along 1',
      sizes: notEmpty,
      operands: (n, f) => [f(3, n)],
      body: ([x]) => argMax(x!, 1),
      given: (n) => ({ 0: rows(n) }),
    },
    {
      name: 'along 0',
      sizes: notEmpty,
      operands: (n, f) => [f(n, 3)],
      body: ([x]) => argMax(x!, 0),
      given: (n) => ({ 0: columns(n) }),
    },
    {
      name: 'of 0 and -0',
      sizes: [4],
      dtypes: floats,
      operands: (n, f) => [f(2, n)],
      body: ([x]) => argMax(x!, 1),
      given: () => ({ 0: [-0, 0, -0, 0, -1, -0, 0, -0] }),
    },
  ],
  max: [
    {
      name: 'over 1',
      sizes: notEmpty,
      operands: (n, f) => [f(3, n)],
      body: ([x]) => max(x!, [1]),
      given: (n) => ({ 0: rows(n) }),
    },
  ],
  maximum: [
    {
      operands: (n, f) => [f(3, n), f(3, n)],
      body: ([a, b]) => maximum(a!, b!),
      given: (n) => ({ 0: rows(n), 1: rows(n) }),
    },
  ],
  minimum: [
    {
      operands: (n, f) => [f(3, n), f(3, n)],
      body: ([a, b]) => minimum(a!, b!),
      given: (n) => ({ 0: rows(n), 1: rows(n) }),
    },
  ],
};

interface TieGradient {
  readonly op: PrimitiveOp;
  readonly name: string;
  readonly body: (...inputs: Tensor[]) => Tensor;
  readonly inputs: readonly { readonly shape: readonly number[]; readonly data: readonly number[] }[];
  readonly expected: readonly (readonly number[])[];
}

/** The derivative at a tie belongs to the first of those that tie. */
const gradients: readonly TieGradient[] = [
  {
    op: 'maximum',
    name: "the derivative is the first operand's",
    body: (a, b) => maximum(a!, b!),
    inputs: [
      { shape: [3], data: [1, 2, 3] },
      { shape: [3], data: [1, 3, 2] },
    ],
    expected: [
      [1, 0, 1],
      [0, 1, 0],
    ],
  },
  {
    op: 'minimum',
    name: "the derivative is the first operand's",
    body: (a, b) => minimum(a!, b!),
    inputs: [
      { shape: [3], data: [1, 2, 3] },
      { shape: [3], data: [1, 3, 2] },
    ],
    expected: [
      [1, 1, 0],
      [0, 0, 1],
    ],
  },
  {
    op: 'max',
    name: "the derivative is the first element's",
    body: (x) => max(x!, [1]),
    inputs: [{ shape: [2, 3], data: [1, 5, 5, 7, 7, 7] }],
    expected: [[0, 1, 0, 1, 0, 0]],
  },
  {
    op: 'max',
    name: "the derivative over two axes is the first element's",
    body: (x) => max(x!),
    inputs: [{ shape: [2, 2], data: [1, 9, 9, 2] }],
    expected: [[0, 1, 0, 0]],
  },
];

function gradientCase({ op, name, body, inputs, expected }: TieGradient, dtype: FloatDType): ConformanceCase {
  const f = typeMaker(dtype);
  return conformanceCase(
    'ties',
    name,
    (context) => {
      const types = inputs.map(({ shape }) => f(...shape));
      const program = trace(
        types,
        (...tensors) => grad(sum(body(...(tensors as Tensor[]))), tensors as Tensor[]),
        `the gradient of ${op}`,
      );
      return checkProgram(
        context,
        program,
        types.map((type, index) => value(type, inputs[index]!.data)),
        { expected },
      );
    },
    { op, dtype },
  );
}

/** Two prototypes in one place: the lower one wins, and they share alike. All numbers are exact in float32. */
function prototypeCase(dtype: FloatDType): ConformanceCase {
  const f = (...shape: number[]): ReturnType<typeof tensorType> => tensorType(dtype satisfies DType, shape);
  const program = trace(
    [f(4, 1), f(4), f(3, 1), f()],
    (tokens, weights, prototypes, temperature) => [
      tokenSums({ tokens, weights, prototypes, temperature }).wins,
      reshape(assign({ tokens, prototypes, temperature }), [12]),
    ],
    'ddcl.tokenSums/1 with equal prototypes',
  );
  const inputs = [
    value(f(4, 1), [0, 4, 4, 0]),
    value(f(4), [1, 2, 4, 0.5]),
    value(f(3, 1), [4, 0, 4]),
    value(f(), [0.0625]),
  ];
  const half = [0, 1, 0, 0.5, 0, 0.5];
  const expected = [
    [6, 1.5, 0],
    [...half, 0.5, 0, 0.5, 0, 1, 0],
  ];
  return conformanceCase(
    'ties',
    'of two prototypes in one place the lower wins',
    (context) => checkProgram(context, program, inputs, { expected }),
    {
      op: 'ddcl.tokenSums/1',
      dtype,
    },
  );
}

/** Two prototypes in one place, and a token between two others. All numbers are exact in float32. */
function nearestCase(dtype: FloatDType): ConformanceCase {
  const f = typeMaker(dtype);
  const program = trace(
    [f(3, 1), f(4, 1)],
    (tokens, prototypes) => {
      const [one, two] = [nearest({ tokens, prototypes }), nearest({ tokens, prototypes }, 3)];
      return [one.indices, one.distances, reshape(two.indices, [9]), reshape(two.distances, [9])];
    },
    'ddcl.nearest/1 with equal prototypes',
  );
  const expected = [
    [1, 0, 0],
    [0, 0, 4],
    [1, 0, 2, 0, 2, 1, 0, 1, 2],
    [0, 16, 16, 0, 0, 16, 4, 4, 4],
  ];
  return conformanceCase(
    'ties',
    'of two prototypes as near the lower comes first',
    (context) =>
      checkProgram(context, program, [value(f(3, 1), [0, 4, 2]), value(f(4, 1), [4, 0, 4, -8])], { expected }),
    { op: 'ddcl.nearest/1', dtype },
  );
}

/** Ties go to the lowest index. */
export function tieCases(): ConformanceCase[] {
  return [
    ...Object.entries(variants).flatMap(([op, list]) => list.flatMap((variant) => variantCases(op, variant, 'ties'))),
    ...gradients.flatMap((each) => floats.map((dtype) => gradientCase(each, dtype))),
    ...floats.map(prototypeCase),
    ...floats.map(nearestCase),
  ];
}
