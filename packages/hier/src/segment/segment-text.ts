import { DdclError } from '@ddcl/core';
import { headings } from './headings.ts';
import { sentences, type SentenceOptions } from './sentences.ts';
import { requireText, type Span } from './span.ts';
import { windows, type WindowOptions } from './windows.ts';

/** How a text is cut: at sentences, at Markdown headings, in windows of words, or not at all. */
export type Segmentation = 'sentences' | 'headings' | 'document' | WindowOptions;

/**
 * The pieces of a text, in order; together they cover it. A text without anything but white space has none.
 *
 * @throws DdclError `argument` for another way of cutting or what is no text; as {@link sentences} and {@link windows}
 */
export function segmentText(text: string, how: Segmentation, options: SentenceOptions = {}): readonly Span[] {
  requireText(text);
  if (text.trim() === '') return [];
  if (how === 'document') return [{ start: 0, end: text.length }];
  if (how === 'sentences') return sentences(text, options);
  if (how === 'headings') return headings(text).map(({ start, end }) => ({ start, end }));
  if (typeof how === 'object' && how !== null) return windows(text, how);
  throw new DdclError(
    'argument',
    `A text is cut by 'sentences', 'headings', 'document' or windows such as { window: 128, overlap: 32 }, but ${JSON.stringify(how)} came.`,
  );
}
