import type { PageRow } from '../src/page/page-data.ts';

const fold = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
const isWordPart = /[\p{L}\p{N}]/u;

/** Finds the documents with a word that begins with each word of the query; accents and case do not matter. */
export function createSearch(rows: readonly PageRow[]): (query: string) => (index: number) => boolean {
  const folded: string[] = [];
  const foldTo = (end: number): void => {
    for (let index = folded.length; index < end; index++) folded.push(fold(`${rows[index]![0]}\n${rows[index]![5]}`));
  };
  // Ahead of the first query, a little at a time, so that it does not wait.
  const foldOn = (): void => {
    foldTo(Math.min(rows.length, folded.length + 500));
    if (folded.length < rows.length) setTimeout(foldOn);
  };
  setTimeout(foldOn);
  return (query) => {
    const words = fold(query)
      .split(/\s+/)
      .filter((word) => word !== '');
    if (words.length === 0) return () => true;
    foldTo(rows.length);
    return (index) => words.every((word) => beginsWord(folded[index]!, word));
  };
}

function beginsWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1))
    if (at === 0 || !isWordPart.test(text[at - 1]!) || !isWordPart.test(word[0]!)) return true;
  return false;
}

/** A text cut at what the query finds in it: what stands at odd places is to be marked. */
export function marked(text: string, query: string): string[] {
  const words = query
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  if (words.length === 0) return [text];
  return text.split(new RegExp(`((?<![\\p{L}\\p{N}])(?:${words.join('|')}))`, 'giu'));
}
