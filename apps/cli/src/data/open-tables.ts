import type { Hash } from 'node:crypto';
import { chooseColumns, type ColumnChoice } from './choose-columns.ts';
import { collectRows } from './collect-rows.ts';
import { columnsOption, dataError, listNames } from './data-error.ts';
import type { NamedFile } from './file-kind.ts';
import { checkLabelFile } from './label-file.ts';
import { createLabelList } from './label-list.ts';
import type { DataOptions, OpenedTokens } from './open-data.ts';
import { openTable } from './open-table.ts';
import { createRowSpool, type RowSpool } from './row-spool.ts';
import type { Table } from './table.ts';

/**
 * Reads .csv, .tsv, .jsonl or .parquet files to their end and keeps the rows for reading in any order.
 *
 * @param hash gets the rows as numbers of the dtype
 * @throws DdclError as the readers of these files, {@link chooseColumns} and {@link collectRows}; `data` for files
 *   whose columns or dimensions differ
 */
export async function openTables(
  named: readonly NamedFile[],
  options: DataOptions,
  hash: Hash,
  onBytes: (bytes: number) => void,
): Promise<OpenedTokens> {
  let spool: RowSpool | undefined;
  let dimension = 0;
  let first: ColumnChoice | undefined;
  let labelName: string | undefined;
  const labels = createLabelList();
  try {
    for (const [index, entry] of named.entries()) {
      const { columns: wanted, labels: label, signal } = options;
      const table = await openTable(entry, { wanted, label, signal, onBytes });
      try {
        if (index === 0) labelName = await labelColumn(table, options);
        const choice = chooseColumns(table, wanted, labelName);
        first ??= choice;
        checkColumns(table.file, choice, named[0]!.file, first);
        await collectRows(table, choice, {
          range: options.range ?? options.dtype,
          labels: labelName === undefined ? undefined : labels,
          signal,
          spool: (length) => {
            spool ??= createRowSpool((dimension = length), options.dtype, hash, options.spoolBytes);
            if (length === dimension) return spool;
            throw dataError(
              table.file,
              `has tokens of ${length} numbers, but ${named[0]!.file} has ${dimension}. Files that are read as one need vectors of one length.`,
            );
          },
        });
      } finally {
        await table.close();
      }
    }
    const kept = spool!;
    return {
      reader: await kept.finish(),
      columns: first!.names,
      labels: labelName === undefined ? undefined : labels.labels,
      close: () => kept.close(),
    };
  } catch (error) {
    await spool?.close();
    throw error;
  }
}

/** The name of the label column, if --labels names one; else it must be a file. */
async function labelColumn({ file, columns }: Table, { labels }: DataOptions): Promise<string | undefined> {
  if (labels === undefined || columns?.includes(labels) === true) return labels;
  await checkLabelFile(file, labels, columns);
  return undefined;
}

function checkColumns(file: string, choice: ColumnChoice, firstFile: string, first: ColumnChoice): void {
  const names = choice.names?.join('\0');
  if (names === first.names?.join('\0')) return;
  const remedy =
    first.names === undefined
      ? 'Write all rows alike.'
      : `Name the columns to use, for example ${columnsOption(first.names)}.`;
  throw dataError(
    file,
    `has the columns ${choice.names === undefined ? 'of bare arrays' : listNames(choice.names)}, but ${firstFile} has ${first.names === undefined ? 'bare arrays' : listNames(first.names)}. ${remedy}`,
  );
}
