import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { fixture } from './fixtures.ts';
import { readAll, refusal, testFolder } from './support.ts';

const folder = testFolder();
const data = folder.write('data.npy', fixture('npy_f4'));
const table = folder.write('data.csv', 'a,kind\n1,p\n2,q\n');

function read(name: string, content: string | Uint8Array): Promise<readonly string[] | undefined> {
  return readAll(data, { labels: folder.write(name, content) }).then(({ labels }) => labels);
}

describe('labels in a file of their own', () => {
  it.each<[string, string | Uint8Array, readonly string[]]>([
    ['l.txt', 'red fox\r\n blue \r\n', ['red fox', 'blue']],
    ['l.txt.gz', gzipSync('p\nq'), ['p', 'q']],
    ['l.csv', '"a, b"\nq\n', ['a, b', 'q']],
    ['l.tsv', 'p\nq\n', ['p', 'q']],
    ['l.jsonl', '"p"\n7\n', ['p', '7']],
    ['l.npy', fixture('npy_labels'), ['3', '1']],
  ])('%s', async (name, content, labels) => {
    expect(await read(name, content)).toEqual(labels);
  });

  it('prefers a column of the data, and takes a file where there is none', async () => {
    expect((await readAll(table, { labels: 'kind' })).labels).toEqual(['p', 'q']);
    const file = folder.write('own.txt', 'u\nv\n');
    expect((await readAll(table, { columns: ['a'], labels: file })).labels).toEqual(['u', 'v']);
  });

  it.each<[string, string | Uint8Array, string]>([
    [
      'l.txt',
      'p\n',
      'data: l.txt: has 1 labels, but the data have 2 tokens. Give one label for each token, in the same order.',
    ],
    [
      'l.csv',
      'class\np\nq\n',
      'data: l.csv: has 3 labels, but the data have 2 tokens. If its first line is a header, remove that line.',
    ],
    ['l.txt', 'p\n\nq\n', 'data: l.txt: line 2 is empty, but lines follow it. Remove the empty line.'],
    ['l.csv', 'p,1\nq,2\n', 'data: l.csv: line 1 has 2 cells; expected one label a line. Keep the label column only.'],
    ['l.jsonl', 'p\nq\n', 'format: l.jsonl: line 1 is not JSON: "p". Write texts in quotes, or name the file .txt.'],
    [
      'l.jsonl',
      '"p"\nnull\n',
      'data: l.jsonl: line 2: expected a label, but null (a missing value) came. Give every row a label, for example "unknown".',
    ],
    [
      'l.npy',
      fixture('npy_1d'),
      'data: l.npy: holds floats of the shape (4); expected a list of integers. Save labels.astype(numpy.int32).',
    ],
    [
      'l.npy',
      fixture('npy_i4'),
      'data: l.npy: holds integers of the shape (2, 3); expected a list of integers. Save labels.astype(numpy.int32).',
    ],
    [
      'l.parquet',
      fixture('pq_list'),
      'argument: l.parquet: labels are read from .npy, .txt, .csv, .tsv and .jsonl files. Convert it, or name a column of the data.',
    ],
  ])('refuses %s', async (name, content, message) => {
    expect(await refusal(read(name, content), folder.path)).toBe(message);
  });

  it('refuses a name that is neither column nor file, before it reads the data', async () => {
    expect(await refusal(readAll(table, { labels: 'Kinds' }), folder.path)).toBe(
      'argument: data.csv: --labels "Kinds" is neither a column of the data nor a file; did you mean "kind"? Its columns: "a", "kind". A file has a label for each token: .txt, .csv, .tsv, .jsonl or .npy.',
    );
    expect(await refusal(readAll(data, { labels: join(folder.path, 'no.txt') }), folder.path)).toBe(
      'argument: data.npy: --labels "no.txt" is neither a column of the data nor a file. Its columns have no names. A file has a label for each token: .txt, .csv, .tsv, .jsonl or .npy.',
    );
    const empty = folder.write('empty.csv', 'a,kind\n1,p\n2,\n');
    expect(await refusal(readAll(empty, { labels: 'kind' }), folder.path)).toBe(
      'data: empty.csv: line 3: expected a label, but an empty cell came. Give every row a label, for example "unknown".',
    );
  });
});
