import { dataError, describeCell, formatError, isArrayLike, listNames } from './data-error.ts';
import { numberFromValue, type Table, type TableBatch, type TableOptions } from './table.ts';
import { textLines, type Lines } from './text-lines.ts';

type JsonRow = readonly unknown[] | Readonly<Record<string, unknown>>;

/**
 * A .jsonl file, also packed: on each line an object, whose fields are the columns, or an array of numbers.
 *
 * `batches` throws DdclError `data` for rows of another kind than the first one and, unless columns were asked for by
 * name, for fields that the first row lacks.
 *
 * @throws DdclError as {@link textLines}; `format` for a line that is not JSON; `data` for a file
 *   without rows or whose first row is neither object nor array
 */
export async function openJsonLines(
  file: string,
  gzipped: boolean,
  { wanted, onBadLine, known: files, signal, onBytes }: TableOptions,
): Promise<Table> {
  const stream = textLines(file, { gzipped, known: files, signal, onBytes });
  const close = async (): Promise<void> => {
    await stream.return(undefined);
  };
  try {
    const start = await stream.next();
    if (start.done === true) throw dataError(file, 'has no rows. Write it again.');
    const first = firstRow(file, start.value, onBadLine !== undefined);
    const columns = isArrayLike(first) ? undefined : Object.keys(first);
    if (columns?.length === 0)
      throw dataError(file, 'line 1 is an object without fields; expected fields with numbers. Write it again.');
    const known = new Set(columns);

    async function* batches(): AsyncGenerator<TableBatch> {
      for (let next = start; next.done !== true; next = await stream.next()) {
        const lines = next.value;
        const places: number[] = [];
        const rows = lines.texts.flatMap((_, index) => {
          const line = lines.first + index;
          try {
            const row = parseRow(file, lines, index);
            checkRow(file, line, row, columns, wanted === undefined ? known : undefined);
            places.push(line);
            return [row];
          } catch (error) {
            if (onBadLine === undefined) throw error;
            onBadLine(line, error);
            return [];
          }
        });
        yield {
          rows: rows.length,
          cell: (row, column) => (columns === undefined ? rows[row] : field(rows[row]!, columns[column]!)),
          place: (row) => `line ${places[row]}`,
        };
      }
    }

    const vectors =
      columns === undefined ? [0] : columns.flatMap((name, index) => (isArrayLike(field(first, name)) ? [index] : []));
    return { file, columns, vectors: new Set(vectors), toNumber: numberFromValue, batches, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The first line, or the first that is a row where others are left out. */
function firstRow(file: string, lines: Lines, isLenient: boolean): JsonRow {
  for (let index = 0; index + 1 < lines.texts.length && isLenient; index++) {
    try {
      return parseRow(file, lines, index);
    } catch {
      // It is told with the rows.
    }
  }
  return parseRow(file, lines, isLenient ? lines.texts.length - 1 : 0);
}

function field(row: JsonRow, name: string): unknown {
  return Object.hasOwn(row, name) ? (row as Readonly<Record<string, unknown>>)[name] : undefined;
}

function parseRow(file: string, { first, texts }: Lines, index: number): JsonRow {
  let row: unknown;
  try {
    row = JSON.parse(texts[index]!);
  } catch (cause) {
    throw formatError(
      file,
      `line ${first + index} is not JSON: ${describeCell(texts[index])}. Write one complete JSON value on each line.`,
      cause,
    );
  }
  if (typeof row === 'object' && row !== null) return row as JsonRow;
  throw dataError(
    file,
    `line ${first + index}: expected an object or an array of numbers, but ${describeCell(row)} came. Write one row on each line.`,
  );
}

function checkRow(
  file: string,
  line: number,
  row: JsonRow,
  columns: readonly string[] | undefined,
  known: ReadonlySet<string> | undefined,
): void {
  const bare = isArrayLike(row);
  if (bare !== (columns === undefined)) {
    throw dataError(
      file,
      `line ${line} is ${bare ? 'an array' : 'an object'}, but line 1 is ${bare ? 'an object' : 'an array'}. Write all rows alike.`,
    );
  }
  if (bare || known === undefined) return;
  const extra = Object.keys(row).find((name) => !known.has(name));
  if (extra !== undefined) {
    throw dataError(
      file,
      `line ${line} has the field ${JSON.stringify(extra)}, which line 1 lacks; it has ${listNames([...known])}. Write the same fields in all rows, or choose with --columns.`,
    );
  }
}
