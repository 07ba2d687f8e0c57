import { add, cast, constant, detach, div, mul, reshape, sub, sum, tanh, type Tensor } from '@ddcl/core';
import { floor, round, straightThrough } from '../composite/straight-through.ts';
import { meanSquare } from './hard-losses.ts';
import type { Quantizer, Use } from './quantizer.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';

/** Keeps the outermost values in reach of tanh. */
const margin = 1e-3;

/** What the values of a component with L levels are made of; constants of a program as rows. */
export interface LevelNumbers {
  /** Half the width that tanh is spread over. */
  readonly half: readonly number[];
  readonly offset: readonly number[];
  readonly shift: readonly number[];
  /** What whole numbers are divided by. */
  readonly scale: readonly number[];
  /** Digit of value v is `v scale + origin`. */
  readonly origin: readonly number[];
  /** Product of the earlier numbers of levels: the first component is the least significant. */
  readonly basis: readonly number[];
}

export function levelNumbers({ levels, variant }: Pick<ResolvedSpec, 'levels' | 'variant'>): LevelNumbers {
  const isSymmetric = variant === 'symmetric';
  const half = levels.map((count) => ((count - 1) * (isSymmetric ? 1 : 1 + margin)) / 2);
  const offset = levels.map((count) => (!isSymmetric && count % 2 === 0 ? 0.5 : 0));
  return {
    half,
    offset,
    shift: offset.map((each, axis) => Math.atanh(each / half[axis]!)),
    scale: levels.map((count) => (isSymmetric ? (count - 1) / 2 : Math.floor(count / 2))),
    origin: levels.map((count) => (isSymmetric ? (count - 1) / 2 : Math.floor(count / 2))),
    basis: levels.map((_, axis) => levels.slice(0, axis).reduce((product, each) => product * each, 1)),
  };
}

/** Residual levels see what is left, blown up by the distance between two values: (L - 1)^level of each component, at least 2^level. */
export const levelScale = ({ levels }: Pick<ResolvedSpec, 'levels'>, level: number): number[] =>
  levels.map((count) => Math.max(2, count - 1) ** -level);

/**
 * Finite scalar quantization (Mentzer et al., arXiv 2309.15505). With L levels, `A = (L - 1)(1 + 1e-3) / 2` and o = 1/2 for even L, else 0:
 * `b = A tanh(z + atanh(o / A)) - o`, value `round(b) / floor(L / 2)`. The symmetric variant, with values evenly spread over -1..1, is
 * `2 / (L - 1) floor((L - 1)(tanh z + 1) / 2 + 1/2) - 1`. Rounding is straight-through.
 */
export const fsq: Quantizer = {
  tensors: () => [],
  quantize(use) {
    const { indices, values, bounded } = quantizeLevels(use);
    const { commitment } = use.spec;
    return {
      indices,
      hard: values,
      base: bounded,
      loss: commitment === 0 ? undefined : mul(meanSquare(use, bounded, detach(values)), commitment),
      reports: { quantization: detach(meanSquare(use, bounded, values)) },
    };
  },
  estimate: straightThrough,
};

/** Numbers of the codes, their values, and the differentiable numbers before they were rounded. */
export function quantizeLevels({ z, spec, level }: Pick<Use, 'z' | 'spec' | 'level'>): {
  readonly indices: Tensor;
  readonly values: Tensor;
  readonly bounded: Tensor;
} {
  const { levels, variant } = spec;
  const row = (values: readonly number[]): Tensor => constant(z, z.dtype, [1, levels.length], values);
  const { half, offset, shift, scale, origin, basis } = levelNumbers(spec);
  const unit = row(levelScale(spec, level));
  const bent = tanh(add(level === 0 ? z : div(z, unit), row(shift)));
  const isSymmetric = variant === 'symmetric';
  const bounded = sub(mul(bent, row(half)), row(offset));
  // Half a level off, so that the values of the symmetric variant, which lie between whole numbers where L is even, are whole.
  const whole = isSymmetric ? sub(floor(add(bounded, add(row(half), 0.5))), row(half)) : round(bounded);
  const digits = cast(add(whole, row(isSymmetric ? half : origin)), 'int32');
  const indices = sum(mul(digits, constant(z, 'int32', [1, levels.length], basis)), [1]);
  const scaled = (x: Tensor): Tensor => {
    const value = div(x, row(scale));
    return level === 0 ? value : mul(value, unit);
  };
  return { indices: reshape(indices, [z.shape[0]!]), values: scaled(whole), bounded: scaled(bounded) };
}
