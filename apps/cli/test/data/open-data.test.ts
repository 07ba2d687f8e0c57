import { describe, expect, it } from 'vitest';
import { openData } from '../../src/data/open-data.ts';
import { fixture, floats, signed } from './fixtures.ts';
import { readAll, refusal, testFolder, type PartialOptions } from './support.ts';

const folder = testFolder();
const refused = (files: readonly string[], options: PartialOptions = {}): Promise<string> =>
  refusal(readAll(files, options), folder.path);

describe('several files as one', () => {
  it('joins matrices, also within one read', async () => {
    const files = [
      folder.write('1.npy', fixture('npy_f4')),
      folder.write('2.npy', fixture('npy_i2')),
      folder.write('3.npy', fixture('npy_f8')),
    ];
    const all = [...floats, ...signed, ...floats];
    const { reader, close, describe: describeData } = await openData(files, { dtype: 'float32' });
    expect(reader.tokens).toBe(6);
    for (let start = 0; start < 6; start++) {
      for (let count = 1; count <= 6 - start; count++) {
        expect([...(await reader.read(start, count)).data]).toEqual(all.slice(3 * start, 3 * (start + count)));
      }
    }
    expect(describeData()).toBe(`3 files (${files[0]}, ...): 6 tokens of dimension 3`);
    await close();
  });

  it('joins tables by column name, and their labels', async () => {
    const files = [folder.write('1.csv', 'a,b,kind\n1,2,p\n'), folder.write('2.csv', 'kind,b,a\nq,4,3\n')];
    const { rows, labels } = await readAll(files, { columns: ['a', 'b'], labels: 'kind' });
    expect(rows).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(labels).toEqual(['p', 'q']);
    expect(await refused(files, { labels: 'kind' })).toBe(
      'data: 2.csv: has the columns "b", "a", but 1.csv has "a", "b". Name the columns to use, for example --columns a,b.',
    );
  });

  it('refuses files that do not fit each other', async () => {
    const npy = folder.write('1.npy', fixture('npy_f4'));
    const csv = folder.write('1.csv', 'a,b\n1,2\n');
    expect(await refused([npy, csv])).toBe(
      'argument: 1.csv: is a .csv file, but "1.npy" before it is .npy; several files are read as one only when they are of one kind. Convert one of them.',
    );
    const { writeNpy } = await import('../../src/data/npy-writer.ts');
    const wide = folder.write('wide.npy', '');
    await writeNpy(wide, [1, 4], 'float32', [[1, 2, 3, 4]]);
    expect(await refused([npy, wide])).toBe(
      'data: wide.npy: has tokens of 4 numbers, but 1.npy has 3. Files that are read as one need the same columns.',
    );
    const two = folder.write('two.jsonl', '[1,2]\n');
    const three = folder.write('three.jsonl', '[1,2,3]\n');
    expect(await refused([two, three])).toBe(
      'data: three.jsonl: has tokens of 3 numbers, but two.jsonl has 2. Files that are read as one need vectors of one length.',
    );
    const named = folder.write('named.jsonl', '{"a":1,"b":2}\n');
    expect(await refused([two, named])).toBe(
      'data: named.jsonl: has the columns "a", "b", but two.jsonl has bare arrays. Write all rows alike.',
    );
  });
});

describe('paths', () => {
  it('refuses what is missing, a folder, or of another kind', async () => {
    expect(await refused([`${folder.path}/no.csv`])).toBe(
      'argument: no.csv: there is no such file (looked for no.csv). Check the path.',
    );
    const { mkdirSync } = await import('node:fs');
    mkdirSync(`${folder.path}/folder.npy`);
    expect(await refused([`${folder.path}/folder.npy`])).toBe(
      'argument: folder.npy: is a folder; expected a file. Name the files in it, for example with a wildcard.',
    );
    const endings =
      'the ending says nothing that can be read; expected .npy, .csv, .tsv, .jsonl (these three also with .gz), .parquet or .safetensors.';
    expect(await refused(['model.pt'])).toBe(
      `argument: model.pt: ${endings} Pickled files can run code and are never loaded; save the tensor as .safetensors or .npy.`,
    );
    expect(await refused(['x.npy.gz'])).toBe(`argument: x.npy.gz: ${endings} Unpack it with gunzip.`);
    expect(await refused(['data'])).toBe(`argument: data: ${endings} Rename or convert it.`);
    expect(await refused([])).toBe('argument: DATA: no file was given. Name at least one data file.');
  });

  it('takes endings in capitals', async () => {
    expect((await readAll(folder.write('X.CSV', 'a\n1\n'))).rows).toEqual([[1]]);
  });
});

describe('the fingerprint', () => {
  it('changes with numbers, columns, order, dtype and labels, and with nothing else', async () => {
    const file = folder.write('f.csv', 'a,b,kind\n1,2,p\n3,4,q\n');
    const print = async (options: PartialOptions = {}): Promise<string> =>
      (await readAll(file, { columns: ['a', 'b'], ...options })).fingerprint;
    const base = await print();
    expect(base).toMatch(/^[0-9a-f]{64}$/);
    expect(await print({ spoolBytes: 0 })).toBe(base);
    const others = [
      await print({ columns: ['b', 'a'] }),
      await print({ columns: ['a'] }),
      await print({ dtype: 'float32' }),
      await print({ labels: 'kind' }),
    ];
    folder.write('f.csv', '"a",b,kind\r\n1.0,2,p\r\n3,4,z\r\n');
    expect(await print()).toBe(base);
    folder.write('f.csv', 'a,b,kind\n1,2,p\n3,5,q\n');
    others.push(await print());
    const matrix = folder.write('f.npy', fixture('npy_f4'));
    const first = (await readAll(matrix)).fingerprint;
    const bytes = fixture('npy_f4');
    bytes.writeFloatLE(1024.5, 128 + 16);
    folder.write('f.npy', bytes);
    others.push(first, (await readAll(matrix)).fingerprint);
    expect(new Set([base, ...others]).size).toBe(8);
  });
});

describe('progress and interruption', () => {
  it('reports bytes up to the size of the files', async () => {
    const csv = folder.write('p.csv', `a\n${'1\n'.repeat(500_000)}`);
    const npy = folder.write('p.npy', fixture('npy_f4'));
    const parquet = folder.write('p.parquet', fixture('pq_list'));
    for (const [file, share] of [
      [csv, 1],
      [npy, 24 / 152],
      [parquet, 1],
    ] as const) {
      const seen: [number, number][] = [];
      await readAll(file, { onProgress: (done, total) => seen.push([done, total]) });
      const [done, total] = seen.at(-1)!;
      expect(done / total).toBeCloseTo(share, 2);
      expect(seen.every(([some], index) => index === 0 || some >= seen[index - 1]![0])).toBe(true);
    }
  });

  it('stops when the signal fires', async () => {
    const csv = folder.write('s.csv', `a\n${'1\n'.repeat(500_000)}`);
    const controller = new AbortController();
    expect(await refused([csv], { signal: controller.signal, onProgress: () => controller.abort() })).toBe(
      'aborted: Reading the data was interrupted.',
    );
    expect(await refused([folder.write('s.npy', fixture('npy_f4'))], { signal: controller.signal })).toBe(
      'aborted: Reading the data was interrupted.',
    );
  });
});
