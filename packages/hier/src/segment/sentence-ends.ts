/** After these and a full stop a sentence goes on, with a name or a number. Those that also end sentences (`etc.`, `Inc.`, `p.m.`) are left to the next letter's case. */
const known = new Set(
  (
    'dr mr mrs ms messrs mx prof st mt ft sr sra dra gen col capt cpt lt sgt maj adm rev hon gov sen rep pres supt ' +
    'fig figs eq eqs no nos vol vols ch sec art pp ed eds cf vs approx ca e.g i.e viz al ' +
    'jan feb mar apr jun jul aug sep sept oct nov dec ' +
    'bzw bspw z.b d.h u.a nr hr fr abs mme mlle ing'
  ).split(' '),
);

const terminator = /[.!?\u2026\u3002\uff01\uff1f\u0964\u061f:;][\p{Pe}\p{Pf}\p{Pi}"'*_]*$/u;
/** The number or letter of an item, which is no sentence. */
const onlyMarker = /^[([]?(?:\d{1,3}|\p{L})[.)]$/u;
const startsBlock = /^\s*(?:[-*+\u2022>#|]|\d{1,3}[.)]\s|[A-Z][\w-]*:\s)/;
/** A line shorter than this was not wrapped: a heading, a verse, an item. */
const leastWrapped = 40;

/**
 * Whether a sentence ends here, where the segmenter says so.
 *
 * @param before from the start of the sentence
 * @param after the beginning of what follows
 * @param more abbreviations in lower case
 */
export function isSentenceEnd(before: string, after: string, more: ReadonlySet<string>): boolean {
  const sentence = before.trimEnd();
  // White space alone belongs to the sentence before it.
  if (sentence === '' || after.trim() === '') return false;
  const gap = before.slice(sentence.length);
  const isLine = gap.includes('\n');
  if (isLine && startsBlock.test(after)) return true;
  if (onlyMarker.test(sentence.trimStart())) return false;
  if (/^\s*[\p{Pi}\p{Ps}"']*\p{Ll}/u.test(after)) return isLine && !isWrapped(sentence);
  if (isLine && !terminator.test(sentence)) return !isWrapped(sentence);
  const word = /(?:^|[^\p{L}\p{N}.])((?:\p{L}\.)*\p{L}+)\.$/u.exec(sentence)?.[1];
  if (word === undefined) return true;
  if (/^\p{Lu}$/u.test(word)) return false;
  const lower = word.toLowerCase();
  return !known.has(lower) && !more.has(lower);
}

const isWrapped = (sentence: string): boolean => sentence.length - (sentence.lastIndexOf('\n') + 1) >= leastWrapped;
