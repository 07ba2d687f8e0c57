import { add, div, less, maximum, mul, reshape, select, type Tensor } from '@ddcl/core';
import type { ResolvedSpec } from '../spec/resolve.ts';
import type { QuantizerTensor } from './quantizer.ts';

/** A code whose running share is below it stays where it is: smoothing would draw it to the origin. */
const leastMass = 1e-9;

type Own = Readonly<Record<string, Tensor>>;
interface Used {
  readonly mass: Tensor;
  readonly sums: Tensor;
}

const towards = (before: Tensor, now: Tensor, decay: number): Tensor => add(mul(before, decay), mul(now, 1 - decay));

/** What all codebooks keep: the running share of token weight of each code. */
export const massTensor = ({ codes }: ResolvedSpec): QuantizerTensor => ({
  what: 'mass',
  of: 'book',
  shape: [codes],
  role: 'carried',
});

/** Of codes that are running averages: `codes` themselves, their `mass` and the `sums` of their tokens. */
export function averagedTensors(spec: ResolvedSpec): QuantizerTensor[] {
  const shape = [spec.codes, spec.codeDimension];
  return [
    { what: 'codes', of: 'book', shape, role: 'carried' },
    massTensor(spec),
    { what: 'sums', of: 'book', shape, role: 'carried' },
  ];
}

/** `N <- d N + (1 - d) n` alone, for codes that gradients move. */
export const averageMass = ({ mass }: Own, used: Used, { decay }: ResolvedSpec): Own => ({
  mass: towards(mass!, used.mass, decay),
});

/**
 * `N <- d N + (1 - d) n`, `S <- d S + (1 - d) s`, `P = S / N`, with shares in place of counts. A code that nothing chooses stays where it is.
 */
export function averageCodes({ codes, mass, sums }: Own, used: Used, { decay, frozen }: ResolvedSpec): Own {
  const nextMass = towards(mass!, used.mass, decay);
  const nextSums = towards(sums!, used.sums, decay);
  if (frozen) return { codes: codes!, mass: nextMass, sums: sums! };
  const column = reshape(nextMass, [nextMass.shape[0]!, 1]);
  const averages = div(nextSums, maximum(column, leastMass));
  return { codes: select(less(column, leastMass), codes!, averages), mass: nextMass, sums: nextSums };
}
