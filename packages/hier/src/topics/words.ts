import { DdclError } from '@ddcl/core';
import { requireWhole } from '../checks/require.ts';
import { createSegmenter } from '../segment/sentences.ts';
import { wholeCut } from '../segment/span.ts';

export interface WordOptions {
  /** Words to leave out, in any case: a library's list, such as `eng` of `stopword`. Default none. */
  readonly stopWords?: Iterable<string>;
  /** Fewest letters of a word; 2 are enough in Chinese, Japanese and Korean. Default 3. */
  readonly minLength?: number;
  /** Numbers are words too. Default false. */
  readonly numbers?: boolean;
  /** BCP 47; for scripts without spaces and lower case. Default `en`. */
  readonly locale?: string;
  /** Splits a text in another way, for example into stems or phrases; then the options above do not apply, but for stop words. */
  readonly split?: (text: string) => Iterable<string>;
}

/** Splits texts into words, in order, in lower case and Unicode's composed form (NFC); each as often as it occurs. */
export type WordSplitter = (text: string) => string[];

/** What a dictionary has to cut, since no space does. */
const dense =
  '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}';
const denseRun = new RegExp(`[${dense}][${dense}\\p{M}\u30fc]*`, 'gu');
const isDense = new RegExp(`[${dense}]`, 'u');
const isShort = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
const wordLike = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*(?:['\u2019][\p{L}\p{N}][\p{L}\p{N}\p{M}]*)*/gu;
/** The segmenter's time grows with the square of its text. */
const longestRun = 500;
/** Words whose letters were looked at. */
const mostSeen = 100_000;

/**
 * A splitter of texts into words: letters and digits of any script. `don't` is left out where a stop word, else cut at the apostrophe. Scripts without
 * spaces are cut by `Intl.Segmenter`, piece by piece, so that time grows linearly with the text.
 *
 * @throws DdclError `argument` for options out of range
 */
export function wordSplitter(options: WordOptions = {}): WordSplitter {
  const { stopWords = [], minLength = 3, numbers = false, locale = 'en', split } = options;
  requireWhole('minLength', minLength, 1);
  if (typeof stopWords === 'string')
    throw new DdclError(
      'argument',
      `stopWords must be a list of words, but is the text '${stopWords}'. Give ['${stopWords}'], or a library's list.`,
    );
  const stop = new Set(Array.from(stopWords, (word) => word.toLowerCase().normalize('NFC').replaceAll('\u2019', "'")));
  if (split !== undefined)
    return (text) =>
      Array.from(split(text), (word) => word.normalize('NFC')).filter(
        (word) => word !== '' && !stop.has(word.toLowerCase()),
      );
  let segmenter: Intl.Segmenter | undefined;
  const keeps = (word: string): boolean =>
    !stop.has(word) &&
    [...word].length >= (isShort.test(word) ? Math.min(2, minLength) : minLength) &&
    (numbers || /\p{L}/u.test(word));
  // Most words have been seen before, and to look at their letters takes longest. None that a dictionary cuts: how it does depends on what stands around them.
  const seen = new Map<string, boolean>();
  const isKept = (word: string): boolean => {
    const known = seen.get(word);
    if (known !== undefined) return known;
    if (seen.size === mostSeen) seen.clear();
    const kept = keeps(word);
    seen.set(word, kept);
    return kept;
  };
  return (text) => {
    const found: string[] = [];
    const add = (word: string): void => void (isKept(word) && found.push(word));
    for (const [whole] of text.toLocaleLowerCase(locale).normalize('NFC').matchAll(wordLike)) {
      if (seen.has(whole)) {
        add(whole);
        continue;
      }
      const plain = whole.replaceAll('\u2019', "'");
      if (stop.has(plain)) continue;
      for (const part of plain.split("'")) {
        if (!isDense.test(part)) {
          add(part);
          continue;
        }
        segmenter ??= createSegmenter(locale, 'word');
        for (const piece of denseParts(part, segmenter)) if (keeps(piece)) found.push(piece);
      }
    }
    return found;
  };
}

/** The words of a run of letters that is dense in places. */
function* denseParts(text: string, segmenter: Intl.Segmenter): Generator<string> {
  let end = 0;
  for (const { index, 0: run } of text.matchAll(denseRun)) {
    if (index > end) yield text.slice(end, index);
    for (let start = 0, stop = 0; start < run.length; start = stop) {
      stop = wholeCut(run, Math.min(run.length, start + longestRun));
      for (const { segment, isWordLike } of segmenter.segment(run.slice(start, stop)))
        if (isWordLike === true) yield segment;
    }
    end = index + run.length;
  }
  if (end < text.length) yield text.slice(end);
}
