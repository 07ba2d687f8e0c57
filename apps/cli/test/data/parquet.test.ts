import { describe, expect, it } from 'vitest';
import { fixture, type FixtureName } from './fixtures.ts';
import { readAll, refusal, testFolder, type PartialOptions } from './support.ts';

const folder = testFolder();

function read(name: FixtureName, options: PartialOptions = {}): ReturnType<typeof readAll> {
  return readAll(folder.write('x.parquet', fixture(name)), options);
}

function refused(bytes: Uint8Array, options: PartialOptions = {}): Promise<string> {
  return refusal(readAll(folder.write('x.parquet', bytes), options), folder.path);
}

describe('reading .parquet', () => {
  // Columns x (float64), n (int64), y (float32), class (text), in row groups of 3 or with page indexes or in pages of version 2.
  it.each<FixtureName>(['pq_snappy', 'pq_zstd_index', 'pq_gzip_v2'])('%s', async (name) => {
    const { rows, columns, labels } = await read(name, { labels: 'class' });
    expect(rows).toEqual([
      [1.5, 1, 0.5],
      [-2, 2, 0.25],
      [0.25, -3, 0.125],
      [3, 4, 8],
    ]);
    expect(columns).toEqual(['x', 'n', 'y']);
    expect(labels).toEqual(['a', 'b', 'a', 'c']);
    expect((await read(name, { columns: ['y', 'x'] })).rows).toEqual([
      [0.5, 1.5],
      [0.25, -2],
      [0.125, 0.25],
      [8, 3],
    ]);
  });

  it('takes a column of lists as vectors', async () => {
    const { rows, columns, labels } = await read('pq_list', { labels: 'id', dtype: 'float32' });
    expect(rows).toEqual([
      [1, 2.5, -3],
      [4, 5, 6],
    ]);
    expect(columns).toEqual(['embedding']);
    expect(labels).toEqual(['p', 'q']);
  });
});

describe('bad .parquet files', () => {
  it('does not take bytes for vectors', async () => {
    // Two rows of eight bytes, FIXED_LEN_BYTE_ARRAY, which are two float32 each.
    expect(await refused(fixture('pq_fixed_bytes'))).toBe(
      'data: x.parquet: column "v" holds bytes, not numbers. Write its numbers as float32 or as lists of them.',
    );
  });

  it.each<[FixtureName, string, string]>([
    // The metadata of pandas names the column `user`; the other file has only the name that pandas gives an index without one.
    ['pq_pandas_index', 'user', 'a,b'],
    ['pq_index_level', '__index_level_0__', 'a'],
  ])('does not take the row numbers of pandas for numbers of a token: %s', async (name, index, others) => {
    expect(await refused(fixture(name))).toBe(
      `argument: x.parquet: column "${index}" numbers the rows (pandas wrote its index), and would be a number of each token. Choose the columns to use, for example --columns ${others}.`,
    );
    expect((await read(name, { columns: others.split(',') })).rows).toHaveLength(2);
    expect((await read(name, { columns: [index] })).rows).toEqual([[70], [71]]);
  });

  it('names missing values, texts and columns', async () => {
    expect(await refused(fixture('pq_null'))).toBe(
      'data: x.parquet: row 1 (counted from 0), column "x": expected a number, but null (a missing value) came. Repair the cell, or use the numeric columns: --columns y',
    );
    expect(await refused(fixture('pq_snappy'))).toBe(
      'data: x.parquet: row 0 (counted from 0), column "class": expected a number, but "a" came. Repair the cell, or use the numeric columns: --columns x,n,y',
    );
    expect(await refused(fixture('pq_snappy'), { columns: ['X'] })).toBe(
      'argument: x.parquet: has no column "X", which --columns names; did you mean "x"? Its columns: "x", "n", "y", "class".',
    );
    expect(await refused(fixture('pq_empty'))).toBe('data: x.parquet: has no rows. Write it again.');
  });

  it('refuses files that are cut anywhere, or damaged', async () => {
    const bytes = fixture('pq_snappy');
    for (let length = 1; length < bytes.length; length += 37) {
      expect(await refused(bytes.subarray(0, length), { labels: 'class' })).toMatch(
        /^format: x\.parquet: cannot be read as Parquet: its footer, which says what is where, is damaged, cut short or encrypted\. Write it again\.$/,
      );
    }
    const damaged = Buffer.from(bytes);
    damaged.fill(0xff, 4, 200);
    expect(await refused(damaged, { labels: 'class' })).toMatch(
      /^format: x\.parquet: cannot be read as Parquet: column "\w+" is (damaged, cut short or encrypted|of a kind .*)\./,
    );
    expect(await refused(Buffer.from('not at all, but long enough'))).toMatch(
      /^format: x\.parquet: cannot be read as Parquet/,
    );
  });

  it('ends the decoding of a count without an end', async () => {
    const bytes = Buffer.from(fixture('pq_gzip_v2'));
    // The length of a page's levels in its header: a run that goes on for 2^53 values.
    bytes[60] = 128;
    expect(await refused(bytes, { labels: 'class' })).toMatch(
      /^format: x\.parquet: cannot be read as Parquet \(it takes more time than its 670 bytes should\)\..* set DDCL_MAX_UNPACKED_MB=257, or more\.$/,
    );
  });
});
