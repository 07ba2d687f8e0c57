import Papa from 'papaparse';
import { dataError, formatError } from './data-error.ts';
import { countLineEnds, recordEnds } from './line-ends.ts';
import { textChunks, type TextOptions } from './text-chunks.ts';

/** Longest record read, in characters; a longer one is a quote that was never closed. */
const longestRecord = 1 << 22;

export interface CsvRecords {
  /** Cells of each record, quotes removed. */
  readonly records: readonly (readonly string[])[];
  /** Line, counted from 1, on which a record starts. */
  line(index: number): number;
}

/**
 * The records of a .csv or .tsv file in batches. Records may have any number of cells; empty lines at the end are left out.
 *
 * @param emptyCells where the first record has one cell, an empty line (or a pair of quotes) is a record too, at the end as well
 * @throws DdclError as {@link textChunks}; `format` for wrong quotes; `data` for an empty line between others
 */
export async function* csvRecords(
  file: string,
  delimiter: ',' | '\t',
  { emptyCells = false, ...options }: TextOptions & { readonly emptyCells?: boolean | undefined },
): AsyncGenerator<CsvRecords> {
  const parser = new Papa.Parser({ delimiter, newline: '\n' });
  let text = '';
  // Without a quote in the file every record is one line, and nobody needs to look for line ends in cells.
  let quotes = false;
  let nextLine = 1;
  let emptyLine: number | undefined;
  /** Characters to wait for. */
  let enough = 0;
  /** Whether a line ended since it was last looked at: no record ends elsewhere. */
  let ended = false;
  /** Whether the first record has one cell. */
  let single: boolean | undefined;

  const parse = (last: boolean): CsvRecords | undefined => {
    // Papa's own driver of streams calls this in the same way; it leaves an unfinished last record to the next call.
    const { data, errors, meta } = parser.parse(text, 0, !last) as Papa.ParseResult<string[]>;
    const records = data;
    const first = nextLine;
    const lines = quotes ? startLines(records, first) : undefined;
    const line = (index: number): number => lines?.[index] ?? first + index;
    nextLine = line(records.length);

    const error = errors.find(({ row }) => last || (row ?? 0) < records.length);
    if (error !== undefined) throw quoteError(file, error.code, line(error.row ?? 0));
    text = last ? '' : text.slice(meta.cursor);
    if (text.length > longestRecord) {
      throw formatError(
        file,
        `line ${nextLine}: a quoted cell is never closed within ${longestRecord.toLocaleString('en')} characters, the most that a record may have. Close it with a quote, or write texts of that length as .jsonl.`,
      );
    }

    single ??= records[0] === undefined ? undefined : records[0].length === 1;
    if (emptyCells && single === true) return records.length === 0 ? undefined : { records, line };
    let kept = records.length;
    while (kept > 0 && isEmpty(records[kept - 1]!)) kept -= 1;
    if (kept > 0) emptyLine ??= firstEmpty(records, kept, line);
    if (kept > 0 && emptyLine !== undefined) {
      throw dataError(
        file,
        `line ${emptyLine} is empty, but rows follow it. Remove the empty line${emptyCells ? '' : ', or write an empty cell as a number'}.`,
      );
    }
    if (kept < records.length) emptyLine ??= line(kept);
    return kept === 0 ? undefined : { records: kept === records.length ? records : records.slice(0, kept), line };
  };

  const unify = recordEnds(delimiter);
  for await (const piece of textChunks(file, { ...options, keepReturns: true })) {
    const chunk = unify(piece);
    // Millions of empty lines are counted, not parsed.
    if (!emptyCells && text === '' && chunk.endsWith('\n') && chunk.trim() === '' && !chunk.includes(delimiter)) {
      emptyLine ??= nextLine;
      nextLine += countLineEnds(chunk);
      continue;
    }
    quotes ||= chunk.includes('"');
    text += chunk;
    // A record that did not end is looked at again when it is twice as long: else a quote that is never closed takes quadratic time.
    ended ||= chunk.includes('\n');
    if (text.length <= longestRecord && (text.length < enough || !ended)) continue;
    ended = false;
    const batch = parse(false);
    enough = 2 * text.length;
    if (batch !== undefined) yield batch;
  }
  // A file that ends with a line end has no record after it.
  const rest = text.endsWith('\n') ? parse(false) : undefined;
  if (rest !== undefined) yield rest;
  const batch = parse(true);
  if (batch !== undefined) yield batch;
}

/** Line on which each record starts, and one more for the record after them. */
function startLines(records: readonly (readonly string[])[], first: number): number[] {
  const lines = [first];
  let line = first;
  for (const record of records) {
    line += 1;
    for (const cell of record) {
      for (let at = cell.indexOf('\n'); at >= 0; at = cell.indexOf('\n', at + 1)) line += 1;
    }
    lines.push(line);
  }
  return lines;
}

function isEmpty(record: readonly string[]): boolean {
  return record.length === 1 && record[0]!.trim() === '';
}

function firstEmpty(
  records: readonly (readonly string[])[],
  count: number,
  line: (index: number) => number,
): number | undefined {
  for (let index = 0; index < count; index++) {
    if (isEmpty(records[index]!)) return line(index);
  }
  return undefined;
}

function quoteError(file: string, code: string, line: number): Error {
  return code === 'MissingQuotes'
    ? formatError(
        file,
        `line ${line}: a quoted cell is never closed. Close it with a quote; a quote within a quoted cell is written twice.`,
      )
    : formatError(
        file,
        `line ${line}: text follows the closing quote of a cell. Write a quote within a quoted cell twice.`,
      );
}
