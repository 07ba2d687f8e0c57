import { DdclError } from '@ddcl/core';

/** A piece of a text: `text.slice(start, end)`, in UTF-16 code units, `start < end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** @throws DdclError `argument` for what is no text */
export function requireText(text: unknown): asserts text is string {
  if (typeof text !== 'string')
    throw new DdclError(
      'argument',
      `A text to segment must be a string, but is ${text === null ? 'null' : typeof text}.`,
    );
}

/** Turns the places where pieces begin into pieces that lie side by side and cover the text; 0 always is one. */
export function spansFrom(starts: Iterable<number>, length: number): Span[] {
  const sorted = [...new Set([0, ...starts])].filter((start) => start < length).sort((a, b) => a - b);
  return sorted.map((start, index) => ({ start, end: sorted[index + 1] ?? length }));
}

/** `at`, or the place before it where `at` would cut a surrogate pair in two. */
export function wholeCut(text: string, at: number): number {
  const isPair = /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(Math.max(0, at - 1), at + 1));
  return isPair ? at - 1 : at;
}
