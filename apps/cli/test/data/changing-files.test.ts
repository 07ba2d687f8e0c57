import {
  appendFileSync,
  closeSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { writeSafetensors } from '@ddcl/core/safetensors';
import { packIndices } from '@ddcl/vq';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, it } from 'vitest';
import { openData } from '../../src/data/open-data.ts';
import type { EncoderRecord } from '../../src/encoder/encoder-record.ts';
import { openImages } from '../../src/images/open-images.ts';
import { readRegular } from '../../src/output/read-file.ts';
import { openText } from '../../src/text/open-text.ts';
import { openTokenShards } from '../../src/token-shards/open-token-shards.ts';
import { ShardWriter } from '../../src/token-shards/shard-writer.ts';
import { openCodes } from '../../src/vq/codes-file.ts';
import { fixture } from './fixtures.ts';
import { refusal, testFolder } from './support.ts';

const folder = testFolder();

/** What somebody may do to a file while it is read, and what is said of it. */
const changes: Readonly<Record<string, readonly [change: (file: string) => void, said: RegExp]>> = {
  'written again in place': [
    (file) => {
      // As a later write would: the clock of a file system may stand still for some milliseconds.
      const { mtimeMs } = statSync(file);
      utimesSync(file, new Date(), new Date(mtimeMs + 1000));
    },
    /\(it was written to and has the same length\)/,
  ],
  'added to': [(file) => appendFileSync(file, '\n'), /\(it had \d+ bytes and has \d+ now\)/],
  'cut short': [(file) => truncateSync(file, statSync(file).size - 1), /\(it had \d+ bytes and has \d+ now\)/],
};
const replaced = /\(another file has its name now\)/;
const message = (file: string, said: RegExp): RegExp =>
  new RegExp(
    `^data: ${file.replace('.', '\\.')}: changed while it was read ${said.source}, so that parts of it would belong to different data\\. Run the command again when nothing writes to it\\.$`,
  );

/** Another file of the same content, under its name. */
function replace(file: string, content: Uint8Array): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}

const rows = Array.from({ length: 4 }, (_, row) => ({ x: row + 0.5, y: -row, text: `row ${row}` }));
const table = (separator: string): string =>
  [['x', 'y', 'text'], ...rows.map(({ x, y, text }) => [x, y, text])].map((row) => row.join(separator)).join('\n');
const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const parquet = new Uint8Array(
  parquetWriteBuffer({
    columnData: [
      { name: 'x', data: rows.map(({ x }) => x) },
      { name: 'y', data: rows.map(({ y }) => y) },
      { name: 'text', data: rows.map(({ text }) => text), type: 'STRING' },
    ],
    rowGroupSize: 2,
  }),
);
const matrix = writeSafetensors(new Map([['t', { dtype: 'F32', shape: [2, 3], data: new Float32Array(6) }]]));
const contents: Readonly<Record<string, Uint8Array>> = {
  'a.csv': Buffer.from(table(',')),
  'a.tsv': Buffer.from(table('\t')),
  'a.jsonl': Buffer.from(lines),
  'a.jsonl.gz': gzipSync(lines),
  'a.parquet': parquet,
};

/** Opens data, and changes the file when its first bytes were read. */
async function readChanged(file: string, change: (file: string) => void): Promise<number[]> {
  let changed = false;
  const opened = await openData([file], {
    dtype: 'float64',
    ...(/npy|safetensors/.test(file) ? {} : { columns: ['x', 'y'] }),
    onProgress: () => {
      if (!changed) change(file);
      changed = true;
    },
  });
  try {
    const { data } = await opened.reader.read(0, opened.reader.tokens);
    expect(changed).toBe(true);
    return [...data];
  } finally {
    await opened.close();
  }
}

describe.each(['a.csv', 'a.tsv', 'a.jsonl', 'a.jsonl.gz', 'a.parquet', 'a.npy', 'a.safetensors'])(
  'numbers of %s',
  (name) => {
    const bytes = contents[name] ?? (name === 'a.npy' ? fixture('npy_f4') : matrix);

    it.each(Object.entries(changes))('%s', async (_, [change, said]) => {
      const file = folder.write(name, bytes);
      expect(await refusal(readChanged(file, change), folder.path)).toMatch(message(name, said));
    });

    it('replaced under its name: read as it was', async () => {
      const file = folder.write(name, bytes);
      const whole = await readChanged(file, () => {});
      expect(await readChanged(file, (each) => replace(each, Buffer.from('other')))).toEqual(whole);
    });
  },
);

it('is what is said, and not what is wrong with the bytes that came instead', async () => {
  // Read in pieces of 256 KiB, of which the later ones are still to come.
  const file = folder.write('long.jsonl', lines.repeat(20_000));
  const overwrite = (): void => {
    const { size } = statSync(file);
    const handle = openSync(file, 'r+');
    writeSync(handle, Buffer.alloc(size / 2, 'x\n'), 0, size / 2, size / 2);
    closeSync(handle);
  };
  expect(await refusal(readChanged(file, overwrite), folder.path)).toMatch(
    /^data: long\.jsonl: changed while it was read/,
  );
});

