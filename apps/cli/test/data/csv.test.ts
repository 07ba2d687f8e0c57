import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAll, refusal, testFolder, type PartialOptions } from './support.ts';

const folder = testFolder();

function read(text: string | Uint8Array, options: PartialOptions = {}, name = 'x.csv'): ReturnType<typeof readAll> {
  return readAll(folder.write(name, text), options);
}

function refused(text: string | Uint8Array, options: PartialOptions = {}, name = 'x.csv'): Promise<string> {
  return refusal(read(text, options, name), folder.path);
}

describe('what pandas and spreadsheets write', () => {
  it.each([
    ['0,1,2', '0,1,2', 'column1,column2,column3'],
    ['1,2', '1,2', 'column1,column2'],
  ])('asks whether %s is a header, and takes either answer', async (first, header, data) => {
    const text = `${first}\n${first.replaceAll(/\d/g, '.5')}\n`;
    expect(await refused(text)).toBe(
      `data: x.csv: the first line counts its columns (${first.replaceAll(/\d/g, '"$&"').replaceAll(',', ', ')}), so it is a header as pandas writes it, or data. Remove it, or say what it is: --columns ${header} where it is the header, --columns ${data} where it is data.`,
    );
    expect((await read(text, { columns: header.split(',') })).rows).toHaveLength(1);
    expect((await read(text, { columns: data.split(',') })).rows).toHaveLength(2);
    const withLabels = await read(text, { labels: first.at(-1)! });
    expect(withLabels.columns).toEqual(first.split(',').slice(0, -1));
  });

  it.each(['1,3\n2,1\n', '0\n1\n', '0,1.0\n2,3\n', '2,3\n4,5\n'])('takes %j for data', async (text) => {
    expect((await read(text)).rows).toHaveLength(2);
  });

  it.each(['0,1257;-0,1321\n-0,5357;0,3616\n', 'x;y\n1,5;2,5\n', '1;2\n3;4\n'])(
    'says that cells lie between semicolons in %j',
    async (text) => {
      for (const columns of [undefined, ['column1', 'column3']]) {
        expect(await refused(text, columns === undefined ? {} : { columns })).toContain(
          'data: x.csv: its cells are separated by semicolons (',
        );
      }
    },
  );

  it('takes semicolons in a name or a text for what they are', async () => {
    expect((await read('a;b,c\n1,2\n')).columns).toEqual(['a;b', 'c']);
  });

  it('does not offer the columns beside a list that is written as text', async () => {
    expect(await refused('id,embedding\n0,"[0.1, 0.2]"\n1,"[0.3, 0.4]"\n')).toBe(
      'data: x.csv: line 2, column "embedding": expected a number, but "[0.1, 0.2]" came. Lists of numbers are not read from texts: write the vectors as .jsonl, .parquet or .npy.',
    );
  });

  it.each(['Unnamed: 0', '__index_level_0__'])('does not take the index %s for a number of a token', async (name) => {
    expect(await refused(`${name},a,b\n0,1,2\n1,3,4\n`)).toMatch(/numbers the rows .* --columns a,b/);
  });
});

