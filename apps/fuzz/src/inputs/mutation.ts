import type { Random } from '@ddcl/core';

/** Makes another file of a file. @param others files of the same kind, to take pieces of */
export type Mutation = (bytes: Uint8Array, random: Random, others: readonly Uint8Array[]) => Uint8Array;

/** One of a list, which has at least one. */
export const oneOf = <Item>(items: readonly Item[], random: Random): Item => items[random.integer(items.length)]!;

/** True once in so many times. */
export const oneIn = (times: number, random: Random): boolean => random.integer(times) === 0;

/** How long a piece that is repeated becomes: short as a rule, now and then so long that what is not linear is felt. */
export function longLength(random: Random): number {
  if (oneIn(4000, random)) return 50_000 + random.integer(250_000);
  return oneIn(40, random) ? 500 + random.integer(5000) : 1 + random.integer(40);
}
