import { cast } from '../../program/ops/create.ts';
import { add, div, exp, less, mul, neg, select, sub } from '../../program/ops/elementwise.ts';
import { isFloat } from '../../program/dtype.ts';
import type { Tensor } from '../../program/trace.ts';
import { unbroadcast, type RuleCall, type RuleTable } from './rule.ts';

type Names =
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
  | 'cast'
  | 'detach';

type Unary = (x: Tensor, y: Tensor, cotangent: Tensor) => Tensor;
type Binary = (a: Tensor, b: Tensor, cotangent: Tensor, y: Tensor) => readonly [Tensor, Tensor];

const unary =
  (rule: Unary) =>
  ({ inputs: [x], output, cotangent }: RuleCall<unknown>): readonly Tensor[] => [rule(x!, output, cotangent)];

const binary =
  (rule: Binary) =>
  ({ inputs, output, cotangent }: RuleCall<unknown>): readonly Tensor[] => {
    const [a, b] = inputs as [Tensor, Tensor];
    const [forA, forB] = rule(a, b, cotangent, output);
    return [unbroadcast(forA, a.shape), unbroadcast(forB, b.shape)];
  };

/** Where the second operand wins strictly, the cotangent is its; ties go to the first. */
const choose =
  (secondWins: (a: Tensor, b: Tensor) => Tensor): Binary =>
  (a, b, cotangent) => {
    const mask = secondWins(a, b);
    return [select(mask, 0, cotangent), select(mask, cotangent, 0)];
  };

const none = (): readonly undefined[] => [undefined, undefined];

/** Derivatives of the ops that work element by element. */
export const elementwiseRules: Pick<RuleTable, Names> = {
  neg: unary((_x, _y, g) => neg(g)),
  exp: unary((_x, y, g) => mul(g, y)),
  log: unary((x, _y, g) => div(g, x)),
  sqrt: unary((_x, y, g) => div(mul(g, 0.5), y)),
  tanh: unary((_x, y, g) => mul(g, sub(1, mul(y, y)))),
  erf: unary((x, _y, g) => mul(g, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI)))),
  add: binary((_a, _b, g) => [g, g]),
  sub: binary((_a, _b, g) => [g, neg(g)]),
  mul: binary((a, b, g) => [mul(g, b), mul(g, a)]),
  div: binary((_a, b, g, y) => [div(g, b), neg(div(mul(g, y), b))]),
  maximum: binary(choose((a, b) => less(a, b))),
  minimum: binary(choose((a, b) => less(b, a))),
  less: none,
  equal: none,
  select: ({ inputs, cotangent }) => {
    const [condition, a, b] = inputs as [Tensor, Tensor, Tensor];
    return [
      undefined,
      unbroadcast(select(condition, cotangent, 0), a.shape),
      unbroadcast(select(condition, 0, cotangent), b.shape),
    ];
  },
  cast: ({ inputs: [x], attributes, cotangent }) => [
    isFloat(attributes.dtype) && isFloat(x!.dtype) ? cast(cotangent, x!.dtype) : undefined,
  ],
  detach: () => [undefined],
};

/** Adds two cotangents of one value. */
export function accumulate(a: Tensor | undefined, b: Tensor): Tensor {
  return a === undefined ? b : add(a, b);
}