const texts = { ...contents, 'a.txt': Buffer.from('one\ntwo\n'), 'texts/b.txt': Buffer.from('one') };

describe.each(Object.entries(texts))('texts of %s', (name, bytes) => {
  const prepare = async (): Promise<[file: string, path: string]> => {
    const isFolder = name.startsWith('texts/');
    if (isFolder) rmSync(`${folder.path}/texts`, { recursive: true, force: true });
    const file = folder.write(name, bytes);
    return [file, isFolder ? `${folder.path}/texts` : file];
  };
  const pass = async (documents: AsyncIterable<unknown>): Promise<void> => {
    for await (const document of documents) void document;
  };

  it.each(Object.entries(changes))('%s between the passes and within the first', async (_, [change, said]) => {
    let [file, path] = await prepare();
    const opened = await openText([path]);
    await pass(opened.documents());
    change(file);
    expect(await refusal(pass(opened.documents()), folder.path)).toMatch(message(name, said));
    [file, path] = await prepare();
    // Of a folder's file the next look is that of the next pass.
    let changed = false;
    const onDocument = (): void => {
      if (!changed) change(file);
      changed = true;
    };
    const both = async (): Promise<void> => pass((await openText([path], { onDocument })).documents());
    expect(await refusal(both(), folder.path)).toMatch(message(name, said));
  });

  it('replaced under its name: the next pass says so', async () => {
    const [file, path] = await prepare();
    const opened = await openText([path]);
    replace(file, bytes);
    expect(await refusal(pass(opened.documents()), folder.path)).toMatch(message(name, replaced));
  });
});

it('names what comes into a folder of texts, and what goes', async () => {
  const first = folder.write('many/1.txt', 'one');
  folder.write('many/2.txt', '');
  const path = `${folder.path}/many`;
  const again = async (change: () => void): Promise<string> => {
    const { documents } = await openText([path]);
    change();
    return refusal(
      (async () => {
        for await (const document of documents()) void document;
      })(),
      folder.path,
    );
  };
  expect(await again(() => void folder.write('many/2.txt', 'now'))).toMatch(
    message('many/2.txt', /\(it had 0 bytes and has 3 now\)/),
  );
  expect(await again(() => void folder.write('many/0.txt', 'new'))).toMatch(
    message('many', /\("0.txt" came into it\)/),
  );
  expect(await again(() => rmSync(first))).toMatch(message('many', /\("1.txt" is gone\)/));
  expect(await again(() => {})).toBe('nothing thrown');
});

describe('files of ddcl', () => {
  it.each(Object.entries(changes))('token shards and codes: %s', async (_, [change, said]) => {
    const record: EncoderRecord = {
      encoder: 'e',
      hash: '0'.repeat(64),
      dtype: 'fp32',
      maxTokens: 8,
      dropSpecial: false,
      textField: null,
      stripHtml: false,
      dimension: 2,
    };
    const writer = new ShardWriter({ folder: folder.path, record });
    await writer.add({ tokens: Float32Array.of(1, 2, 3, 4), place: 'p', truncated: false, empty: false });
    await writer.finish();
    const shard = 'tokens-00000.safetensors';
    const shards = await openTokenShards([`${folder.path}/${shard}`], true);
    change(`${folder.path}/${shard}`);
    expect(await refusal(Promise.resolve(shards.reader.read(0, 2)), folder.path)).toMatch(message(shard, said));
    await shards.close();

    const file = folder.write('c.codes', packIndices(Int32Array.from([0, 1, 2]), [4]));
    const codes = await openCodes(file);
    change(file);
    expect(await refusal(codes.blocks().next(), folder.path)).toMatch(message('c.codes', said));
    await codes.close();
  });

  it('what is read in one piece, such as an image or a model, while it grows', async () => {
    const file = folder.write('grows.png', new Uint8Array(1 << 24));
    const growing = async (reading: Promise<unknown>): Promise<unknown> => {
      let done = false;
      const ended = reading.then(
        () => undefined,
        (error: unknown) => error,
      );
      void ended.then(() => (done = true));
      while (!done) {
        appendFileSync(file, '.');
        await setImmediate();
      }
      return ended;
    };
    expect(String(await growing(readRegular(file)))).toMatch(/it changed while it was read: it had \d+ bytes and has/);
    const signal = new AbortController().signal;
    expect(String(await growing(openImages(folder.path, { signal, onProgress: () => {} })))).toMatch(
      /grows\.png: cannot be read \(it changed while it was read: .*\)\. Run the command again when nothing writes there\./,
    );
  });
});
