import { DdclError } from '@ddcl/core';
import { requireObject, requireWhole } from '../checks/require.ts';

/** Which part of a corpus a shard is. */
export interface ShardPart {
  /** From 1 on. */
  readonly number: number;
  /** How many there are. */
  readonly of: number;
}

/** @throws DdclError `argument` for what is no part */
export function requirePart(part: ShardPart): void {
  requireObject('part', part, 'an object { number, of }');
  requireWhole('part.of', part.of, 1);
  requireWhole('part.number', part.number, 1);
  if (part.number > part.of)
    throw new DdclError(
      'argument',
      `There is no part ${part.number} of ${part.of}. Give a number from 1 to ${part.of}.`,
    );
}

/** @throws DdclError `data` for parts that are missing or come twice, or are not of one division, naming them */
export function requireAllParts(parts: readonly (ShardPart | undefined)[]): void {
  const [first] = parts;
  const seen = new Map<number, number>();
  for (const [index, part] of parts.entries()) {
    if (part?.of !== first?.of) {
      const say = (own: ShardPart | undefined): string =>
        own === undefined ? 'has no number' : `is part ${own.number} of ${own.of}`;
      throw new DdclError(
        'data',
        `Shard 1 ${say(first)}, but shard ${index + 1} ${say(part)}. Give all parts of one division.`,
      );
    }
    if (part === undefined) continue;
    const before = seen.get(part.number);
    if (before !== undefined)
      throw new DdclError(
        'data',
        `Shards ${before + 1} and ${index + 1} are both part ${part.number} of ${part.of}. Give each part once.`,
      );
    seen.set(part.number, index);
  }
  if (first === undefined || seen.size === first.of) return;
  // The division is what a file says: only the first few that are missing are looked for.
  const count = first.of - seen.size;
  const missing: number[] = [];
  for (let number = 1; missing.length < Math.min(count, 10); number++) if (!seen.has(number)) missing.push(number);
  const named = missing.join(', ') + (count > 10 ? `, and ${count - 10} more` : '');
  throw new DdclError(
    'data',
    `Of ${first.of} parts ${count === 1 ? 'one is' : `${count} are`} missing: ${named}. Give all parts.`,
  );
}
