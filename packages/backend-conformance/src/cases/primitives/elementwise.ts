import {
  add,
  cast,
  constant,
  detach,
  div,
  equal,
  erf,
  exp,
  iota,
  less,
  log,
  maximum,
  minimum,
  mul,
  neg,
  select,
  sqrt,
  sub,
  tanh,
  zerosLike,
  type Dimension,
  type Tensor,
} from '@ddcl/core';
import { tensorType, type DType } from '@ddcl/core/backend';
import { scattered } from '../data.ts';
import type { Variant, VariantsOf } from '../variants.ts';

const floats: readonly DType[] = ['float32', 'float64'];

function unary(f: (x: Tensor) => Tensor, settings: Partial<Variant> = {}): Variant[] {
  return [
    { operands: (n, of) => [of(n)], body: ([x]) => f(x!), ...settings },
    { operands: (n, of) => [of(2, n, 3)], body: ([x]) => f(x!), ...settings },
  ];
}

/** Pairs of shapes: equal ones first, then all the ways in which one operand or both stretch. */
const pairs: readonly ((n: Dimension) => readonly [Dimension[], Dimension[]])[] = [
  (n) => [[n], [n]],
  (n) => [
    [n, 3],
    [n, 3],
  ],
  (n) => [[n, 3], []],
  (n) => [[], [3, n]],
  (n) => [[n, 3], [3]],
  (n) => [
    [1, n],
    [4, n],
  ],
  (n) => [
    [n, 3],
    [n, 1],
  ],
  (n) => [
    [3, 1],
    [1, n],
  ],
  (n) => [
    [2, 1, n],
    [3, 1],
  ],
];

function binary(f: (a: Tensor, b: Tensor) => Tensor, settings: Partial<Variant> = {}): Variant[] {
  return pairs.map((shapes, index) => ({
    operands: (n, of) => shapes(n).map((shape) => of(...shape)),
    body: ([a, b]) => f(a!, b!),
    group: index < 2 ? 'primitive' : 'broadcasting',
    ...settings,
  }));
}

/** Every finite number of half precision: 31 exponents, 1,024 fractions, two signs. */
const allHalves: readonly number[] = Array.from({ length: 31 * 1024 }, (_, bits) =>
  bits < 1024 ? bits * 2 ** -24 : (1024 + (bits % 1024)) * 2 ** ((bits >> 10) - 25),
).flatMap((size) => [size, -size]);

/** 0, 1, 2 and negative numbers: whatever is not 0 is true. */
const conditions = (length: number): number[] => scattered(length, 5).map((each) => [0, 1, -1, 0, 2][each]!);

/** The operands of a select, finite where they are taken. */
function besideConditions(n: number): Readonly<Record<number, number[]>> {
  const odd = [NaN, Infinity, -Infinity];
  const taken = (isFirst: boolean): number[] =>
    conditions(n).map((each, index) => ((each !== 0) === isFirst ? (index % 11) - 5 : odd[index % 3]!));
  return { 1: taken(true), 2: taken(false) };
}

/** Ops whose every element comes from one element of each operand. */
export const elementwiseVariants: VariantsOf<
  | 'neg'
  | 'exp'
  | 'log'
  | 'sqrt'
  | 'tanh'
  | 'erf'
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'maximum'
  | 'minimum'
  | 'less'
  | 'equal'
  | 'select'
  | 'constant'
  | 'iota'
  | 'cast'
  | 'detach'
