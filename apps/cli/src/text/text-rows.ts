import { readdir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { argumentError, dataError, describeCell, listNames } from '../data/data-error.ts';
import { fileKind, type NamedFile } from '../data/file-kind.ts';
import { suggestion } from '../data/nearest-name.ts';
import type { KnownFiles } from '../data/known-files.ts';
import { openTable } from '../data/open-table.ts';
import type { Table } from '../data/table.ts';
import { textChunks } from '../data/text-chunks.ts';
import { textLines } from '../data/text-lines.ts';
import { entryAt } from '../output/entry-at.ts';
import type { TextDocument } from './text-document.ts';

/** A file of texts, or a folder of them. */
export type TextFile = NamedFile<(typeof textKinds)[number]> | { readonly file: string; readonly kind: 'folder' };

const textKinds = ['jsonl', 'tsv', 'csv', 'parquet', 'txt'] as const;

export interface TextReading {
  readonly textField: string;
  readonly labels: string | undefined;
  /** Told of rows that are no texts, which are then left out. Default: they are errors. */
  readonly onBadRow?: ((place: string, error: unknown) => void) | undefined;
  /** Field or column of the date. */
  readonly timeField?: string | undefined;
  /** As the passes before found the files. */
  readonly known: KnownFiles;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes: (bytes: number) => void;
}

/**
 * What a path of `--text` is, by its name, or a folder.
 *
 * @throws DdclError `argument` for a path that is not there, or an ending that nothing reads
 */
export async function textFile(file: string): Promise<TextFile> {
  const entry = await entryAt(file);
  if (entry === undefined) throw argumentError(file, 'there is no such file or folder. Check the path.');
  if (entry.isDirectory()) return { file, kind: 'folder' };
  return fileKind(
    file,
    textKinds,
    (ending) =>
      `the ending says nothing that can be read as text; expected .jsonl, .tsv, .csv, .txt (these also with .gz), .parquet, or a folder of .txt files. ${ending === 'json' ? 'Write one JSON object a line and name it .jsonl.' : 'Rename or convert it.'}`,
  );
}

/** The documents of one path, one pass. */
export function textRows(file: TextFile, reading: TextReading): AsyncGenerator<TextDocument> {
  if (file.kind === 'folder') return folderTexts(file.file, reading);
  if (file.kind === 'txt') return lineTexts(file, reading);
  return tableTexts(file, reading);
}

function columnOf({ file, columns = [] }: Table, name: string, option: string): number {
  const index = columns.indexOf(name);
  if (index >= 0) return index;
  throw argumentError(
    file,
    `has no field ${JSON.stringify(name)}${suggestion(name, columns) || '.'} It has ${columns.length === 0 ? 'bare arrays' : listNames(columns, 40)}; choose with ${option}.`,
  );
}

async function* tableTexts(
  named: NamedFile,
  { textField, labels, timeField, onBadRow, ...reading }: TextReading,
): AsyncGenerator<TextDocument> {
  const wanted = [textField, labels, timeField].filter((name) => name !== undefined);
  const onBadLine = onBadRow && ((line: number, error: unknown) => onBadRow(`${named.file} line ${line}`, error));
  const table = await openTable(named, { wanted, emptyCells: true, onBadLine, ...reading });
  try {
    const { file } = named;
    const text = columnOf(table, textField, '--text-field');
    const label = labels === undefined ? undefined : columnOf(table, labels, '--labels');
    const time = timeField === undefined ? undefined : columnOf(table, timeField, '--time');
    const id = table.columns?.indexOf('id') ?? -1;
    const columns = [text, label, id < 0 ? undefined : id, time].filter((column) => column !== undefined);
    for await (const batch of table.batches(columns)) {
      for (let row = 0; row < batch.rows; row++) {
        const cell = batch.cell(row, text);
        const place = batch.place(row);
        if (typeof cell !== 'string') {
          const error = dataError(
            file,
            `${place}: expected a text in ${JSON.stringify(textField)}, but ${describeCell(cell)} came. Repair the row, or choose another field with --text-field.`,
          );
          if (onBadRow === undefined) throw error;
          onBadRow(`${file} ${place}`, error);
          continue;
        }
        yield {
          text: cell,
          place: `${file} ${place}`,
          ...idOf(id < 0 ? undefined : batch.cell(row, id)),
          ...(label === undefined ? {} : { label: labelOf(file, place, labels!, batch.cell(row, label)) }),
          ...(time === undefined ? {} : { time: batch.cell(row, time) }),
        };
      }
    }
  } finally {
    await table.close();
  }
}

function idOf(cell: unknown): { readonly id?: string } {
  return typeof cell === 'string' || typeof cell === 'number' || typeof cell === 'bigint' ? { id: String(cell) } : {};
}

function labelOf(path: string, place: string, field: string, cell: unknown): string {
  if (typeof cell === 'string' && cell !== '') return cell;
  if (typeof cell === 'number' || typeof cell === 'bigint' || typeof cell === 'boolean') return String(cell);
  throw dataError(
    path,
    `${place}: expected a label in ${JSON.stringify(field)}, but ${describeCell(cell)} came. Give every document a label, or leave --labels out.`,
  );
}

/** Each line is a document; an empty one too, but not what follows the last line end. */
async function* lineTexts({ file, gzipped }: NamedFile, reading: TextReading): AsyncGenerator<TextDocument> {
  refuseLabels(file, reading.labels);
  refuseTime(file, reading.timeField);
  const { known, signal, onBytes } = reading;
  for await (const { first, texts } of textLines(file, { gzipped, known, signal, onBytes, emptyLines: true })) {
    for (const [index, text] of texts.entries()) yield { text, place: `${file} line ${first + index}` };
  }
}

function refuseLabels(path: string, labels: string | undefined): void {
  if (labels === undefined) return;
  throw argumentError(
    path,
    `lines of text have no field ${JSON.stringify(labels)}. Use .jsonl, .tsv, .csv or .parquet for texts with labels, or a folder with a sub-folder per label and --labels folder.`,
  );
}

function refuseTime(path: string, field: string | undefined): void {
  if (field === undefined) return;
  throw argumentError(
    path,
    `texts without fields have no date ${JSON.stringify(field)}. Use .jsonl, .tsv, .csv or .parquet for texts with dates, or leave --time out.`,
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
export async function textBytes({ file, kind }: TextFile): Promise<number> {
  const paths = kind === 'folder' ? (await textPaths(file)).map((name) => join(file, name)) : [file];
  let bytes = 0;
  for (const each of paths) bytes += (await stat(each)).size;
  return bytes;
}

/** Every .txt file below a folder is a document, in the order of their paths. With labels `folder` its first sub-folder is its label. */
async function* folderTexts(
  folder: string,
  { labels, timeField, known, signal, onBytes }: TextReading,
): AsyncGenerator<TextDocument> {
  refuseTime(folder, timeField);
  if (labels !== undefined && labels !== 'folder') {
    throw argumentError(
      folder,
      `files of a folder have no field ${JSON.stringify(labels)}. With --labels folder the first sub-folder is the label.`,
    );
  }
  const paths = await textPaths(folder);
  known.checkFolder(folder, paths);
  if (paths.length === 0)
    throw dataError(folder, 'the folder has no .txt file, in itself or below. Give a folder of texts, or a file.');
  for (const path of paths) {
    const full = join(folder, path);
    let text = '';
    const entry = await stat(full, { bigint: true });
    known.checkFile(full, entry);
    if (entry.size > 0n) {
      for await (const chunk of textChunks(full, { gzipped: false, known, signal, onBytes })) text += chunk;
    }
    const parts = path.split(sep);
    const id = parts.join('/');
    if (labels === undefined) yield { text, place: full, id };
    else if (parts.length > 1) yield { text, place: full, id, label: parts[0]! };
    else throw dataError(full, 'lies in no sub-folder, so it has no label. Move it into one, or leave --labels out.');
  }
}