describe('reading .csv and .tsv', () => {
  it('takes all columns but the label column, in file order', async () => {
    const { rows, columns, labels } = await read('a,class,b\n1,p,2.5\n-3e2, q ,.5\n', { labels: 'class' });
    expect(rows).toEqual([
      [1, 2.5],
      [-300, 0.5],
    ]);
    expect(columns).toEqual(['a', 'b']);
    expect(labels).toEqual(['p', 'q']);
  });

  it('takes the columns that are asked for, in their order', async () => {
    const { rows, columns } = await read('name,a,b\n"x, y",1,2\n,3,4\n', { columns: ['b', 'a'] });
    expect(rows).toEqual([
      [2, 1],
      [4, 3],
    ]);
    expect(columns).toEqual(['b', 'a']);
  });

  it('names the columns of a file without header', async () => {
    expect((await read('7,2\n3,4\n')).columns).toEqual(['column1', 'column2']);
    expect((await read('7,2\n3,4\n', { columns: ['column2'] })).rows).toEqual([[2], [4]]);
    const iris = '5.1,3.5,setosa\n7,3.2,versicolor\n';
    expect(await refused(iris)).toBe(
      'data: x.csv: the first line mixes numbers and texts ("5.1", "3.5", "setosa"), so it may be a header or data. Add a header line, or name the columns by position: --columns column1,column2.',
    );
    const { rows, labels } = await read(iris, { columns: ['column1', 'column2'], labels: 'column3' });
    expect(rows).toEqual([
      [5.1, 3.5],
      [7, 3.2],
    ]);
    expect(labels).toEqual(['setosa', 'versicolor']);
    expect((await read('name,2018\nx,1\n', { columns: ['2018'] })).rows).toEqual([[1]]);
  });

  it.each<[string, string]>([
    ['byte order mark', '\uFEFFa,b\n1,2\n3,4'],
    ['CRLF', 'a,b\r\n1,2\r\n3,4\r\n'],
    ['CR', 'a,b\r1,2\r3,4\r'],
    ['mixed line ends', 'a,b\n1,2\r\n3,4\n'],
    ['quotes', '"a","b"\r\n"1","2"\r\n"3","4"'],
    ['spaces', ' a , b \n 1 ,2 \n3, 4\n'],
    ['empty lines at the end', 'a,b\n1,2\n3,4\n\n\n'],
    ['more empty lines than are read at once', `a,b\n1,2\n3,4\n${'\n'.repeat(600_000)}`],
  ])('%s', async (_, text) => {
    for (const [name, content] of [
      ['y.csv', text],
      ['y.tsv', text.replaceAll(',', '\t')],
    ] as const) {
      const plain = await read(content, {}, name);
      expect(plain.rows).toEqual([
        [1, 2],
        [3, 4],
      ]);
      expect(plain.columns).toEqual(['a', 'b']);
      const packed = await read(gzipSync(content), {}, `${name}.gz`);
      expect(packed).toEqual(plain);
    }
  });

  it('reads as many columns as it says', async () => {
    const { rows } = await read(`${'1,'.repeat(131_071)}2\n`);
    expect(rows[0]).toHaveLength(131_072);
  });

  it('takes lines of nothing but tabs for rows with empty cells', async () => {
    // More than is read at once stands before them, so that they are pieces of their own.
    const rows = `${'1\t2\n'.repeat(1 << 16)}${'\t\n'.repeat(300_000)}`;
    expect(await refused(`a\tb\n${rows}`, {}, 'x.tsv')).toMatch(
      /^data: x\.tsv: line 65538, column "a": expected a number, but an empty cell came, and 1 more of its columns hold other than numbers/,
    );
  });

  it('reads a gzip file of several members', async () => {
    const bytes = Buffer.concat([gzipSync('a\n1\n'), gzipSync('2\n')]);
    expect((await read(bytes, {}, 'members.csv.gz')).rows).toEqual([[1], [2]]);
  });

  it('counts lines within quoted cells', async () => {
    const text = 'name,a\n"two\nlines",1\n"a ""quoted"" name",2\nz,bad\n';
    expect(await refused(text, { columns: ['a'] })).toBe(
      'data: x.csv: line 5, column "a": expected a number, but "bad" came. Repair the cell or remove the row.',
    );
  });

  it('reads back any numbers, however they are quoted and wherever the reader cuts the text', async () => {
    const cell = fc.tuple(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean());
    const name = fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => !text.includes('\0'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, cell, name), { minLength: 1, maxLength: 60 }),
        fc.constantFrom('\n', '\r\n'),
        async (table, end) => {
          const quote = ([value, quoted]: readonly [number, boolean]): string =>
            quoted ? `"${value}"` : String(value);
          const lines = table.map(([a, b, text]) => `${quote(a)},"${text.replaceAll('"', '""')}",${quote(b)}`);
          const { rows } = await read(['a,name,b', ...lines].join(end), { columns: ['b', 'a'] });
          // + 0, because the text of -0 is "0".
          expect(rows).toEqual(table.map(([a, b]) => [b[0] + 0, a[0] + 0]));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('joins what lies on both sides of a cut', async () => {
    // 40 bytes a row of several widths: cuts at multiples of 2^18 fall into numbers, quotes, letters of two bytes and line ends.
    const count = 40_000;
    const lines = Array.from({ length: count }, (_, row) => `${row},"ü${'é'.repeat(row % 17)}""\r\n",${-row / 8}`);
    const { rows } = await read(`a,t,b\r\n${lines.join('\r\n')}\r\n`, { columns: ['a', 'b'] });
    expect(rows.length).toBe(count);
    expect(rows.every(([a, b], row) => a === row && b === -row / 8)).toBe(true);
  });
});

describe('bad .csv files', () => {
  it.each<[string, string, string]>([
    ['no bytes', '', 'format: x.csv: is empty (0 bytes). Write it again.'],
    ['only line ends', '\n\n', 'data: x.csv: has no rows. Write it again.'],
    ['no rows', 'a,b\n', 'data: x.csv: has a header but no rows. Write it again.'],
    [
      'too many cells',
      'a,b\n1,2\n3,4,5\n',
      'data: x.csv: line 3 has 3 cells; expected 2, as the header has. Repair the line, or put cells that hold a separator in quotes.',
    ],
    [
      'too few cells',
      'a,b\n1,2\n3\n',
      'data: x.csv: line 3 has 1 cell; expected 2, as the header has. Repair the line, or put cells that hold a separator in quotes.',
    ],
    [
      'an empty line',
      'a,b\n1,2\n\n3,4\n',
      'data: x.csv: line 3 is empty, but rows follow it. Remove the empty line, or write an empty cell as a number.',
    ],
    [
      'a row after more empty lines than are read at once',
      `a,b\n1,2\n${'\n'.repeat(600_000)}3,4\n`,
      'data: x.csv: line 3 is empty, but rows follow it. Remove the empty line, or write an empty cell as a number.',
    ],
    [
      'empty lines before all others',
      `${'\n'.repeat(600_000)}3,4\n`,
      'data: x.csv: line 1 is empty, but rows follow it. Remove the empty line, or write an empty cell as a number.',
    ],
    [
      'a quote that is never closed after more empty lines than are read at once',
      `${'\n'.repeat(600_000)}"3,4\n`,
      'format: x.csv: line 600001: a quoted cell is never closed. Close it with a quote; a quote within a quoted cell is written twice.',
    ],
    [
      'more columns than are read',
      `${','.repeat(131_072)}\n`,
      'format: x.csv: its first line has 131,073 cells; at most 131,072 columns are read. Write it as .npy.',
    ],
    [
      'an empty cell',
      'a,b\n1,2\n3,\n',
      'data: x.csv: line 3, column "b": expected a number, but an empty cell came. Repair the cell, or use the numeric columns: --columns a',
    ],
    [
      'a word',
      'a,b\n1,2\nx,4\n',
      'data: x.csv: line 3, column "a": expected a number, but "x" came. Repair the cell, or use the numeric columns: --columns b',
    ],
    [
      'NaN',
      'a,b\n1,NaN\n',
      'data: x.csv: line 2, column "b": expected a finite number, but "NaN" came. Repair the cell, or use the numeric columns: --columns a',
    ],
    [
      'infinity',
      'a,b\n1,-inf\n',
      'data: x.csv: line 2, column "b": expected a finite number, but "-inf" came. Repair the cell, or use the numeric columns: --columns a',
    ],
    [
      'hexadecimal',
      'a\n0x10\n',
      'data: x.csv: line 2, column "a": expected a number, but "0x10" came. Repair the cell',
    ],
    [
      'a decimal comma',
      'a\n"1,5"\n',
      'data: x.csv: line 2, column "a": expected a number, but "1,5" came. Repair the cell',
    ],
    [
      'a column twice',
      'a,b,a\n1,2,3\n',
      'data: x.csv: the header names column "a" twice (columns 1 and 3). Rename one of them.',
    ],
    [
      'a nameless column',
      ',a,b\n0,1,2\n',
      'argument: x.csv: the header has no name for column 1 (an index that pandas wrote?). Choose the columns to use, for example --columns a,b.',
    ],
    [
      'an open quote',
      'a,b\n1,2\n"3,4\n5,6\n',
      'format: x.csv: line 3: a quoted cell is never closed. Close it with a quote; a quote within a quoted cell is written twice.',
    ],
    [
      'text after a quote',
      'a,b\n1,2\n"3"x,4\n',
      'format: x.csv: line 3: text follows the closing quote of a cell. Write a quote within a quoted cell twice.',
    ],
    ['zero bytes', 'a,b\n1,\0\n', 'format: x.csv: holds zero bytes; expected a text file. Save it as UTF-8 text.'],
  ])('%s', async (_, text, message) => {
    // Without a newline at the end of the expected remedy where an option to paste ends it.
    expect((await refused(text)).replace(/(Repair the cell)\.? *$/, '$1')).toBe(message);
  });

  it('never leaves out a column of texts silently, and offers the numeric ones', async () => {
    const text = 'id,name,mean motion,class\nA1,x,1,p\nA2,y,2,q\n';
    expect(await refused(text, { labels: 'class' })).toBe(
      `data: x.csv: line 2, column "id": expected a number, but "A1" came, and 1 more of its columns hold other than numbers ("name"). Repair the cell, or use the numeric columns: --columns 'mean motion'`,
    );
    expect((await read(text, { columns: ['mean motion'], labels: 'class' })).labels).toEqual(['p', 'q']);
  });

  it('looks at a limited number of rows after a bad cell', async () => {
    const lines = Array.from({ length: 30_000 }, (_, row) => `x,1,${row < 20_000 ? 1 : 'late'}`);
    expect(await refused(`a,b,c\n${lines.join('\n')}\n`)).toContain(
      'use the numeric columns (up to line 10002): --columns b,c',
    );
  });

  it('refuses columns that are missing, twice or also the label', async () => {
    const text = 'alpha,beta,class\n1,2,p\n';
    expect(await refused(text, { columns: ['alpha', 'betta'] })).toBe(
      'argument: x.csv: has no column "betta", which --columns names; did you mean "beta"? Its columns: "alpha", "beta", "class".',
    );
    expect(await refused(text, { columns: ['velocity'] })).toBe(
      'argument: x.csv: has no column "velocity", which --columns names. Its columns: "alpha", "beta", "class".',
    );
    expect(await refused(text, { columns: ['alpha', 'alpha'] })).toBe(
      'argument: x.csv: --columns names "alpha" twice. Name each column once.',
    );
    expect(await refused(text, { columns: ['alpha', 'class'], labels: 'class' })).toBe(
      'argument: x.csv: column "class" is named by --labels and by --columns; labels are not tokens. Leave it out of one of them.',
    );
    expect(await refused('class\np\n', { labels: 'class' })).toBe(
      'data: x.csv: has no column but the label column "class". Add columns with numbers.',
    );
  });

  it('refuses numbers beyond float32 only where they would be float32', async () => {
    expect(await refused('a\n1e39\n', { dtype: 'float32' })).toContain(
      'line 2, column "a": 1e+39 is too large for float32; scale it or use --dtype float64',
    );
    expect((await read('a\n1e39\n')).rows).toEqual([[1e39]]);
    expect(await refused('a\n1e999\n')).toContain('expected a number, but "1e999" came');
    expect((await read('a\n3.4028235e38\n', { dtype: 'float32' })).rows).toEqual([[Math.fround(3.4028235e38)]]);
  });

  it('refuses bytes that are not what the name says', async () => {
    const packed = gzipSync(`a,b\n${'1,2\n'.repeat(20_000)}`);
    expect(await refused(packed.subarray(0, packed.length - 12), {}, 'x.csv.gz')).toBe(
      'format: x.csv.gz: the gzip data end early; it is cut short. Write or download it again.',
    );
    const damaged = Buffer.from(packed);
    damaged.fill(0x55, 30, 60);
    expect(await refused(damaged, {}, 'x.csv.gz')).toMatch(
      /^format: x\.csv\.gz: the gzip data are damaged \(.*\)\. Write or download it again\.$/,
    );
    expect(await refused('a\n1\n', {}, 'x.csv.gz')).toBe(
      'format: x.csv.gz: is named .gz but holds no gzip data. Rename it without .gz, or pack it with gzip.',
    );
    expect(await refused(packed)).toBe('format: x.csv: holds gzip data. Rename it to end in .gz.');
    expect(await refused(gzipSync(''), {}, 'x.csv.gz')).toBe(
      'format: x.csv.gz: unpacks to nothing (0 bytes). Write it again.',
    );
    expect(await refused(Buffer.from('\uFEFFa\n1\n', 'utf16le'))).toBe(
      'format: x.csv: is UTF-16 text; expected UTF-8. Save it as UTF-8.',
    );
    expect(await refused(Buffer.from([0x61, 0x0a, 0xe9, 0x0a]))).toBe(
      'format: x.csv: line 2 holds bytes that are not UTF-8 text. Save it as UTF-8.',
    );
    expect(await refused('PK\u0003\u0004')).toBe(
      'format: x.csv: holds a zip archive (an .xlsx sheet?). Unpack it, or export the sheet as .csv.',
    );
  });

  // In quadratic time neither ends: the digits took minutes at a tenth of this length.
  it('takes time in proportion to what it refuses', async () => {
    const digits = `a,b\n1,2\n${'1'.repeat(2_000_000)}x,3\n`;
    expect(await refused(digits)).toMatch(
      /^data: x\.csv: line 3, column "a": expected a number, but "1{40}\.\.\." came\./,
    );
    const quoted = `a,b\n1,"${'2,3\n'.repeat(2_000_000)}`;
    const endless =
      'format: x.csv: line 2: a quoted cell is never closed within 4,194,304 characters, the most that a record may have. Close it with a quote, or write texts of that length as .jsonl.';
    expect(await refused(quoted)).toBe(endless);
    expect(await refused(`a\n${'"'.repeat(5_000_000)}`)).toBe(endless);
    expect(await refused(`a,b\n1,"${'2,3\n'.repeat(20_000)}`)).toBe(
      'format: x.csv: line 2: a quoted cell is never closed. Close it with a quote; a quote within a quoted cell is written twice.',
    );
  });

  it('reads a record of many pieces, with line ends and without', async () => {
    for (const text of ['x'.repeat(1_000_000), 'x\n'.repeat(400_000), `""`.repeat(500_000)]) {
      const file = folder.write('long.csv', `text,a\n"${text}",1\nshort,2\n`);
      expect((await readAll(file, { columns: ['a'] })).rows).toEqual([[1], [2]]);
    }
  });
});
