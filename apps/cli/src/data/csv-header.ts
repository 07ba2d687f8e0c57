import { columnsOption, dataError, listNames } from './data-error.ts';
import { numberFromText } from './table.ts';

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
 * @throws DdclError `data` for a name that occurs twice and for a first record that may or may not be a header
 */
export function csvHeader(file: string, first: readonly string[], wanted: readonly string[] | undefined): CsvHeader {
  const trimmed = first.map((cell) => cell.trim());
  const numbered = first.map((_, index) => `column${index + 1}`);
  const numeric = trimmed.filter((cell) => !Number.isNaN(numberFromText(cell))).length;
  if (numeric === first.length) return { names: numbered, present: false };
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
  const twice = trimmed.find((name, index) => name !== '' && trimmed.indexOf(name) !== index);
  if (twice !== undefined) {
    throw dataError(
      file,
      `the header names column ${JSON.stringify(twice)} twice (columns ${trimmed.indexOf(twice) + 1} and ${trimmed.lastIndexOf(twice) + 1}). Rename one of them.`,
    );
  }
  return { names: trimmed, present: true };
}
