import { gzipSync } from 'node:zlib';
import { openData } from '@ddcl/cli/dist/data/open-data.js';
import { readNpy } from '@ddcl/cli/dist/data/npy-reader.js';
import { readLabelFile } from '@ddcl/cli/dist/data/label-file.js';
import { openText } from '@ddcl/cli/dist/text/open-text.js';
import { mutateJson } from '../inputs/mutate-json.ts';
import { mutateText } from '../inputs/mutate-text.ts';
import type { Mutation } from '../inputs/mutation.ts';
import { seedFiles } from './seed-files.ts';
import { requireEqual, type Reader } from './reader.ts';
import { temporaryFile } from './temporary-file.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Table {
  readonly dimension: number;
  readonly columns: readonly string[] | undefined;
  readonly data: Float64Array;
}

/** All that a command reads from a data file. */
async function readTable(file: string, options: { readonly labels?: string } = {}): Promise<Table> {
  const opened = await openData([file], { dtype: 'float64', ...options });
  try {
    const { tokens, dimension } = opened.reader;
    const { data, rows } = await opened.reader.read(0, tokens);
    return { dimension, columns: opened.columns, data: Float64Array.from(data.subarray(0, rows * dimension)) };
  } finally {
    await opened.close();
  }
}

function dataReader(
  name: string,
  ending: string,
  seeds: () => readonly Uint8Array[],
  mutations: readonly Mutation[],
  check: (table: Table, bytes: Uint8Array) => void = () => {},
): Reader {
  return {
    name,
    seeds,
    mutations,
    async read(bytes) {
      check(await readTable(temporaryFile(`x.${ending}`, bytes)), bytes);
    },
  };
}

/** Where there is no quote, every line is a row and its cells are what is between the separators: read once more by that alone. */
function checkCells(separator: string): (table: Table, bytes: Uint8Array) => void {
  return ({ data, columns = [] }, bytes) => {
    const text = new TextDecoder().decode(bytes);
    if (text.includes('"')) return;
    const lines = text.replaceAll(/\r\n?/g, '\n').split('\n');
    while (lines.at(-1)?.trim() === '') lines.pop();
    const numbers = lines.map((line) => line.split(separator).map((cell) => (cell.trim() === '' ? NaN : Number(cell))));
    const isHeader = columns.some((column) => !/^column\d+$/.test(column)) || numbers[0]!.every(Number.isNaN);
    requireEqual('cells', [...data], numbers.slice(isHeader ? 1 : 0).flat());
  };
}

function checkLines({ data }: Table, bytes: Uint8Array): void {
  const lines = new TextDecoder().decode(bytes).replaceAll(/\r\n?/g, '\n').trimEnd().split('\n');
  const rows = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  // Only rows of plain numbers: which of several columns are taken is the business of other tests.
  const names = Object.keys(rows[0]!);
  if (!rows.every((row) => names.every((name) => Object.hasOwn(row, name) && typeof row[name] === 'number'))) return;
  requireEqual(
    'rows',
    [...data],
    rows.flatMap((row) => names.map((name) => row[name])),
  );
}

function npy(descr: string, shape: string, data: ArrayBufferView, version = 1): Uint8Array {
  const start = version === 1 ? 10 : 12;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  const header = `${text.padEnd(64 * Math.ceil((start + text.length + 1) / 64) - start - 1)}\n`;
  const bytes = new Uint8Array(start + header.length + data.byteLength);
  bytes.set([0x93, ...Buffer.from('NUMPY'), version, 0]);
  new DataView(bytes.buffer).setUint16(8, header.length, true);
  bytes.set(Buffer.from(header, 'latin1'), start);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start + header.length);
  return bytes;
}

const matrices = (): Uint8Array[] => [
  npy('<f4', '(2, 3)', Float32Array.of(1, 2, 3, -4, 5.5, 6)),
  npy('<f8', '(3, 1)', Float64Array.of(1e-3, -2, 3), 2),
  npy('<f2', '(2, 2)', Uint16Array.of(0x3c00, 0x4000, 0xc200, 0x7bff)),
  npy('<i8', '(2, 2)', BigInt64Array.of(1n, -2n, 3n, 1n << 40n), 3),
];

const lists = (): Uint8Array[] => [
  npy('|u1', '(4,)', Uint8Array.of(0, 1, 1, 2)),
  npy('<i4', '(4,)', Int32Array.of(0, 1, 1, -2)),
];

