import { openCsv } from './csv-table.ts';
import type { NamedFile } from './file-kind.ts';
import { openJsonLines } from './json-lines-table.ts';
import { openParquet } from './parquet-table.ts';
import type { Table, TableOptions } from './table.ts';

/**
 * A file of rows with named cells, by its kind.
 *
 * @throws DdclError as {@link openCsv}, {@link openJsonLines} and {@link openParquet}
 */
export function openTable({ file, kind, gzipped }: NamedFile, options: TableOptions): Promise<Table> {
  if (kind === 'parquet') return openParquet(file, options);
  if (kind === 'jsonl') return openJsonLines(file, gzipped, options);
  return openCsv(file, kind === 'csv' ? ',' : '\t', gzipped, options);
}
