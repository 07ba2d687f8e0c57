import { createRequire } from 'node:module';
import { entryAt } from '../output/entry-at.ts';
import { usageError } from '../output/usage-error.ts';
import { readRegular } from '../output/read-file.ts';

/** Lists of `stopwords-iso`, by language. */
const readLists = (): Readonly<Record<string, readonly string[]>> =>
  createRequire(import.meta.url)('stopwords-iso') as Record<string, string[]>;

/**
 * The words of `--stop-words`: a language such as `en` or several (`en,de`), a file with a word a line, or `none`.
 *
 * @throws DdclError `argument` for a language that there is no list of
 */
export async function stopWords(choice: string): Promise<readonly string[]> {
  if (choice === 'none') return [];
  if ((await entryAt(choice))?.isFile() === true)
    return (await readRegular(choice))
      .toString('utf8')
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((word) => word !== '');
  const lists = readLists();
  return choice.split(',').flatMap((language) => {
    const list = lists[language];
    if (list !== undefined) return list;
    throw usageError(
      `There is no list of stop words '${language}' and no such file. --stop-words takes none, a file with a word a line, or languages: ${Object.keys(lists).sort().join(' ')}.`,
    );
  });
}
