import { DdclError, isDdclError, type DdclErrorCode } from '@ddcl/core';

/** Characters of a cell that a message shows at most. */
const shownCharacters = 40;

/** An error about a data file. The text is one line: file, problem, remedy. */
function fileError(code: DdclErrorCode, file: string, problem: string, cause?: unknown): DdclError {
  const text = `${file}: ${problem}`.replace(/\s*[\r\n]+\s*/g, ' ');
  return new DdclError(code, text, cause === undefined ? {} : { cause });
}

type MakeFileError = (file: string, problem: string, cause?: unknown) => DdclError;

/** About what the command line asks of a file. */
export const argumentError: MakeFileError = (...about) => fileError('argument', ...about);

/** About the numbers, texts or labels in a file. */
export const dataError: MakeFileError = (...about) => fileError('data', ...about);

/** About the bytes of a file. */
export const formatError: MakeFileError = (...about) => fileError('format', ...about);

/** About a file that somebody writes to while it is read. @param change as `changeOf` says */
export const changedError = (file: string, change: string): DdclError =>
  dataError(
    file,
    `changed while it was read (${change}), so that parts of it would belong to different data. Run the command again when nothing writes to it.`,
  );

/** Runs a step that knows no file name; its errors are given one, and a remedy. Errors of other kinds pass. */
export function withFileName<T>(file: string, remedy: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!isDdclError(error)) throw error;
    throw fileError(error.code, file, `${error.message} ${remedy}`, error);
  }
}

/** @throws DdclError `aborted` when the signal has fired */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new DdclError('aborted', 'Reading the data was interrupted.', { cause: signal.reason });
}

/** What a cell holds, for "expected a number, but ... came". */
export function describeCell(cell: unknown): string {
  if (cell === undefined) return 'nothing';
  if (cell === null) return 'null (a missing value)';
  if (typeof cell === 'number' || typeof cell === 'bigint' || typeof cell === 'boolean') return String(cell);
  if (cell instanceof Date) return `the date ${cell.toISOString()}`;
  if (typeof cell !== 'string') return isArrayLike(cell) ? `an array of ${cell.length}` : 'an object';
  if (cell.trim() === '') return 'an empty cell';
  return JSON.stringify(cell.length > shownCharacters ? `${cell.slice(0, shownCharacters)}...` : cell);
}

/** Whether a cell is a list: an array or a typed array. */
export function isArrayLike(cell: unknown): cell is ArrayLike<unknown> {
  return Array.isArray(cell) || (ArrayBuffer.isView(cell) && !(cell instanceof DataView));
}

/** The first few names as a readable list: `"a", "b" and 3 more`. */
export function listNames(names: readonly string[], most = 12): string {
  const shown = names
    .slice(0, most)
    .map((name) => JSON.stringify(name))
    .join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}

/** Names as an option that can be pasted into a shell. */
export function columnsOption(names: readonly string[]): string {
  const list = names.join(',');
  return /^[\w.,:@%+-]+$/.test(list) ? `--columns ${list}` : `--columns '${list.replaceAll("'", "'\\''")}'`;
}
