import {
  assign,
  div,
  forward,
  grad,
  hessianProduct,
  loss,
  lossAndGradient,
  mul,
  nearest,
  neg,
  segmentMass,
  segmentSums,
  sum,
  tokenSums,
  transpose,
  vjp,
  type Tensor,
} from '@ddcl/core';
import { attend } from '@ddcl/core/fit';
import { tensorType, type FloatDType, type TensorType } from '@ddcl/core/backend';
import {
  assignmentsOf,
  gradientMassOf,
  gradientOf,
  hessianProductOf,
  outputsOf,
  rowsOf,
  segmentsOf,
  sumsOf,
  type Problem,
} from '../../oracle/ddcl.ts';
import { lossGradientOf, nearestOf, outputsGradientOf } from '../../oracle/ddcl-gradients.ts';
import type { Value } from '../../oracle/tensor.ts';
import { randomValue, scattered, value } from '../data.ts';

/** Segments of the segment sums; the last one has no token. */
export const segments = 4;

/** A composite of DDCL on the operands (tokens, weights, prototypes, temperature, ...more). */
export interface DdclComposite {
  readonly body: (inputs: readonly Tensor[]) => readonly Tensor[];
  /** The same by plain loops in float64, without programs. */
  readonly expected: (problem: Problem, more: readonly Value[]) => readonly (readonly number[])[];
  readonly more?: (n: number | string, count: number, m: number, dtype: FloatDType) => readonly TensorType[];
  readonly moreValues?: (n: number, count: number, m: number, dtype: FloatDType) => readonly Value[];
  /** Results with a derivative; default all. */
  readonly differentiable?: readonly number[];
  /** Whether some results have a row per token, so that fewer tokens give others. */
  readonly perToken?: boolean;
}

/** Cotangents of L_q, L_OLS and V. */
const cotangents = [0.75, -1.25, 0.5];

/** As many of the nearest prototypes as are asked for. */
const nearestOfThree = (count: number): number => Math.min(3, count);

function operands(inputs: readonly Tensor[]): {
  tokens: Tensor;
  weights: Tensor;
  prototypes: Tensor;
  temperature: Tensor;
} {
  const [tokens, weights, prototypes, temperature] = inputs as [Tensor, Tensor, Tensor, Tensor];
  return { tokens, weights, prototypes, temperature };
}

const ids: Pick<DdclComposite, 'more' | 'moreValues'> = {
  more: (n) => [tensorType('int32', [n])],
  moreValues: (n) => [value(tensorType('int32', [n]), scattered(n, segments - 1))],
};

