import { add, div, less, maximum, mul, reshape, select, sub, type Tensor } from '@ddcl/core';
import type { ResolvedSpec } from '../spec/resolve.ts';
import type { QuantizerTensor } from './quantizer.ts';

/** A code whose running share is below it stays where it is: smoothing would draw it to the origin. */
const leastMass = 1e-9;

type Own = Readonly<Record<string, Tensor>>;
interface Used {
  readonly mass: Tensor;
  readonly steps: Tensor;
}

const towards = (before: Tensor, now: Tensor, decay: number): Tensor => add(mul(before, decay), mul(now, 1 - decay));

/** What all codebooks keep: the running share of token weight of each code. */
export const massTensor = ({ codes }: ResolvedSpec): QuantizerTensor => ({
  what: 'mass',
  of: 'book',
  shape: [codes],
  role: 'carried',
});

/**
 * Of codes that are running averages: `codes` themselves, their `mass`, and `rest`, by which the average is off its code: what float32 had no digits for (a step
 * of a code far from 0 may be smaller than its last digit), and for `cosine` what lies off the sphere.
 */
export function averagedTensors(spec: ResolvedSpec): QuantizerTensor[] {
  const shape = [spec.codes, spec.codeDimension];
  return [
    { what: 'codes', of: 'book', shape, role: 'carried' },
    massTensor(spec),
    { what: 'rest', of: 'book', shape, role: 'carried' },
  ];
}

/** `N <- d N + (1 - d) n` alone, for codes that gradients move. */
export const averageMass = ({ mass }: Own, used: Used, { decay }: ResolvedSpec): Own => ({
  mass: towards(mass!, used.mass, decay),
});

/**
 * `N <- d N + (1 - d) n`, `S <- d S + (1 - d) s`, `P = S / N`, with shares in place of counts. A code that nothing chooses stays where it is.
 *
 * With S = N (P + rest), and sums s' of tokens less their codes in place of s, that is `P + (d N rest + (1 - d) s') / N`: no number is much larger
 * than the distances of tokens to their codes, wherever these lie.
 *
 * @param onto what a code must be, such as of length 1
 */
export function averageCodes(
  { codes, mass, rest }: Own,
  used: Used,
  { decay, frozen }: ResolvedSpec,
  onto: (codes: Tensor) => Tensor = (average) => average,
): Own {
  const nextMass = towards(mass!, used.mass, decay);
  if (frozen) return { codes: codes!, mass: nextMass, rest: rest! };
  const column = (of: Tensor): Tensor => reshape(of, [of.shape[0]!, 1]);
  const isKept = less(column(nextMass), leastMass);
  const steps = add(mul(mul(rest!, column(mass!)), decay), mul(used.steps, 1 - decay));
  const step = div(steps, maximum(column(nextMass), leastMass));
  const moved = onto(add(codes!, step));
  return {
    codes: select(isKept, codes!, moved),
    mass: nextMass,
    rest: select(isKept, rest!, sub(step, sub(moved, codes!))),
  };
}
