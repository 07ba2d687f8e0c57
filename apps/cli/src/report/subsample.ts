import { createRandom } from '@ddcl/core';
import { apportion } from './apportion.ts';

/**
 * Positions of at most `limit` items, ascending, with the shares of the groups kept and no group lost (as long as there
 * are at most `limit` groups). Seeded, so that the same report is the same bytes.
 */
export function subsample(groups: ArrayLike<string | number>, limit: number): readonly number[] {
  if (groups.length <= limit) return Array.from(groups, (_, index) => index);
  const members = new Map<string | number, number[]>();
  for (let index = 0; index < groups.length; index += 1) {
    const group = groups[index] as string | number;
    const list = members.get(group);
    if (list === undefined) members.set(group, [index]);
    else list.push(index);
  }
  const lists = [...members.values()];
  // One of each group first, then the rest by size.
  const kept = Math.min(1, Math.floor(limit / lists.length));
  const counts = apportion(
    limit - kept * lists.length,
    lists.map((list) => list.length - kept),
  );
  const random = createRandom(0);
  return lists
    .flatMap((list, index) => random.shuffle(list).slice(0, (counts[index] as number) + kept))
    .sort((a, b) => a - b);
}
