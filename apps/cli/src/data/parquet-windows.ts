import { readOffsetIndex, type AsyncBuffer, type ColumnChunk, type FileMetaData, type RowGroup } from 'hyparquet';
import { dataError } from './data-error.ts';

/** Rows of a file that are decoded together, counted from 0. */
export interface RowWindow {
  readonly start: number;
  readonly end: number;
  /** About how many numbers or texts they hold, by what the file says. */
  readonly numbers: number;
}

/** What decoding may take. */
export interface DecodingRoom {
  /** Of the heap. */
  readonly bytes: number;
  /** How to have more; undefined where it is node that has no more. */
  readonly remedy: string | undefined;
}

/** Numbers decoded at once where pages allow it. */
const windowCells = 1 << 20;

/** Bytes that the library takes for a number while it makes lists of them; 100,000 vectors of 768 took 2.6 GB. */
const bytesPerNumber = 34;

/**
 * Ranges of rows that are decoded together; none crosses a row group. Where all columns have page indexes they hold about a million numbers,
 * and end where pages of the longest column do if it has lists, since a page is decoded whole, at length. Else they are row groups.
 *
 * @param names of the columns that are read
 * @throws DdclError `data` for a row group without page indexes that would not fit the room
 */
export async function* rowWindows(
  file: string,
  buffer: AsyncBuffer,
  { row_groups: groups }: FileMetaData,
  names: readonly string[],
  room: DecodingRoom,
): AsyncGenerator<RowWindow> {
  let first = 0;
  for (const group of groups) {
    const rows = Number(group.num_rows);
    const columns = group.columns.filter(
      ({ meta_data: meta }) => meta !== undefined && names.includes(meta.path_in_schema[0]!),
    );
    // Of lists the file counts what is in them.
    const numbers = columns.map(({ meta_data: meta }) => Number(meta!.num_values));
    const total = numbers.reduce((sum, count) => sum + count, 0);
    const longest = columns[numbers.indexOf(Math.max(...numbers))];
    if (longest === undefined || columns.some(({ offset_index_offset: offset }) => offset === undefined)) {
      requireRoom(file, group, total, room);
      if (rows > 0) yield { start: first, end: first + rows, numbers: total };
    } else {
      const most = Math.max(1, Math.floor((windowCells * rows) / total));
      const isList = Math.max(...numbers) > rows;
      const steps = (): number[] => Array.from({ length: Math.ceil(rows / most) }, (_, step) => step * most);
      const starts = isList ? await pageStarts(buffer, longest) : steps();
      for (const { start, end } of joined(starts, rows, most)) {
        yield { start: first + start, end: first + end, numbers: (total * (end - start)) / rows };
      }
    }
    first += rows;
  }
}

/** First rows of the pages of a column, within its row group. */
async function pageStarts(buffer: AsyncBuffer, column: ColumnChunk): Promise<number[]> {
  const start = Number(column.offset_index_offset!);
  const bytes = await buffer.slice(start, start + Number(column.offset_index_length ?? 0));
  const { page_locations: pages } = readOffsetIndex({ view: new DataView(bytes), offset: 0 });
  return pages.map(({ first_row_index: row }) => Number(row));
}

/** Pages one after the other, together while they have at most so many rows. */
function* joined(starts: readonly number[], rows: number, most: number): Generator<Omit<RowWindow, 'numbers'>> {
  const ends = [...new Set(starts.filter((start) => start > 0 && start < rows))].sort((a, b) => a - b);
  let start = 0;
  for (const [index, end] of [...ends, rows].entries()) {
    const next = index === ends.length ? Infinity : (ends[index + 1] ?? rows);
    if (next - start <= most) continue;
    yield { start, end };
    start = end;
  }
}

function requireRoom(
  file: string,
  { num_rows: rows }: RowGroup,
  numbers: number,
  { bytes, remedy }: DecodingRoom,
): void {
  if (numbers * bytesPerNumber <= 0.8 * bytes) return;
  const gigabytes = (count: number): string => `${(count / 1e9).toFixed(1)} GB`;
  const [limit, more] =
    remedy === undefined
      ? [
          'the process may use',
          `, or give node more memory with NODE_OPTIONS=--max-old-space-size=${Math.ceil((numbers * bytesPerNumber * 1.3) / 2 ** 20)}.`,
        ]
      : ['a file of its size may take', `. ${remedy}`];
  throw dataError(
    file,
    `has ${numbers} numbers in a row group of ${rows} rows without a page index, which takes about ${gigabytes(numbers * bytesPerNumber)} to read, but ${limit} ${gigabytes(bytes)}. Write it with row groups of at most ${Math.max(1, Math.floor((Number(rows) * 2 ** 24) / numbers))} rows (pyarrow: row_group_size) or with a page index (write_page_index=True)${more}`,
  );
}
