/** After these and a full stop a sentence goes on, with a name or a number. Those that also end sentences (`etc.`, `Inc.`, `p.m.`) are left to the next letter's case. */
const known = new Set(
  (
    'dr mr mrs ms messrs mx prof st mt ft sr sra dra gen col capt cpt lt sgt maj adm rev hon gov sen rep pres supt ' +
    'fig figs eq eqs no nos vol vols ch sec art pp ed eds cf vs approx ca e.g i.e viz al ' +
    'jan feb mar apr jun jul aug sep sept oct nov dec ' +
    'bzw bspw z.b d.h u.a nr hr fr abs mme mlle ing'
  ).split(' '),
);

const ends = /[.!?\u2026\u3002\uff01\uff1f\u0964\u061f:;]/;
const closer = /[\p{Pe}\p{Pf}\p{Pi}"'*_]/u;
/** The number or letter of an item, which is no sentence. */
const onlyMarker = /^[([]?(?:\d{1,3}|\p{L})[.)]$/u;
/** Code units of the longest of them. */
const longestMarker = 5;
const startsBlock = /^\s*(?:[-*+\u2022>#|]|\d{1,3}[.)]\s|[A-Z][\w-]*:\s)/;
/** A line shorter than this was not wrapped: a heading, a verse, an item. */
const leastWrapped = 40;

/** Abbreviations after which a sentence goes on. */
export interface Abbreviations {
  has(word: string): boolean;
  /** Code units of the longest. */
  readonly longest: number;
}

/** Those that are known, and more in any case. */
export function abbreviationsWith(more: Iterable<string>): Abbreviations {
  const words = new Set([...known, ...Array.from(more, (word) => word.toLowerCase())]);
  let longest = 0;
  for (const word of words) longest = Math.max(longest, word.length);
  return { has: (word) => words.has(word), longest };
}

/**
 * Whether a sentence ends at `at`, where the segmenter says so. It looks at the last characters only: a sentence whose ends are refused one after the other takes time that grows with its length.
 *
 * @param from where the sentence begins
 * @param first the first character of the sentence that is no white space
 * @param after the beginning of what follows
 */
export function isSentenceEnd(
  text: string,
  from: number,
  first: number,
  at: number,
  after: string,
  abbreviations: Abbreviations,
): boolean {
  // White space alone belongs to the sentence before it.
  if (after.trim() === '') return false;
  let end = at;
  while (end > first && /\s/.test(text[end - 1]!)) end--;
  if (end <= first) return false;
  const isLine = text.slice(end, at).includes('\n');
  if (isLine && startsBlock.test(after)) return true;
  if (end - first <= longestMarker && onlyMarker.test(text.slice(first, end))) return false;
  if (/^\s*[\p{Pi}\p{Ps}"']*\p{Ll}/u.test(after)) return isLine && !isWrapped(text, from, end);
  if (isLine && !isTerminated(text, first, end)) return !isWrapped(text, from, end);
  // With one more character than what is before it and a full stop, a word that is cut off is too long to be known.
  const tail = text.slice(Math.max(first, end - abbreviations.longest - 3), end);
  const word = /(?:^|[^\p{L}\p{N}.])((?:\p{L}\.)*\p{L}+)\.$/u.exec(tail)?.[1];
  if (word === undefined) return true;
  return !/^\p{Lu}$/u.test(word) && !abbreviations.has(word.toLowerCase());
}

function isTerminated(text: string, first: number, end: number): boolean {
  let last = end - 1;
  while (last > first && closer.test(text[last]!)) last--;
  return ends.test(text[last]!);
}

const isWrapped = (text: string, from: number, end: number): boolean =>
  end - from >= leastWrapped && !text.slice(end - leastWrapped, end).includes('\n');