/** By versioned name. */
export const ddclComposites: Readonly<Record<string, DdclComposite>> = {
  'ddcl.assign/1': {
    body: (x) => [assign(operands(x))],
    expected: (p) => [assignmentsOf(p).flat()],
    perToken: true,
  },
  'ddcl.forward/1': {
    body: (x) => [forward(operands(x))],
    expected: (p) => [outputsOf(p).flat()],
    perToken: true,
  },
  'ddcl.attend/1': {
    body: (x) => {
      const { tokens, prototypes, temperature } = operands(x);
      const keys = div(mul(transpose(prototypes, [1, 0]), 2), temperature);
      const bias = neg(div(sum(mul(prototypes, prototypes), [1]), temperature));
      return [attend(tokens, keys, bias, prototypes)];
    },
    expected: (p) => [outputsOf(p).flat()],
    perToken: true,
  },
  'ddcl.forwardGradient/1': {
    body: (x) => {
      const { tokens, prototypes, temperature } = operands(x);
      return vjp([forward(operands(x))], [x[4]!], [tokens, prototypes, temperature]);
    },
    expected: (p, [g]) => {
      const { tokens, prototypes, temperature } = outputsGradientOf(p, rowsOf(g!.data, p.prototypes[0]!.length));
      return [tokens.flat(), prototypes.flat(), [temperature]];
    },
    more: (n, _count, m, dtype) => [tensorType(dtype, [n, m])],
    moreValues: (n, _count, m, dtype) => [randomValue(tensorType(dtype, [n, m]), 9)],
    perToken: true,
  },
  'ddcl.nearest/1': {
    body: (x) => {
      const few = nearest(operands(x), nearestOfThree(x[2]!.shape[0] as number));
      const { indices, distances } = nearest(operands(x));
      return [indices, distances, few.indices, few.distances];
    },
    expected: (p) => {
      const [one, few] = [nearestOf(p, 1), nearestOf(p, nearestOfThree(p.prototypes.length))];
      return [one.indices.flat(), one.distances.flat(), few.indices.flat(), few.distances.flat()];
    },
    differentiable: [1, 3],
    perToken: true,
  },
  'ddcl.loss/1': {
    body: (x) => {
      const { lq, lols, v } = loss(operands(x));
      return [lq, lols, v];
    },
    expected: (p) => {
      const { lq, lols, v } = sumsOf(p);
      return [[lq], [lols], [v]];
    },
  },
  'ddcl.lossGradient/1': {
    body: (x) => {
      const { lq, lols, v } = loss(operands(x));
      const { tokens, weights, prototypes, temperature } = operands(x);
      const wrt = [tokens, weights, prototypes, temperature];
      const [onLq, onLols, onV] = x.slice(4, 7) as [Tensor, Tensor, Tensor];
      // Of each alone too: two of the cotangents are known to be 0 then.
      return [
        ...vjp([lq, lols, v], [onLq, onLols, onV], wrt),
        ...grad(lq, wrt),
        ...vjp([lols], [onLols], wrt),
        ...vjp([v], [onV], wrt),
      ];
    },
    expected: (p, more) => {
      const [onLq, onLols, onV] = more.map(({ data }) => data[0]!) as [number, number, number];
      const each = [
        [onLq, onLols, onV],
        [1, 0, 0],
        [0, onLols, 0],
        [0, 0, onV],
      ];
      return each.flatMap((on) => {
        const { tokens, weights, prototypes, temperature } = lossGradientOf(p, on);
        return [tokens.flat(), weights, prototypes.flat(), [temperature]];
      });
    },
    more: (_n, _count, _m, dtype) => cotangents.map(() => tensorType(dtype, [])),
    moreValues: (_n, _count, _m, dtype) => cotangents.map((each) => value(tensorType(dtype, []), [each])),
    perToken: true,
  },
  'ddcl.lossAndGradient/2': {
    body: (x) => {
      const { lq, gradient, mass } = lossAndGradient(operands(x));
      return [lq, gradient, mass];
    },
    expected: (p) => [[sumsOf(p).lq], gradientOf(p).flat(), gradientMassOf(p)],
  },
  'ddcl.hessianProduct/1': {
    body: (x) => [hessianProduct(operands(x), x[4]!)],
    expected: (p, [direction]) => [hessianProductOf(p, rowsOf(direction!.data, p.prototypes[0]!.length)).flat()],
    more: (_n, count, m, dtype) => [tensorType(dtype, [count, m])],
    moreValues: (_n, count, m, dtype) => [randomValue(tensorType(dtype, [count, m]), 8)],
  },
  'ddcl.tokenSums/1': {
    body: (x) => {
      const { lq, lols, v, hard, entropy, mass, wins } = tokenSums(operands(x));
      return [lq, lols, v, hard, entropy, mass, wins];
    },
    expected: (p) => {
      const { lq, lols, v, hard, entropy, mass, wins } = sumsOf(p);
      return [[lq], [lols], [v], [hard], [entropy], mass, wins];
    },
    // What the winners are does not move with the prototypes, and the nearest distance bends where they change.
    differentiable: [0, 1, 2, 4, 5],
  },
  'ddcl.segmentMass/1': {
    body: (x) => [segmentMass({ ...operands(x), ids: x[4]! }, segments)],
    expected: (p, [id]) => [segmentsOf(p, Array.from(id!.data), segments).mass.flat()],
    ...ids,
  },
  'ddcl.segmentSums/1': {
    body: (x) => {
      const { mass, sums } = segmentSums({ ...operands(x), ids: x[4]! }, segments);
      return [mass, sums];
    },
    expected: (p, [id]) => {
      const { mass, sums } = segmentsOf(p, Array.from(id!.data), segments);
      return [mass.flat(), sums.flat(2)];
    },
    ...ids,
  },
};