/** Of an .npy file the header's text, which keeps its length. */
const mutateNpyHeader: Mutation = (bytes, random, others) => {
  const end = bytes.indexOf(0x0a, 10);
  const start = bytes[6] === 1 ? 10 : 12;
  if (end < start) return bytes;
  const text = Buffer.from(mutateText(bytes.subarray(start, end), random, others));
  const made = bytes.slice();
  made.fill(0x20, start, end);
  made.set(text.subarray(0, end - start), start);
  return made;
};

const tables = [
  'a,b,c\n1,2,3\n4,5.5,-6e-3\n0,0,0\n',
  '1.5,2\n3,4\n',
  '"x","y, z"\n"1",2\n3,"4"\n',
  'a\n1\n\n',
  'a,b\r\n1,2\r\n',
];
const lines = [
  '{"a": 1, "b": 2}\n{"a": 3, "b": 4.5}\n',
  '[1, 2, 3]\n[4, 5, 6]\n',
  '{"vector": [1, 2], "label": "x"}\n{"vector": [3, 4], "label": "y"}\n',
];
const texts = [
  '{"text": "One two <b>three</b> &amp; four.", "label": "x", "date": "2020-01-02"}\n{"text": "", "label": "y"}\n',
  '{"text": "a", "id": 7, "label": 1}\n',
];
const cells = ['text\tlabel\nOne <i>two</i>.\tx\n"a ""quote"""\ty\n', 'label\ttext\n1\tb\n'];

/** Texts once through and once more, as commands read them. */
const textReader = (
  name: string,
  ending: string,
  made: readonly string[],
  labels: string | undefined,
  mutations: readonly Mutation[],
): Reader => ({
  name,
  seeds: () => made.map(bytesOf),
  mutations,
  async read(bytes) {
    const opened = await openText([temporaryFile(`x.${ending}`, bytes)], { labels, stripHtml: true });
    let documents = 0;
    for await (const { text, label } of opened.documents()) {
      if (label !== undefined) requireEqual('label', label, opened.labels![documents]);
      if (typeof text !== 'string') throw new TypeError(`a text is ${typeof text}`);
      documents++;
    }
    requireEqual('documents', documents, opened.count);
  },
});

const readers: Reader[] = [
  dataReader('npy', 'npy', matrices, [mutateNpyHeader], ({ data }, bytes) => {
    // Row-major from the header's end on, as numpy has it; halves have tests of their own.
    const header = new TextDecoder('latin1').decode(bytes.subarray(0, bytes.length < 4096 ? bytes.length : 4096));
    const kind = /'descr':\s*'<(f4|f8)'/.exec(header)?.[1];
    if (kind === undefined) return;
    const width = kind === 'f4' ? 4 : 8;
    const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - width * data.length);
    const wanted = Array.from(data, (_, at) =>
      width === 4 ? view.getFloat32(4 * at, true) : view.getFloat64(8 * at, true),
    );
    requireEqual('numbers', [...data], wanted);
  }),
  {
    name: 'npy-array',
    seeds: () => [...matrices(), ...lists()],
    mutations: [mutateNpyHeader],
    async read(bytes) {
      const { shape, data } = await readNpy(temporaryFile('x.npy', bytes));
      requireEqual(
        'numbers',
        data.length,
        shape.reduce((product, length) => product * length, 1),
      );
    },
  },
  dataReader('csv', 'csv', () => tables.map(bytesOf), [mutateText, mutateText], checkCells(',')),
  dataReader('csv-gz', 'csv.gz', () => tables.map((text) => gzipSync(text)), []),
  dataReader(
    'tsv',
    'tsv',
    () => tables.map((text) => bytesOf(text.replaceAll(',', '\t'))),
    [mutateText, mutateText],
    checkCells('\t'),
  ),
  dataReader('jsonl', 'jsonl', () => lines.map(bytesOf), [mutateText, mutateJson], checkLines),
  dataReader('parquet', 'parquet', () => seedFiles('parquet'), []),
  {
    name: 'labels',
    seeds: () => ['"a"\n"b"\n1\n', '1\n2\n3\n'].map(bytesOf),
    mutations: [mutateText],
    async read(bytes) {
      for (const ending of ['txt', 'csv', 'jsonl']) {
        const labels = await readLabelFile(temporaryFile(`x.${ending}`, bytes), 3, undefined);
        requireEqual('labels', labels.length, 3);
      }
    },
  },
  textReader('text-jsonl', 'jsonl', texts, 'label', [mutateText, mutateJson]),
  textReader('text-tsv', 'tsv', cells, 'label', [mutateText, mutateText]),
  textReader('text-txt', 'txt', ['One.\nTwo <b>\n\nThree\n', 'a'], undefined, [mutateText]),
];
export default readers;
