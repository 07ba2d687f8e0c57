import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { openCsv } from '../data/csv-table.ts';
import { dataError, describeCell, listNames } from '../data/data-error.ts';
import { openJsonLines } from '../data/json-lines-table.ts';
import { suggestion } from '../data/nearest-name.ts';
import { openFile } from '../data/open-file.ts';
import { openParquet } from '../data/parquet-table.ts';
import type { Table } from '../data/table.ts';
import { textChunks } from '../data/text-chunks.ts';
import type { TextDocument } from './text-document.ts';
import { batchesOfLines, openTabs } from './tab-table.ts';

/** Where texts come from. */
export type TextKind = 'jsonl' | 'tsv' | 'csv' | 'parquet' | 'txt' | 'folder';

export interface TextFile {
  readonly path: string;
  readonly kind: TextKind;
  readonly gzipped: boolean;
}

export interface TextReading {
  readonly textField: string;
  readonly labels: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes: (bytes: number) => void;
}

const kinds: readonly string[] = ['jsonl', 'tsv', 'csv', 'parquet', 'txt'];

/**
 * What a path of `--text` is, by its name, or a folder.
 *
 * @throws DdclError `argument` for a path that is not there, or an ending that nothing reads
 */
export async function textFile(path: string): Promise<TextFile> {
  const entry = await stat(path).catch(() => undefined);
  if (entry === undefined) throw dataError('argument', path, 'there is no such file or folder. Check the path.');
  if (entry.isDirectory()) return { path, kind: 'folder', gzipped: false };
  const [, ending = '', packed] = /\.([a-z]+?)(\.gz)?$/i.exec(path) ?? [];
  const kind = ending.toLowerCase();
  const gzipped = packed !== undefined;
  if (kinds.includes(kind) && !(gzipped && kind === 'parquet')) return { path, kind: kind as TextKind, gzipped };
  throw dataError(
    'argument',
    path,
    `the ending says nothing that can be read as text; expected .jsonl, .tsv, .csv, .txt (these also with .gz), .parquet, or a folder of .txt files. ${kind === 'json' ? 'Write one JSON object a line and name it .jsonl.' : 'Rename or convert it.'}`,
  );
}

/** The documents of one path, one pass. */
export function textRows(file: TextFile, reading: TextReading): AsyncGenerator<TextDocument> {
  if (file.kind === 'folder') return folderTexts(file.path, reading);
  if (file.kind === 'txt') return lineTexts(file, reading);
  return tableTexts(file, reading);
}

async function openTable(
  { path, kind, gzipped }: TextFile,
  { textField, labels, signal, onBytes }: TextReading,
): Promise<Table> {
  const wanted = labels === undefined ? [textField] : [textField, labels];
  const options = { wanted, emptyCells: true, signal, onBytes };
  if (kind === 'parquet') return openParquet(path, options);
  if (kind === 'jsonl') return openJsonLines(path, gzipped, options);
  if (kind === 'tsv') return openTabs(path, gzipped, options);
  return openCsv(path, ',', gzipped, options);
}

function columnOf({ file, columns = [] }: Table, name: string, option: string): number {
  const index = columns.indexOf(name);
  if (index >= 0) return index;
  throw dataError(
    'argument',
    file,
    `has no field ${JSON.stringify(name)}${suggestion(name, columns) || '.'} It has ${columns.length === 0 ? 'bare arrays' : listNames(columns, 40)}; choose with ${option}.`,
  );
}

async function* tableTexts(file: TextFile, reading: TextReading): AsyncGenerator<TextDocument> {
  const table = await openTable(file, reading);
  try {
    const text = columnOf(table, reading.textField, '--text-field');
    const label = reading.labels === undefined ? undefined : columnOf(table, reading.labels, '--labels');
    for await (const batch of table.batches(label === undefined ? [text] : [text, label])) {
      for (let row = 0; row < batch.rows; row++) {
        const cell = batch.cell(row, text);
        const place = `${file.path} ${batch.place(row)}`;
        if (typeof cell !== 'string') {
          throw dataError(
            'data',
            file.path,
            `${batch.place(row)}: expected a text in ${JSON.stringify(reading.textField)}, but ${describeCell(cell)} came. Repair the row, or choose another field with --text-field.`,
          );
        }
        if (label === undefined) yield { text: cell, place };
        else
          yield {
            text: cell,
            place,
            label: labelOf(file.path, batch.place(row), reading.labels!, batch.cell(row, label)),
          };
      }
    }
  } finally {
    await table.close();
  }
}

function labelOf(path: string, place: string, field: string, cell: unknown): string {
  if (typeof cell === 'string' && cell !== '') return cell;
  if (typeof cell === 'number' || typeof cell === 'bigint' || typeof cell === 'boolean') return String(cell);
  throw dataError(
    'data',
    path,
    `${place}: expected a label in ${JSON.stringify(field)}, but ${describeCell(cell)} came. Give every document a label, or leave --labels out.`,
  );
}

/** Each line is a document; an empty one too, but not what follows the last line end. */
async function* lineTexts(
  { path, gzipped }: TextFile,
  { labels, signal, onBytes }: TextReading,
): AsyncGenerator<TextDocument> {
  refuseLabels(path, labels);
  const source = await openFile(path);
  try {
    let line = 0;
    for await (const lines of batchesOfLines(textChunks(source, { gzipped, signal, onBytes }))) {
      for (const text of lines) yield { text, place: `${path} line ${++line}` };
    }
  } finally {
    await source.handle.close();
  }
}

function refuseLabels(path: string, labels: string | undefined): void {
  if (labels === undefined) return;
  throw dataError(
    'argument',
    path,
    `lines of text have no field ${JSON.stringify(labels)}. Use .jsonl, .tsv, .csv or .parquet for texts with labels, or a folder with a sub-folder per label and --labels folder.`,
  );
}

/** Paths of the .txt files of a folder, within it, sorted. */
async function textPaths(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.toLowerCase().endsWith('.txt'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** Bytes that a pass over a path reads, as they lie on the disk. */
export async function textBytes({ path, kind }: TextFile): Promise<number> {
  const paths = kind === 'folder' ? (await textPaths(path)).map((name) => join(path, name)) : [path];
  let bytes = 0;
  for (const each of paths) bytes += (await stat(each)).size;
  return bytes;
}

/** Every .txt file below a folder is a document, in the order of their paths. With labels `folder` its first sub-folder is its label. */
async function* folderTexts(folder: string, { labels, signal, onBytes }: TextReading): AsyncGenerator<TextDocument> {
  if (labels !== undefined && labels !== 'folder') {
    throw dataError(
      'argument',
      folder,
      `files of a folder have no field ${JSON.stringify(labels)}. With --labels folder the first sub-folder is the label.`,
    );
  }
  const paths = await textPaths(folder);
  if (paths.length === 0) {
    throw dataError(
      'data',
      folder,
      'the folder has no .txt file, in itself or below. Give a folder of texts, or a file.',
    );
  }
  for (const path of paths) {
    const full = join(folder, path);
    let text = '';
    if ((await stat(full)).size > 0) {
      const source = await openFile(full);
      try {
        for await (const chunk of textChunks(source, { gzipped: false, signal, onBytes })) text += chunk;
      } finally {
        await source.handle.close();
      }
    }
    const parts = path.split(sep);
    if (labels === undefined) yield { text, place: full };
    else if (parts.length > 1) yield { text, place: full, label: parts[0]! };
    else
      throw dataError(
        'data',
        full,
        'lies in no sub-folder, so it has no label. Move it into one, or leave --labels out.',
      );
  }
}
