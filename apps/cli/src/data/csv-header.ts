import { columnsOption, dataError, formatError, listNames } from './data-error.ts';
import { numberFromText } from './table.ts';

/** Columns of a table, whose names are kept and looked at. */
const mostColumns = 1 << 17;

export interface CsvHeader {
  /** A name for each column; empty where the header has none. */
  readonly names: readonly string[];
  /** Whether the first record is the header, or data already. */
  readonly present: boolean;
}

/**
 * The names of a CSV file's columns. A first record of numbers only is data, and its columns are column1, column2, ...;
 * one without any number is a header. One of both kinds is a header only if the names that were asked for say so.
 *
 * @param first cells of the first record
 * @param wanted names that were asked for
 * @throws DdclError `format` for more columns than are read; `data` for a name that occurs twice and for a first record that may or may not be a header
 */
export function csvHeader(file: string, first: readonly string[], wanted: readonly string[] | undefined): CsvHeader {
  if (first.length > mostColumns) {
    throw formatError(
      file,
      `its first line has ${first.length.toLocaleString('en')} cells; at most ${mostColumns.toLocaleString('en')} columns are read. Write it as .npy.`,
    );
  }
  const trimmed = first.map((cell) => cell.trim());
  const numbered = first.map((_, index) => `column${index + 1}`);
  requireCommas(file, trimmed);
  const numeric = trimmed.filter((cell) => !Number.isNaN(numberFromText(cell))).length;
  if (numeric === first.length) {
    if (!isCounting(trimmed)) return { names: numbered, present: false };
    // pandas writes the numbers of an array's columns as its header.
    if (wanted?.every((name) => numbered.includes(name))) return { names: numbered, present: false };
    if (wanted?.every((name) => trimmed.includes(name))) return { names: trimmed, present: true };
    throw dataError(
      file,
      `the first line counts its columns (${listNames(trimmed, 4)}), so it is a header as pandas writes it, or data. Remove it, or say what it is: ${columnsOption(trimmed)} where it is the header, ${columnsOption(numbered)} where it is data.`,
    );
  }
  if (numeric > 0) {
    const asked = wanted ?? [];
    if (asked.length > 0 && asked.every((name) => !trimmed.includes(name) && numbered.includes(name)))
      return { names: numbered, present: false };
    if (asked.length === 0 || !asked.every((name) => trimmed.includes(name))) {
      const positions = numbered.filter((_, index) => !Number.isNaN(numberFromText(trimmed[index])));
      throw dataError(
        file,
        `the first line mixes numbers and texts (${listNames(trimmed, 4)}), so it may be a header or data. Add a header line, or name the columns by position: ${columnsOption(positions)}.`,
      );
    }
  }
  const seen = new Set<string>();
  const twice = trimmed.find((name) => name !== '' && seen.size === seen.add(name).size);
  if (twice !== undefined) {
    throw dataError(
      file,
      `the header names column ${JSON.stringify(twice)} twice (columns ${trimmed.indexOf(twice) + 1} and ${trimmed.lastIndexOf(twice) + 1}). Rename one of them.`,
    );
  }
  return { names: trimmed, present: true };
}

/** Whether cells are 0, 1, 2, ... or 1, 2, 3, ..., two at least. */
function isCounting(cells: readonly string[]): boolean {
  const start = Number(cells[0]);
  return (
    cells.length > 1 && (start === 0 || start === 1) && cells.every((cell, index) => cell === String(start + index))
  );
}

/**
 * Spreadsheets write semicolons between cells where the comma is in numbers: read as commas, each number would become two.
 *
 * @throws DdclError `data`
 */
function requireCommas(file: string, cells: readonly string[]): void {
  const isSplit = (cell: string): boolean => /^[-+]?\d*;[-+]?\d/.test(cell) || /\d;[-+]?\d*$/.test(cell);
  if (!cells.some(isSplit) && !(cells.length === 1 && cells[0]!.includes(';'))) return;
  throw dataError(
    file,
    `its cells are separated by semicolons (${JSON.stringify(cells.join(','))}), as spreadsheets write them where numbers have a decimal comma. Save it with commas between cells and points in numbers, or as .tsv.`,
  );
}
