import { createHash } from 'node:crypto';
import type { TokenReader } from '@ddcl/core/fit';
import { entryAt } from '../output/entry-at.ts';
import { commonKind } from './file-kind.ts';
import type { TokenDType } from './float-array.ts';
import { readLabelFile } from './label-file.ts';
import { openMatrices } from './open-matrices.ts';
import { openTables } from './open-tables.ts';
import type { RowLabels } from './row-labels.ts';

export interface DataOptions {
  /** Names of the columns to use, in this order; all numeric ones if left out. For .npy and .safetensors leave it out. */
  readonly columns?: readonly string[] | undefined;
  /** A column of the data, else a file with one label for each token. */
  readonly labels?: string | undefined;
  readonly dtype: TokenDType;
  /** What the numbers must fit, as those that compute with them need it. Default: dtype. */
  readonly range?: TokenDType | undefined;
  /** Which tensor of .safetensors files holds the tokens; if left out, their only one with two axes. */
  readonly tensor?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called while the files are read: bytes done and in all, as they lie on the disk. */
  readonly onProgress?: ((bytesRead: number, bytesTotal: number) => void) | undefined;
  /** Bytes of parsed rows kept in memory before they go to a temporary file. */
  readonly spoolBytes?: number | undefined;
}

/** Data files, checked from end to end and ready to be read in any order. */
export interface OpenedData {
  readonly reader: TokenReader;
  /**
   * What to give as `columns` to read data of this kind in the same way; undefined where columns have no names. One
   * name for each number of a token, except that a column of vectors gives many.
   */
  readonly columns: readonly string[] | undefined;
  /** One for each token, in order. */
  readonly labels: RowLabels | undefined;
  /** SHA-256 in hexadecimal over numbers, their order and columns, dtype and labels: equal for equal data only. */
  readonly fingerprint: string;
  /** One line for people: files, tokens, dimension, columns. */
  describe(): string;
  /** Closes files and frees memory; the reader must not be used afterwards. May be called again. */
  close(): Promise<void>;
}

/** Content of the files before labels in files of their own. */
export interface OpenedTokens {
  readonly reader: TokenReader;
  readonly columns: readonly string[] | undefined;
  readonly labels: readonly string[] | undefined;
  close(): Promise<void>;
}

/**
 * Opens one or several data files of one kind as one list of tokens, the files one after another. Every number is
 * looked at once here, so that bad input is known before anything is written.
 *
 * @param files paths; the endings say what they are
 * @throws DdclError `argument` for what is asked, `data` for the numbers, `format` for the bytes, `aborted`; one
 *   line with file, place, what was expected, what came, and the remedy
 */
export async function openData(files: readonly string[], options: DataOptions): Promise<OpenedData> {
  const named = commonKind(files);
  const hash = createHash('sha256');
  const onBytes = await progress(files, options.onProgress);
  const tokens: OpenedTokens =
    named[0]!.kind === 'npy' || named[0]!.kind === 'safetensors'
      ? await openMatrices(named, options, hash, onBytes)
      : await openTables(named, options, hash, onBytes);
  try {
    const { reader, columns } = tokens;
    const labels =
      tokens.labels ??
      (options.labels === undefined ? undefined : await readLabelFile(options.labels, reader.tokens, options.signal));
    hash.update(JSON.stringify([reader.tokens, reader.dimension, options.dtype, columns ?? null, labels ?? null]));
    const fingerprint = hash.digest('hex');
    return {
      reader,
      columns,
      labels,
      fingerprint,
      describe: () => description(files, reader, columns),
      close: tokens.close,
    };
  } catch (error) {
    await tokens.close();
    throw error;
  }
}

function description(
  files: readonly string[],
  { tokens, dimension }: TokenReader,
  columns: readonly string[] | undefined,
): string {
  const names = files.length === 1 ? files[0]! : `${files.length} files (${files[0]}, ...)`;
  const shown =
    columns === undefined
      ? ''
      : columns.length <= 8
        ? `: ${columns.join(', ')}`
        : `: ${columns.slice(0, 8).join(', ')}, ...`;
  return `${names}: ${tokens.toLocaleString('en')} tokens of dimension ${dimension}${shown}`;
}

/** Counts bytes over all files. A file that is missing is left to those who open it. */
async function progress(
  files: readonly string[],
  report: ((bytesRead: number, bytesTotal: number) => void) | undefined,
): Promise<(bytes: number) => void> {
  if (report === undefined) return () => undefined;
  let total = 0;
  for (const file of files) total += (await entryAt(file))?.size ?? 0;
  let done = 0;
  return (bytes) => {
    done += bytes;
    report(Math.min(Math.round(done), total), total);
  };
}