> = {
  neg: unary(neg),
  exp: unary(exp, { dtypes: floats, range: [-6, 6] }),
  log: unary(log, { dtypes: floats, range: [0.05, 9] }),
  sqrt: unary(sqrt, { dtypes: floats, range: [0, 9] }),
  tanh: unary(tanh, { dtypes: floats, range: [-4, 4] }),
  erf: unary(erf, { dtypes: floats, range: [-4, 4] }),
  add: binary(add),
  sub: binary(sub),
  mul: binary(mul),
  div: binary(div, { dtypes: floats, range: [0.5, 3] }),
  maximum: binary(maximum),
  minimum: binary(minimum),
  less: binary(less),
  equal: binary(equal, { range: [0, 2] }).map((variant) => ({
    ...variant,
    // Whole numbers, so that about every third pair is equal.
    body: ([a, b]: readonly Tensor[]) =>
      a!.dtype === 'int32'
        ? equal(a!, b!)
        : equal(cast(cast(a!, 'int32'), a!.dtype), cast(cast(b!, 'int32'), b!.dtype)),
  })),
  select: [
    {
      operands: (n, of) => [tensorType('int32', [n]), of(n), of(n)],
      body: ([c, a, b]) => select(c!, a!, b!),
      given: (n) => ({ 0: conditions(n) }),
    },
    {
      group: 'broadcasting',
      operands: (n, of) => [tensorType('int32', [n, 1]), of(3), of(1, 1)],
      body: ([c, a, b]) => select(c!, a!, b!),
      given: (n) => ({ 0: conditions(n) }),
    },
    {
      group: 'broadcasting',
      operands: (n, of) => [tensorType('int32', [3]), of(), of(n, 3)],
      body: ([c, a, b]) => select(c!, a!, b!),
      given: () => ({ 0: [0, -1, 1] }),
    },
    // What programs rely on to keep away from log(0) and x / 0: the operand that is not taken counts for nothing.
    {
      name: 'beside what is not finite',
      dtypes: floats,
      operands: (n, of) => [tensorType('int32', [n]), of(n), of(n)],
      body: ([c, a, b]) => [select(c!, a!, b!), select(c!, add(a!, a!), mul(b!, b!))],
      given: (n) => ({ 0: conditions(n), ...besideConditions(n) }),
    },
    {
      name: 'beside what was computed out of range',
      dtypes: floats,
      range: [-3, 3],
      operands: (n, of) => [of(n)],
      body: ([x]) => {
        const [zero, isPositive] = [zerosLike(x!), less(0, x!)];
        return [
          select(isPositive, log(x!), zero),
          select(less(x!, zero), zero, sqrt(x!)),
          select(isPositive, div(x!, maximum(x!, zero)), neg(x!)),
        ];
      },
    },
  ],
  constant: [
    {
      name: (n) => `of <${n}>`,
      fixed: true,
      operands: (_n, of) => [of(1)],
      body: ([x], n) => add(x!, constant(x!, x!.dtype, [n as number], scattered(n as number, 9))),
    },
    {
      name: 'of <> and of <2,3>',
      sizes: [3],
      operands: (n, of) => [of(2, n)],
      body: ([x]) => [add(x!, 5), constant(x!, 'int32', [2, 3], [-2147483648, 1, 2147483647, 3, 4, -5])],
    },
  ],
  iota: [
    { operands: (n, of) => [of(n)], body: ([x], n) => [iota(x!, x!.dtype, [n, 3], 0), iota(x!, 'int32', [2, n], 1)] },
    { name: 'in the middle', operands: (n, of) => [of(n)], body: ([x], n) => iota(x!, x!.dtype, [2, n, 3], 1) },
  ],
  cast: [
    { name: 'to int32', range: [-9, 9], operands: (n, of) => [of(n)], body: ([x]) => cast(x!, 'int32') },
    {
      name: 'to float32',
      dtypes: ['float64', 'int32'],
      range: [-99, 99],
      operands: (n, of) => [of(2, n)],
      body: ([x]) => cast(x!, 'float32'),
    },
    {
      name: 'from storage',
      dtypes: ['float16'],
      range: [-99, 99],
      operands: (n, of) => [of(n, 3)],
      body: ([x]) => [cast(x!, 'float32'), cast(x!, 'int32')],
    },
    {
      name: 'of all finite numbers',
      dtypes: ['float16'],
      sizes: [allHalves.length],
      operands: (n, of) => [of(n)],
      body: ([x]) => cast(x!, 'float32'),
      given: () => ({ 0: allHalves }),
    },
    {
      name: 'to float64',
      dtypes: ['float64'],
      operands: (n) => [tensorType('float32', [n]), tensorType('int32', [n])],
      body: ([x, y]) => [cast(x!, 'float64'), cast(y!, 'float64')],
    },
  ],
  detach: [{ operands: (n, of) => [of(n)], body: ([x]) => [detach(x!), add(detach(x!), x!)] }],
};
