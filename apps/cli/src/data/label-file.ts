import { stat } from 'node:fs/promises';
import { csvRecords } from './csv-records.ts';
import { dataError, describeCell } from './data-error.ts';
import { createLabelList, type LabelList } from './label-list.ts';
import { readNpy } from './npy-reader.ts';
import { openFile } from './open-file.ts';
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
  const parts = file.toLowerCase().split('.');
  const packed = parts.at(-1) === 'gz';
  const ending = parts.at(packed ? -2 : -1)!;
  if (ending === 'npy' && !packed) await readNumbers(file, list);
  else if (ending === 'txt' || ending === 'jsonl') await readLines(file, packed, ending === 'jsonl', list, signal);
  else if (ending === 'csv' || ending === 'tsv')
    await readCells(file, packed, ending === 'csv' ? ',' : '\t', list, signal);
  else
    throw dataError(
      'argument',
      file,
      'labels are read from .npy, .txt, .csv, .tsv and .jsonl files. Convert it, or name a column of the data.',
    );
  const count = list.labels.length;
  if (count === tokens) return list.labels;
  const header =
    count === tokens + 1
      ? ' If its first line is a header, remove that line.'
      : ' Give one label for each token, in the same order.';
  throw dataError('data', file, `has ${count} labels, but the data have ${tokens} tokens.${header}`);
}

async function readNumbers(file: string, list: LabelList): Promise<void> {
  const { shape, data, integers } = await readNpy(file);
  if (!integers || shape.filter((length) => length !== 1).length > 1) {
    throw dataError(
      'data',
      file,
      `holds ${integers ? 'integers' : 'floats'} of the shape (${shape.join(', ')}); expected a list of integers. Save labels.astype(numpy.int32).`,
    );
  }
  for (let row = 0; row < data.length; row++) list.add(file, (at) => `number ${at}`, row, data[row]);
}

async function readLines(
  file: string,
  gzipped: boolean,
  json: boolean,
  list: LabelList,
  signal: AbortSignal | undefined,
): Promise<void> {
  const source = await openFile(file);
  try {
    for await (const { first, texts } of textLines(source, { gzipped, signal })) {
      const place = (row: number): string => `line ${first + row}`;
      for (let row = 0; row < texts.length; row++) {
        list.add(file, place, row, json ? parseLabel(file, place(row), texts[row]!) : texts[row]);
      }
    }
  } finally {
    await source.handle.close();
  }
}

function parseLabel(file: string, place: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw dataError(
      'format',
      file,
      `${place} is not JSON: ${describeCell(text)}. Write texts in quotes, or name the file .txt.`,
      cause,
    );
  }
}

async function readCells(
  file: string,
  gzipped: boolean,
  delimiter: ',' | '\t',
  list: LabelList,
  signal: AbortSignal | undefined,
): Promise<void> {
  const source = await openFile(file);
  try {
    for await (const { records, line } of csvRecords(source, delimiter, { gzipped, signal })) {
      const place = (row: number): string => `line ${line(row)}`;
      for (let row = 0; row < records.length; row++) {
        const record = records[row]!;
        if (record.length !== 1)
          throw dataError(
            'data',
            file,
            `${place(row)} has ${record.length} cells; expected one label a line. Keep the label column only.`,
          );
        list.add(file, place, row, record[0]);
      }
    }
  } finally {
    await source.handle.close();
  }
}

/**
 * Refuses a --labels that is neither a column nor a file, before the data are read.
 *
 * @param columnsText what the message says of the columns of the data
 * @throws DdclError `argument`
 */
export async function checkLabelFile(file: string, labels: string, columnsText: string): Promise<void> {
  const found = await stat(labels).then(
    (entry) => entry.isFile(),
    () => false,
  );
  if (!found)
    throw dataError(
      'argument',
      file,
      `--labels ${JSON.stringify(labels)} is neither a column of the data nor a file${columnsText}`,
    );
}
