import { inspect, isDeepStrictEqual } from 'node:util';
import type { Mutation } from '../inputs/mutation.ts';

/** Something that reads files of strangers. */
export interface Reader {
  readonly name: string;
  /** Files that are right. */
  seeds(): readonly Uint8Array[];
  /** Changes that know the format, beside those of bytes. */
  readonly mutations: readonly Mutation[];
  /** Makes a changed file whole again, such as by its checksum; done to every second one. */
  readonly finish?: (bytes: Uint8Array) => Uint8Array;
  /**
   * Reads as commands do, all of it, and then looks whether what was read is what the file says.
   *
   * @throws DdclError where the file is refused; {@link ReadsDifferently}; anything else is a finding too
   */
  read(bytes: Uint8Array): unknown;
}

/** A file was taken, but what was read is not what it says. */
export class ReadsDifferently extends Error {
  override readonly name = 'ReadsDifferently';
}

/** @throws ReadsDifferently unless both are the same, typed arrays, NaN and -0 included */
export function requireEqual(what: string, one: unknown, other: unknown): void {
  if (isDeepStrictEqual(one, other)) return;
  const [first, second] = [one, other].map((value) =>
    inspect(value, { depth: 6, breakLength: Infinity }).slice(0, 400),
  );
  throw new ReadsDifferently(`${what}: ${first} is not ${second}`);
}
