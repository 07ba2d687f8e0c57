import { guidedStarts, type LevelStart } from '@ddcl/hier';
import { InvalidArgumentError, type Command } from 'commander';
import { dataError } from '../data/data-error.ts';
import { entryAt } from '../output/entry-at.ts';
import { usageError } from '../output/usage-error.ts';
import type { OpenedText } from '../text/open-text.ts';
import { readRegular } from '../output/read-file.ts';

/** Options of `ddcl hier fit` for topics that are looked for. */
export interface SeedWordOptions {
  readonly seedWords?: readonly string[];
  readonly seedText?: readonly string[];
}

export function addSeedWordOptions(command: Command): Command {
  return command
    .option(
      '--seed-words <words>',
      'a topic to look for, by words such as guns,weapons (may be repeated), or a file with a topic a line; they become topics 0, 1, ...',
      (text: string, before: readonly string[] = []) => {
        if (text.trim() === '') throw new InvalidArgumentError('Expected words separated by commas, or a file.');
        return [...before, text];
      },
    )
    .option(
      '--seed-text <data...>',
      'for --seed-words: the texts of the same documents in the same order, where the corpus is token shards or vectors',
    );
}

/**
 * The words of each topic that is looked for.
 *
 * @throws DdclError `argument` for a file without words
 */
export async function seedTopics(given: readonly string[]): Promise<readonly (readonly string[])[]> {
  const lists = given.map(async (text) => {
    const isFile = (await entryAt(text))?.isFile() === true;
    const lines = isFile ? (await readRegular(text)).toString('utf8').split(/\r?\n/) : [text];
    const topics = lines
      .map((line) =>
        line
          .split(isFile ? /[\s,]+/ : ',')
          .map((word) => word.trim())
          .filter((word) => word !== ''),
      )
      .filter((words) => words.length > 0);
    if (topics.length === 0)
      throw usageError(
        `--seed-words ${text} has no words. Give words separated by commas, or a file with a topic a line.`,
      );
    return topics;
  });
  return (await Promise.all(lists)).flat();
}

/**
 * Starts of the last level: topics that are looked for, then documents far from each other.
 *
 * @param texts those of the documents, in their order
 */
export function guidedStart(
  topics: readonly (readonly string[])[],
  texts: OpenedText,
  { count, width, seed }: { readonly count: number; readonly width: number; readonly seed: number },
): Exclude<LevelStart, ArrayBufferView> {
  return async (documents) => {
    const guided = guidedStarts(
      width,
      topics.map((words) => ({ words })),
      // Whoever names a word means it, however short it is.
      { seed, minLength: 1, numbers: true },
    );
    const reader = texts.documents();
    try {
      for await (const { id, tokens, vector } of documents) {
        const { value, done } = await reader.next();
        if (done === true)
          throw dataError(
            'The corpus',
            `has more documents than --seed-text, which has ${texts.count}. Give those of the same documents.`,
          );
        if (tokens > 0) guided.add(id, value.text, vector);
      }
      if ((await reader.next()).done !== true)
        throw dataError(
          'The corpus',
          `has fewer documents than --seed-text, which has ${texts.count}. Give those of the same documents.`,
        );
    } finally {
      await reader.return(undefined);
    }
    return guided.result(count);
  };
}
