import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readAll, refusal, testFolder, type PartialOptions } from './support.ts';

const folder = testFolder();
const lines = (...rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

function read(text: string | Uint8Array, options: PartialOptions = {}, name = 'x.jsonl'): ReturnType<typeof readAll> {
  return readAll(folder.write(name, text), options);
}

function refused(text: string, options: PartialOptions = {}): Promise<string> {
  return refusal(read(text, options), folder.path);
}

describe('reading .jsonl', () => {
  it('takes fields as columns, in whatever order a row has them', async () => {
    const text = lines({ a: 1, b: 2.5, kind: 'p' }, { kind: 3, b: -4, a: 1e-3 });
    const { rows, columns, labels } = await read(text, { labels: 'kind' });
    expect(rows).toEqual([
      [1, 2.5],
      [1e-3, -4],
    ]);
    expect(columns).toEqual(['a', 'b']);
    expect(labels).toEqual(['p', '3']);
    expect((await read(gzipSync(`\uFEFF${text.trimEnd()}`), { columns: ['b'] }, 'x.jsonl.gz')).rows).toEqual([
      [2.5],
      [-4],
    ]);
  });

  it('takes bare arrays', async () => {
    const { rows, columns } = await read('[1,2]\r\n[3,4]\r\n');
    expect(rows).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(columns).toBeUndefined();
  });

  it.each(['vector', 'embedding', 'tokens'])('takes the vectors named %s', async (name) => {
    const text = lines({ id: 'x', [name]: [1, 2, 3], kind: 'p' }, { id: 'y', [name]: [4, 5, 6], kind: 'q' });
    const { rows, columns, labels } = await read(text, { labels: 'kind' });
    expect(rows).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(columns).toEqual([name]);
    expect(labels).toEqual(['p', 'q']);
    // What was chosen can be asked for by name.
    expect((await read(text, { columns: columns!, labels: 'kind' })).fingerprint).toBe(
      (await read(text, { labels: 'kind' })).fingerprint,
    );
  });

  it('takes vectors of other names, and beside numbers, where they are asked for', async () => {
    const text = lines({ features: [1, 2], x: 9 }, { features: [3, 4], x: 8 });
    expect((await read(text, { columns: ['x', 'features'] })).rows).toEqual([
      [9, 1, 2],
      [8, 3, 4],
    ]);
    expect(await refused(text)).toBe(
      'data: x.jsonl: line 1, column "features": expected a number, but an array of 2 came. Repair the cell, or use the numeric columns: --columns x, or use the vectors: --columns features',
    );
  });
});

describe('bad .jsonl files', () => {
  it.each<[string, string, string]>([
    [
      'no JSON',
      '{"a":1}\n{"a":\n',
      'format: x.jsonl: line 2 is not JSON: "{\\"a\\":". Write one complete JSON value on each line.',
    ],
    [
      'a whole document',
      '[\n[1,2],\n[3,4]\n]\n',
      'format: x.jsonl: line 1 is not JSON: "[". Write one complete JSON value on each line.',
    ],
    [
      'a number a line',
      '1\n2\n',
      'data: x.jsonl: line 1: expected an object or an array of numbers, but 1 came. Write one row on each line.',
    ],
    [
      'an empty object',
      '{}\n',
      'data: x.jsonl: line 1 is an object without fields; expected fields with numbers. Write it again.',
    ],
    [
      'an empty array',
      '[]\n',
      'data: x.jsonl: line 1: expected a vector of at least one number, but an empty array came. Write it again.',
    ],
    [
      'a missing field',
      '{"a":1,"b":2}\n{"a":1}\n',
      'data: x.jsonl: line 2, column "b": expected a number, but nothing came. Repair the cell, or use the numeric columns: --columns a',
    ],
    [
      'a new field',
      '{"a":1}\n{"a":1,"b":2}\n',
      'data: x.jsonl: line 2 has the field "b", which line 1 lacks; it has "a". Write the same fields in all rows, or choose with --columns.',
    ],
    [
      'null',
      '{"a":1,"b":null}\n',
      'data: x.jsonl: line 1, column "b": expected a number, but null (a missing value) came. Repair the cell, or use the numeric columns: --columns a',
    ],
    [
      'a number in quotes',
      '{"a":1,"b":"2"}\n',
      'data: x.jsonl: line 1, column "b": expected a number, but "2" came. Repair the cell, or use the numeric columns: --columns a',
    ],
    [
      'infinity',
      '[1,1e999]\n',
      'data: x.jsonl: line 1: number 1 (counted from 0): expected a finite number, but Infinity came. Repair the cell or remove the row.',
    ],
    [
      'vectors of unequal length',
      '[1,2]\n[3]\n',
      'data: x.jsonl: line 2: expected an array of 2, as the first row has, but an array of 1 came. Repair the cell or remove the row.',
    ],
    [
      'nested vectors',
      '{"tokens":[[1,2],[3,4]]}\n',
      'data: x.jsonl: line 1, column "tokens": number 0 (counted from 0): expected a number, but an array of 2 came. Repair the cell, or use the vectors: --columns tokens',
    ],
    [
      'arrays after objects',
      '{"a":1}\n[1]\n',
      'data: x.jsonl: line 2 is an array, but line 1 is an object. Write all rows alike.',
    ],
    [
      'two columns of vectors',
      '{"vector":[1],"embedding":[2]}\n',
      'argument: x.jsonl: has several columns of vectors: "vector", "embedding". Choose one, for example --columns vector.',
    ],
    ['an empty line', '[1]\n\n[2]\n', 'data: x.jsonl: line 2 is empty, but lines follow it. Remove the empty line.'],
    [
      'a row after more empty lines than are read at once',
      `[1]\n${'\n'.repeat(600_000)}[2]\n`,
      'data: x.jsonl: line 2 is empty, but lines follow it. Remove the empty line.',
    ],
    ['only empty lines', '\n\n', 'data: x.jsonl: has no rows. Write it again.'],
  ])('%s', async (_, text, message) => {
    expect(await refused(text)).toBe(message);
  });

  it('refuses to choose among columns without names', async () => {
    expect(await refused('[1,2]\n', { columns: ['a'] })).toBe(
      'argument: x.jsonl: its rows are arrays without names, so --columns cannot choose among them. Leave --columns out.',
    );
  });
});
