import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { openText, type OpenTextOptions } from '../../src/text/open-text.ts';
import { fixture } from '../data/fixtures.ts';
import { refusal, testFolder } from '../data/support.ts';

const folder = testFolder();

interface Read {
  readonly texts: string[];
  readonly labels: readonly string[] | undefined;
  readonly places: string[];
  readonly empty: number;
  readonly fingerprint: string;
}

async function read(paths: string | readonly string[], options: OpenTextOptions = {}): Promise<Read> {
  const opened = await openText(typeof paths === 'string' ? [paths] : paths, options);
  const documents = [];
  for await (const document of opened.documents()) documents.push(document);
  expect(documents).toHaveLength(opened.count);
  expect(opened.labels).toEqual(opened.labels && documents.map(({ label }) => label));
  // A second pass gives the same.
  const again = [];
  for await (const document of opened.documents()) again.push(document);
  expect(again).toEqual(documents);
  const { labels, empty, fingerprint } = opened;
  const places = documents.map(({ place }) => place.replace(`${folder.path}/`, ''));
  return { texts: documents.map(({ text }) => text), labels, places, empty, fingerprint };
}

const refused = (paths: string | readonly string[], options: OpenTextOptions = {}): Promise<string> =>
  refusal(read(paths, options), folder.path);

describe('the same texts', () => {
  it('are the same in every format: byte order marks, line ends in cells, quotes, separators', async () => {
    const texts = [
      '\ufeffa mark',
      'one\r\nother',
      'a\tb,c',
      '"said" she',
      ' spaces ',
      'end\n',
      '\u2028',
      '"',
      '\ufeff',
    ];
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    const records = (end: string): string => ['text', ...texts.map(quoted)].map((line) => `${line}${end}`).join('');
    folder.write('same.jsonl', texts.map((text) => `${JSON.stringify({ text })}\n`).join(''));
    folder.write('same.csv', records('\n'));
    folder.write('windows.csv', `\ufeff${records('\r\n')}`);
    folder.write('same.tsv', records('\n'));
    folder.write('old.tsv', records('\r'));
    folder.write(
      'same.parquet',
      new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'text', data: texts, type: 'STRING' }] })),
    );
    const prints = new Set<string>();
    for (const name of ['same.jsonl', 'same.csv', 'windows.csv', 'same.tsv', 'old.tsv', 'same.parquet']) {
      const opened = await read(join(folder.path, name));
      expect(opened.texts, name).toEqual(texts);
      prints.add(opened.fingerprint);
    }
    expect(prints.size).toBe(1);
  });
});

