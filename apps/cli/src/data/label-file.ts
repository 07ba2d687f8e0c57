import { isFile } from '../output/entry-at.ts';
import { csvRecords } from './csv-records.ts';
import { argumentError, dataError, describeCell, formatError, listNames } from './data-error.ts';
import { fileKind, type NamedFile } from './file-kind.ts';
import { createLabelList } from './label-list.ts';
import { suggestion } from './nearest-name.ts';
import { readNpy } from './npy-reader.ts';
import { textLines } from './text-lines.ts';

/**
 * Reads labels from a file of their own: integers of an .npy array, or one label on each line of a .txt, .csv, .tsv or
 * .jsonl file (these also with .gz). There is no header line.
 *
 * @param tokens labels needed, one for each token in order
 * @throws DdclError `argument` for other kinds of files; `data` when there are more or fewer labels, empty
 *   ones, or several cells on a line; else as the readers of these files do
 */
export async function readLabelFile(
  file: string,
  tokens: number,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const list = createLabelList();
  const named = fileKind(
    file,
    ['npy', 'txt', 'csv', 'tsv', 'jsonl'],
    () => 'labels are read from .npy, .txt, .csv, .tsv and .jsonl files. Convert it, or name a column of the data.',
  );
  for await (const { cells, place } of labelCells(named, signal)) {
    for (let row = 0; row < cells.length; row++) list.add(file, place, row, cells[row]);
  }
  const count = list.labels.length;
  if (count === tokens) return list.labels;
  const header =
    count === tokens + 1
      ? ' If its first line is a header, remove that line.'
      : ' Give one label for each token, in the same order.';
  throw dataError(file, `has ${count} labels, but the data have ${tokens} tokens.${header}`);
}

interface LabelCells {
  readonly cells: ArrayLike<unknown>;
  place(row: number): string;
}

async function* labelCells(
  { file, kind, gzipped }: NamedFile,
  signal: AbortSignal | undefined,
): AsyncGenerator<LabelCells> {
  if (kind === 'npy') yield await readNumbers(file);
  else if (kind === 'csv' || kind === 'tsv') {
    for await (const { records, line } of csvRecords(file, kind === 'csv' ? ',' : '\t', { gzipped, signal })) {
      const place = (row: number): string => `line ${line(row)}`;
      yield { cells: records.map((record, row) => onlyCell(file, place(row), record)), place };
    }
  } else {
    for await (const { first, texts } of textLines(file, { gzipped, signal })) {
      const place = (row: number): string => `line ${first + row}`;
      yield { cells: kind === 'txt' ? texts : texts.map((text, row) => parseLabel(file, place(row), text)), place };
    }
  }
}

async function readNumbers(file: string): Promise<LabelCells> {
  const { shape, data, integers } = await readNpy(file);
  if (!integers || shape.filter((length) => length !== 1).length > 1) {
    throw dataError(
      file,
      `holds ${integers ? 'integers' : 'floats'} of the shape (${shape.join(', ')}); expected a list of integers. Save labels.astype(numpy.int32).`,
    );
  }
  return { cells: data, place: (at) => `number ${at}` };
}

function onlyCell(file: string, place: string, record: readonly string[]): unknown {
  if (record.length === 1) return record[0];
  throw dataError(file, `${place} has ${record.length} cells; expected one label a line. Keep the label column only.`);
}

function parseLabel(file: string, place: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw formatError(
      file,
      `${place} is not JSON: ${describeCell(text)}. Write texts in quotes, or name the file .txt.`,
      cause,
    );
  }
}

/**
 * Refuses a --labels that is neither a column nor a file, before the data are read.
 *
 * @param columns names of those of the data; none where they have no names
 * @throws DdclError `argument`
 */
export async function checkLabelFile(file: string, labels: string, columns: readonly string[] = []): Promise<void> {
  if (await isFile(labels)) return;
  const own =
    columns.length === 0
      ? '. Its columns have no names.'
      : `${suggestion(labels, columns) || '.'} Its columns: ${listNames(columns, 40)}.`;
  throw argumentError(
    file,
    `--labels ${JSON.stringify(labels)} is neither a column of the data nor a file${own} A file has a label for each token: .txt, .csv, .tsv, .jsonl or .npy.`,
  );
}
