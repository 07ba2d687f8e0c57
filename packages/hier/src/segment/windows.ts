import { DdclError } from '@ddcl/core';
import { requireText, type Span } from './span.ts';

export interface WindowOptions {
  /** Items of a window (tokens, words), >= 1; the last one may have fewer. */
  readonly window: number;
  /** Items that a window shares with the one before, 0..window - 1. Default 0. */
  readonly overlap?: number;
}

/**
 * Windows over `length` items, such as the tokens of a document: each of `window` items, `overlap` of which it shares with the one before. The last ends with
 * the items, and none lies within another. Without items there are none.
 *
 * @throws DdclError `argument` for sizes out of range
 */
export function windowSpans(length: number, { window, overlap = 0 }: WindowOptions): Span[] {
  for (const [name, value, least, most] of [
    ['length', length, 0, Infinity],
    ['window', window, 1, Infinity],
    ['overlap', overlap, 0, window - 1],
  ] as const) {
    if (Number.isSafeInteger(value) && value >= least && value <= most) continue;
    const range = most === Infinity ? `>= ${least}` : `from ${least} to window - 1 = ${most}`;
    throw new DdclError('argument', `${name} must be a whole number ${range}, but is ${value}.`);
  }
  const spans: Span[] = [];
  for (let start = 0; start < length; start += window - overlap) {
    const end = Math.min(length, start + window);
    spans.push({ start, end });
    if (end === length) break;
  }
  return spans;
}

/**
 * {@link windowSpans} over the words of a text, as what stands between white space; their union covers the text. Where `overlap` is 0 they lie side by side.
 *
 * @throws DdclError `argument` for sizes out of range, or what is no text
 */
export function windows(text: string, options: WindowOptions): Span[] {
  requireText(text);
  // A word with the white space after it, and before the first one.
  const starts = Array.from(text.matchAll(/\S+/g), ({ index }) => index);
  if (starts.length > 0) starts[0] = 0;
  else if (text.length > 0) starts.push(0);
  return windowSpans(starts.length, options).map(({ start, end }) => ({
    start: starts[start]!,
    end: starts[end] ?? text.length,
  }));
}
