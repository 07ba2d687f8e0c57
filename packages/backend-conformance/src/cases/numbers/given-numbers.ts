import type { DType } from '@ddcl/core/backend';
import { randomNumbers } from '../data.ts';
import type { Variant } from '../variants.ts';

export const floats: readonly DType[] = ['float32', 'float64'];

/** A variant of given elements, one operand per list; n is the length of the first. */
export function given(
  dtypes: readonly DType[],
  name: string,
  body: Variant['body'],
  ...lists: readonly (readonly number[])[]
): Variant {
  return {
    name,
    dtypes,
    sizes: [lists[0]!.length],
    operands: (n, f) => lists.map(() => f(n)),
    body,
    given: () => Object.fromEntries(lists.map((list, index) => [index, list])),
  };
}

/** Values around 1e4 whose differences matter. */
export const shifted =
  (scale: number, offset: number): Variant['given'] =>
  (n, dtype) => {
    const random = randomNumbers(n + 17);
    const seen = (x: number): number => (dtype === 'float32' ? Math.fround(x) : x);
    return { 0: Array.from({ length: 4 * n }, () => seen(offset + scale * (random() - 0.5))) };
  };

/** A variant of four rows of such values. */
export function rowsOf(body: Variant['body'], name: string, scale: number, offset: number): Variant {
  const of = shifted(scale, offset);
  return {
    name,
    dtypes: floats,
    sizes: [5, 65],
    operands: (n, f) => [f(4, n)],
    body,
    given: (n, dtype) => of!(n, dtype),
  };
}
