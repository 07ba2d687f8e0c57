import { describe, expect, it } from 'vitest';
import { tokenizerFiles } from '../../../../tooling/tiny-bert/word-piece.ts';
import { numberFromText } from '../../src/data/table.ts';
import { TextTokenizer } from '../../src/encoder/tokenizer.ts';
import { oneLine } from '../../src/output/errors.ts';
import { openText } from '../../src/text/open-text.ts';
import { stripHtml } from '../../src/text/strip-html.ts';
import { readAll, testFolder } from './support.ts';

/*
 * Work on a file is proportional to its size: twice as much of what once took quadratic time takes less than three times as long. Processor time of the least of
 * several tries, over sizes at which what is quadratic would be far beyond the bound; a busy machine makes none of them shorter.
 */

const folder = testFolder();

async function milliseconds(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  try {
    await work();
  } catch {
    // A refusal is an answer; how long it takes is what is asked.
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The least of several, for one size and for twice that, in turn. */
async function growth(make: (size: number) => () => unknown, size: number): Promise<number> {
  const [one, two] = [make(size), make(2 * size)];
  await milliseconds(one);
  let [least, doubled] = [Infinity, Infinity];
  for (let turn = 0; turn < 8; turn++) {
    least = Math.min(least, await milliseconds(one));
    doubled = Math.min(doubled, await milliseconds(two));
    if (turn >= 2 && doubled < 2.5 * least) break;
  }
  // What takes no time has not grown: the clock counts in steps of some of these.
  return doubled / Math.max(least, 5);
}

const file =
  (name: string, text: (size: number) => string, read: (path: string) => unknown) =>
  (size: number): (() => unknown) => {
    const path = folder.write(`${size}-${name}`, text(size));
    return () => read(path);
  };
const table = (path: string): Promise<unknown> => readAll(path, {});
async function texts(path: string): Promise<void> {
  const opened = await openText([path]);
  for await (const document of opened.documents()) if (document.text.length < 0) throw new Error('a length below 0');
}

describe('twice the size takes less than three times as long', () => {
  it.each<[string, number, (size: number) => () => unknown]>([
    ['lines of a .csv', 20_000, file('lines.csv', (size) => 'a,b\n' + '1.5,2.25\n'.repeat(size), table)],
    ['empty lines of a .csv', 400_000, file('empty.csv', (size) => '\n'.repeat(size), table)],
    ['empty lines of a .jsonl', 400_000, file('empty.jsonl', (size) => '\n'.repeat(size), table)],
    ['a cell of digits', 200_000, file('digits.csv', (size) => `a\n${'9'.repeat(size)}\n`, table)],
    ['a quote that is never closed', 400_000, file('quote.csv', (size) => `a,b\n"${'1,2\n'.repeat(size / 4)}`, table)],
    ['quotes in one cell', 200_000, file('quotes.csv', (size) => `a,b\n"${'""'.repeat(size / 2)}",1\n`, table)],
    [
      'columns of a header',
      5000,
      file(
        'wide.csv',
        (size) => `${Array.from({ length: size }, (_, index) => `c${index}`).join(',')}\n${'1,'.repeat(size - 1)}1\n`,
        table,
      ),
    ],
    ['lines of a .jsonl', 10_000, file('lines.jsonl', (size) => '{"a":1.5,"b":2}\n'.repeat(size), table)],
    ['one vector in a .jsonl', 50_000, file('vector.jsonl', (size) => `{"vector":[${'1.5,'.repeat(size)}2]}\n`, table)],
    ['brackets in a .jsonl', 100_000, file('brackets.jsonl', (size) => `{"a":${'['.repeat(size)}\n`, table)],
    ['one line of a .txt', 1_000_000, file('line.txt', (size) => 'word '.repeat(size / 5), texts)],
    ['empty lines of a .txt', 100_000, file('empty.txt', (size) => `${'\n'.repeat(size)}x\n`, texts)],
    ['digits as a number', 500_000, (size) => () => numberFromText('1'.repeat(size))],
    ['spaces around a number', 500_000, (size) => () => numberFromText(`1${' '.repeat(size)}x`)],
    ['tags of HTML', 100_000, (size) => () => stripHtml('<b>x</b>'.repeat(size / 8))],
    ['HTML that opens and never closes', 200_000, (size) => () => stripHtml('<'.repeat(size))],
    ['comments of HTML that never close', 200_000, (size) => () => stripHtml('<!--'.repeat(size / 4))],
    ['entities of HTML', 200_000, (size) => () => stripHtml('&'.repeat(size))],
    ['spaces in an error', 500_000, (size) => () => oneLine(`a${' '.repeat(size)}b`)],
  ])('%s', async (_, size, make) => {
    expect(await growth(make, size)).toBeLessThan(3);
  });

  it.each([
    ['words', 'good film '],
    ['one word', 'x'],
    ['spaces', ' '],
    ['accents', 'é\u0301'],
    ['Chinese', '電影'],
  ])('tokenizing %s', async (_, piece) => {
    const files = tokenizerFiles(64);
    const tokenizer = await TextTokenizer.open(
      JSON.parse(files['tokenizer.json']!) as object,
      JSON.parse(files['tokenizer_config.json']!) as object,
      'tokenizer.json',
    );
    const make = (size: number) => (): unknown => tokenizer.tokenize(piece.repeat(size / piece.length), 64);
    expect(await growth(make, 100_000)).toBeLessThan(3);
  });
});
