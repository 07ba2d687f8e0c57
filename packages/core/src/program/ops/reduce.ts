import { Tensor } from '../trace.ts';

export interface ReductionOptions {
  /** Keep the reduced axes with size 1. Default false. */
  readonly keepDims?: boolean;
}

function reduce(
  op: 'sum' | 'max',
  x: Tensor,
  axes: readonly number[] | undefined,
  { keepDims = false }: ReductionOptions,
): Tensor {
  const all = axes === undefined ? x.shape.map((_, axis) => axis) : [...axes].sort((a, b) => a - b);
  if (all.length === 0) return x;
  return new Tensor(x.builder, x.builder.add(op, [x.id], { axes: all, keepDims }));
}

/** Sum over `axes` (all by default). */
export function sum(x: Tensor, axes?: readonly number[], options: ReductionOptions = {}): Tensor {
  return reduce('sum', x, axes, options);
}

/** Maximum over `axes` (all by default), which must not be empty. */
export function max(x: Tensor, axes?: readonly number[], options: ReductionOptions = {}): Tensor {
  return reduce('max', x, axes, options);
}

/** Index of the maximum along `axis` (int32); ties go to the lowest index. */
export function argMax(x: Tensor, axis: number): Tensor {
  return new Tensor(x.builder, x.builder.add('argMax', [x.id], { axis }));
}