describe('openText', () => {
  it.each([
    ['x.jsonl', '{"text":"a \\"b\\"","y":1}\n{"text":"","y":2}\n{"text":"c\\nd","y":true}\n', ['1', '2', 'true']],
    ['x.csv', 'id,y,text\n7,1,"a ""b"""\n8,2,""\n9,true,"c\nd"\n', ['1', '2', 'true']],
  ])('reads texts and labels of %s, packed or not', async (name, content, labels) => {
    for (const [file, bytes] of [
      [name, content],
      [`${name}.gz`, gzipSync(content)],
    ] as const) {
      const found = await read(folder.write(file, bytes), { labels: 'y' });
      expect(found).toMatchObject({ texts: ['a "b"', '', 'c\nd'], labels, empty: 1 });
      expect(found.places[0]).toMatch(new RegExp(`^${file.replaceAll('.', '\\.')} line \\d$`));
    }
  });

  it('takes quotes in .tsv as in .csv: they are of the file, not of the text', async () => {
    const rows = [
      ['text', 'label'],
      ['He said "yes" to me', 'a'],
      ['plain', 'b'],
      ['"quoted"', 'c "x"'],
      ['a tab\there,\na line there', 'a'],
    ];
    // As pandas and RFC 4180 do it.
    const quote = (cell: string): string => (/["\n\t,]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
    const written = (separator: string, end: string): string =>
      rows.map((row) => `${row.map(quote).join(separator)}${end}`).join('');
    const wanted = {
      texts: rows.slice(1).map(([text]) => text),
      labels: rows.slice(1).map(([, label]) => label),
    };
    for (const [name, separator] of [
      ['x.csv', ','],
      ['x.tsv', '\t'],
    ] as const) {
      const content = written(separator, '\n');
      // The cell's own line end stays as it is.
      for (const bytes of [content, `\uFEFF${written(separator, '\r\n')}`]) {
        const found = await read(folder.write(name, bytes), { labels: 'label' });
        expect(found).toMatchObject(wanted);
        expect(found.places).toEqual([2, 3, 4, 5].map((line) => `${name} line ${line}`));
      }
      expect(await read(folder.write(`${name}.gz`, gzipSync(content)), { labels: 'label' })).toMatchObject(wanted);
    }
    // Quotes within a cell that does not begin with one are text.
    expect(await read(folder.write('x.tsv', 'text\ty\nso "it" begins"\t1\n'), { labels: 'y' })).toMatchObject({
      texts: ['so "it" begins"'],
      labels: ['1'],
    });
    expect(await refused(folder.write('x.tsv', 'text\ty\na\t1\n"so" it begins\t0\n'))).toBe(
      'format: x.tsv: line 3: text follows the closing quote of a cell. Write a quote within a quoted cell twice.',
    );
    expect(await refused(folder.write('x.tsv', 'text\ty\na\t1\n"so it begins\t0\nb\t1\n'))).toBe(
      'format: x.tsv: line 3: a quoted cell is never closed. Close it with a quote; a quote within a quoted cell is written twice.',
    );
    expect(await refused(folder.write('x.tsv', 'text\ty\na\t1\nb\tc\t2\n'))).toBe(
      'data: x.tsv: line 3 has 3 cells; expected 2, as the header has. Repair the line, or put cells that hold a separator in quotes.',
    );
  });

  it('takes an empty line of a file with one column for an empty text', async () => {
    const wanted = { texts: ['one', '', 'three', ''], empty: 2 };
    for (const name of ['x.csv', 'x.tsv', 'x.csv.gz']) {
      const bytes = (text: string): string | Buffer => (name.endsWith('.gz') ? gzipSync(text) : text);
      const found = await read(folder.write(name, bytes('text\none\n\nthree\n\n')));
      expect(found).toMatchObject(wanted);
      expect(found.places).toEqual([2, 3, 4, 5].map((line) => `${name} line ${line}`));
    }
    // As writers of .csv put an empty text.
    expect(await read(folder.write('x.csv', 'text\none\n""\nthree\n""'))).toMatchObject(wanted);
  });

  it('leaves out blank lines at the end of a .tsv, and names one between rows', async () => {
    const wanted = { texts: ['one', 'two'], labels: ['1', '0'] };
    expect(await read(folder.write('x.tsv', 'text\ty\none\t1\ntwo\t0\n\n\n'), { labels: 'y' })).toMatchObject(wanted);
    expect(await refused(folder.write('x.tsv', 'text\ty\none\t1\n\ntwo\t0\n'))).toBe(
      'data: x.tsv: line 3 is empty, but rows follow it. Remove the empty line.',
    );
    // A piece of a file, 256 KiB, ends with the blank line, so the row after it comes apart.
    const piece = `text\ty\n${'a'.repeat(262_133)}\t1\n\n`;
    expect(piece).toHaveLength(1 << 18);
    expect(await refused(folder.write('x.tsv', `${piece}two\t0\n`))).toBe(
      'data: x.tsv: line 3 is empty, but rows follow it. Remove the empty line.',
    );
    expect((await read(folder.write('x.tsv', piece))).texts).toHaveLength(1);
  });

  it('reads .parquet', async () => {
    const file = folder.write('x.parquet', fixture('pq_snappy'));
    expect(await read(file, { textField: 'class', labels: 'n' })).toMatchObject({
      texts: ['a', 'b', 'a', 'c'],
      labels: ['1', '2', '-3', '4'],
    });
  });

  it('takes each line of .txt, empty ones too, but nothing after the last line end', async () => {
    const wanted = { texts: ['one', '', ' ', 'four'], empty: 2, labels: undefined };
    expect(await read(folder.write('x.txt', 'one\n\n \nfour\n'))).toMatchObject(wanted);
    expect(await read(folder.write('x.txt', '\uFEFFone\r\n\r\n \r\nfour'))).toMatchObject(wanted);
    expect(await read(folder.write('x.txt.gz', gzipSync('one\n\n \nfour\n')))).toMatchObject(wanted);
  });

  it('reads a folder of .txt files in the order of their paths, the first sub-folder as label', async () => {
    mkdirSync(join(folder.path, 'texts/neg'), { recursive: true });
    mkdirSync(join(folder.path, 'texts/pos/deep'), { recursive: true });
    folder.write('texts/pos/deep/b.txt', 'fine\nfilm\n');
    folder.write('texts/pos/a.TXT', '');
    folder.write('texts/neg/c.txt', 'dull');
    folder.write('texts/neg/notes.md', 'not a text');
    const path = join(folder.path, 'texts');
    const seen: [number, number][] = [];
    const onProgress = (done: number, total: number): void => void seen.push([done, total]);
    expect(await read(path, { labels: 'folder', onProgress })).toMatchObject({
      texts: ['dull', '', 'fine\nfilm\n'],
      labels: ['neg', 'pos', 'pos'],
      empty: 1,
    });
    expect(seen.at(-1)).toEqual([14, 14]);
    folder.write('texts/loose.txt', 'x');
    expect(await refused(path, { labels: 'folder' })).toMatch(/loose\.txt: lies in no sub-folder, so it has no label/);
    expect(await refused(path, { labels: 'stars' })).toMatch(
      /files of a folder have no field "stars".*--labels folder/,
    );
  });

  it('reads several paths of any kinds one after another', async () => {
    const files = [folder.write('a.txt', 'one\ntwo\n'), folder.write('b.jsonl', '{"text":"three"}\n')];
    expect((await read(files)).texts).toEqual(['one', 'two', 'three']);
  });

  it('has a fingerprint of texts, their order and labels', async () => {
    const of = async (lines: string, options: OpenTextOptions = {}): Promise<string> =>
      (await read(folder.write('x.jsonl', lines), options)).fingerprint;
    const [a, b] = ['{"text":"a","y":"1"}\n', '{"text":"b","y":"2"}\n'];
    const prints = [await of(a + b), await of(b + a), await of(a), await of(a + b, { labels: 'y' })];
    expect(new Set(prints).size).toBe(4);
    expect(await of(a + b)).toBe(prints[0]);
  });

  it('takes tags out if asked', async () => {
    const file = folder.write('x.txt', 'good<br /><br />film <b>a</b> &amp; b < c\n');
    expect((await read(file)).texts[0]).toContain('<br />');
    expect((await read(file, { stripHtml: true })).texts[0]).toBe('good  film  a  & b < c');
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    stop.abort();
    expect(await refused(folder.write('x.txt', 'a\n'), { signal: stop.signal })).toMatch(/^aborted/);
  });

  it('refuses bad input: which file, what was expected, what to do', async () => {
    const { path } = folder;
    expect(await refused([])).toBe('argument: --text: names no file. Give at least one.');
    expect(await refused(join(path, 'gone.jsonl'))).toMatch(/gone\.jsonl: there is no such file or folder/);
    expect(await refused(folder.write('x.json', '[]'))).toMatch(/expected \.jsonl.*Write one JSON object a line/);
    expect(await refused(folder.write('x.pdf', 'x'))).toMatch(/expected \.jsonl.*a folder of \.txt files/);
    expect(await refused(folder.write('x.jsonl', '{"txt":"a","y":1}\n'))).toBe(
      'argument: x.jsonl: has no field "text"; did you mean "txt"? It has "txt", "y"; choose with --text-field.',
    );
    expect(await refused(folder.write('x.jsonl', '{"text":"a"}\n{"text":5}\n'))).toMatch(
      /^data: x\.jsonl: line 2: expected a text in "text", but 5 came/,
    );
    expect(await refused(folder.write('x.jsonl', '{"text":"a","y":""}\n'), { labels: 'y' })).toMatch(
      /line 1: expected a label in "y", but an empty cell came/,
    );
    expect(await refused(folder.write('x.txt', 'a\n'), { labels: 'y' })).toMatch(/lines of text have no field "y"/);
    expect(await refused(folder.write('x.txt', Buffer.from('one\ntwo\ncaf\xe9\n', 'latin1')))).toBe(
      'format: x.txt: line 3 holds bytes that are not UTF-8 text. Save it as UTF-8.',
    );
    mkdirSync(join(path, 'none'));
    expect(await refused(join(path, 'none'))).toMatch(/the folder has no \.txt file/);
    expect(await refused(folder.write('x.tsv', ''))).toMatch(/x\.tsv/);
    expect(await refused(folder.write('x.txt', ''))).toMatch(/x\.txt/);
  });
});
