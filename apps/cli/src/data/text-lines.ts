import { dataError, formatError } from './data-error.ts';
import { countLineEnds } from './line-ends.ts';
import { textChunks, type TextOptions } from './text-chunks.ts';

/** Longest line read, in characters. */
const longestLine = 1 << 26;

export interface Lines {
  /** Number of the first line, counted from 1. */
  readonly first: number;
  readonly texts: readonly string[];
}

/**
 * The lines of a text file in batches. Empty lines at the end are left out.
 *
 * @param emptyLines an empty line is a line like others; what follows the last line end, if it is nothing, is none
 * @throws DdclError as {@link textChunks}; `data` for an empty line between others
 */
export async function* textLines(
  file: string,
  { emptyLines = false, ...options }: TextOptions & { readonly emptyLines?: boolean },
): AsyncGenerator<Lines> {
  let rest = '';
  let number = 1;
  let empty: number | undefined;

  const take = (texts: readonly string[]): Lines | undefined => {
    const first = number;
    number += texts.length;
    if (emptyLines) return { first, texts };
    let kept = texts.length;
    while (kept > 0 && texts[kept - 1]!.trim() === '') kept -= 1;
    const blank = texts.findIndex((text, index) => index < kept && text.trim() === '');
    if (kept > 0 && empty === undefined && blank >= 0) empty = first + blank;
    if (kept > 0 && empty !== undefined)
      throw dataError(file, `line ${empty} is empty, but lines follow it. Remove the empty line.`);
    if (kept < texts.length) empty ??= first + kept;
    return kept === 0 ? undefined : { first, texts: kept === texts.length ? texts : texts.slice(0, kept) };
  };

  for await (const chunk of textChunks(file, options)) {
    const end = chunk.lastIndexOf('\n');
    if (end < 0) {
      rest += chunk;
      if (rest.length > longestLine)
        throw formatError(file, `line ${number} is longer than ${longestLine} characters. Write one row a line.`);
      continue;
    }
    // Millions of empty lines are counted, not kept.
    if (!emptyLines && rest === '' && chunk.trim() === '') {
      empty ??= number;
      number += countLineEnds(chunk);
      rest = chunk.slice(end + 1);
      continue;
    }
    const texts = (rest + chunk.slice(0, end)).split('\n');
    rest = chunk.slice(end + 1);
    const lines = take(texts);
    if (lines !== undefined) yield lines;
  }
  const lines = rest === '' ? undefined : take([rest]);
  if (lines !== undefined) yield lines;
}
