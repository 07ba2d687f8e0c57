import { outerTensors } from './outer-tensors.ts';
import { quantizers } from '../quantizers/quantizers.ts';
import { books, places, tensorName } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';

/** A tensor of a state. */
export interface StateTensor {
  readonly name: string;
  readonly what: string;
  readonly shape: readonly number[];
  readonly role: 'trained' | 'carried' | 'fixed';
}

/** All tensors of a quantizer's state, in order. */
export function stateTensors(spec: ResolvedSpec): StateTensor[] {
  const own = quantizers[spec.kind].tensors(spec);
  const of = (where: 'book' | 'place') =>
    (where === 'book' ? books(spec) : places(spec)).flatMap((place) =>
      own
        .filter(({ of: kind }) => kind === where)
        .map(({ what, shape, role }) => ({ name: tensorName(what, place), what, shape, role })),
    );
  return [...outerTensors(spec).map((each) => ({ ...each, what: each.name })), ...of('book'), ...of('place')];
}
