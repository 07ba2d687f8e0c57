import { DdclError } from '@ddcl/core';
import { abbreviationsWith, isSentenceEnd } from './sentence-ends.ts';
import { requireText, spansFrom, wholeCut, type Span } from './span.ts';

export interface SentenceOptions {
  /** BCP 47, such as `en` or `ja`. Default `en`; the rules hardly differ between languages. */
  readonly locale?: string;
  /** Abbreviations after which a sentence goes on, without their last full stop, beside those that are known: `['Abb', 'approx']`. */
  readonly abbreviations?: Iterable<string>;
}

/** `Intl.Segmenter` takes time that grows with the square of its text (11 s for 265,000 characters in Node 20), so it gets this much of one. */
const firstWindow = 2048;
/** A sentence that is longer is cut here. */
const longestWindow = 16_384;
const paragraphEnd = /\n[^\S\n]*\n\s*/g;

/**
 * The sentences of a text, by `Intl.Segmenter` (Unicode Standard Annex 29), repaired where it ends a sentence too soon: after `Dr.` or an initial, before
 * a lower-case letter, after the number of a list, and at the line breaks of text that is wrapped by hand. An empty line always ends one. Time grows linearly with the text.
 *
 * Pieces lie side by side and cover the text; white space belongs to the sentence before it. An empty text has none. The rules are those of the
 * platform's ICU data: Node and browsers, and versions of them, may differ at places that Unicode leaves open (Firefox has a segmenter from version 125); pieces that have to stay the same are to be stored.
 *
 * @throws DdclError `argument` for what is no text or no locale; `unsupported` where there is no `Intl.Segmenter`
 */
export function sentences(text: string, { locale = 'en', abbreviations = [] }: SentenceOptions = {}): Span[] {
  requireText(text);
  const segmenter = createSegmenter(locale, 'sentence');
  const known = abbreviationsWith(abbreviations);
  const starts: number[] = [];
  let paragraph = 0;
  const lead = text.length - text.trimStart().length;
  for (const { index, 0: gap } of text.matchAll(paragraphEnd)) if (index >= lead) addStarts(index + gap.length);
  addStarts(text.length);
  return spansFrom(starts, text.length);

  /** Starts of the sentences of the paragraph that ends at `end`. */
  function addStarts(end: number): void {
    let from = paragraph;
    let first = skipSpace(from);
    starts.push(paragraph);
    for (const at of boundaries(segmenter, text, paragraph, end)) {
      if (!isSentenceEnd(text, from, first, at, text.slice(at, Math.min(end, at + 40)), known)) continue;
      starts.push(at);
      from = at;
      first = skipSpace(at);
    }
    paragraph = end;
  }

  function skipSpace(from: number): number {
    let at = from;
    while (at < text.length && /\s/.test(text[at]!)) at++;
    return at;
  }
}

/** @throws DdclError `unsupported` where the platform has none; `argument` for another locale */
export function createSegmenter(locale: string, granularity: 'sentence' | 'word'): Intl.Segmenter {
  if (typeof Intl.Segmenter !== 'function')
    throw new DdclError(
      'unsupported',
      'This platform has no Intl.Segmenter. Use Node 20 or later, or a browser of 2024 or later (Firefox 125).',
    );
  try {
    return new Intl.Segmenter(locale, { granularity });
  } catch (cause) {
    throw new DdclError(
      'argument',
      `The locale must be a language tag such as 'en' or 'pt-BR', but is ${JSON.stringify(locale)}.`,
      { cause },
    );
  }
}

/** Where the segmenter ends a sentence within a paragraph: window by window, each from the start of the last sentence of the one before. */
function* boundaries(segmenter: Intl.Segmenter, text: string, start: number, end: number): Generator<number> {
  let from = start;
  let size = firstWindow;
  while (from < end) {
    const to = wholeCut(text, Math.min(end, from + size));
    const found = Array.from(segmenter.segment(text.slice(from, to)), ({ index }) => from + index).slice(1);
    if (to === end) {
      yield* found;
      return;
    }
    // What the window cut off may belong to its last sentence.
    const last = found.at(-1);
    if (last === undefined && size < longestWindow) {
      size *= 2;
      continue;
    }
    yield* last === undefined ? [to] : found;
    from = last ?? to;
    size = firstWindow;
  }
}
