import { cast, iota } from '../../program/ops/create.ts';
import { equal, mul } from '../../program/ops/elementwise.ts';
import { broadcastTo, reshape } from '../../program/ops/layout.ts';
import { argMax, max } from '../../program/ops/reduce.ts';
import type { Tensor } from '../../program/trace.ts';
import type { RuleTable } from './rule.ts';

/** `shape` of `x` with the axes reduced to 1. */
function keptShape(x: Tensor, axes: readonly number[]): (number | string)[] {
  return x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
}

/** 1 at the first maximum along `axis`, else 0; the derivative of `max` at a tie is the first element's. */
function firstMaximum(x: Tensor, axis: number): Tensor {
  const position = reshape(argMax(x, axis), keptShape(x, [axis]));
  return cast(equal(iota(x, 'int32', x.shape, axis), position), x.dtype);
}

/** Derivatives of reductions. */
export const reduceRules: Pick<RuleTable, 'sum' | 'max' | 'argMax'> = {
  sum: ({ inputs: [x], attributes: { axes }, cotangent }) => [
    broadcastTo(reshape(cotangent, keptShape(x!, axes)), x!.shape),
  ],
  max: ({ inputs: [x], attributes: { axes }, cotangent }) => {
    // One axis after the other, last axis first, so that of several maxima the lowest in row-major order counts.
    const stages = [x!];
    for (const axis of [...axes].reverse()) stages.push(max(stages.at(-1)!, [axis], { keepDims: true }));
    let flowing = reshape(cotangent, keptShape(x!, axes));
    axes.forEach((axis, index) => {
      const stage = stages[axes.length - 1 - index]!;
      flowing = mul(firstMaximum(stage, axis), flowing);
    });
    return [flowing];
  },
  argMax: () => [undefined],
};
