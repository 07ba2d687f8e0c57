import type { AsyncBuffer, FileMetaData } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { openParquet } from '../../src/data/parquet-table.ts';
import { rowWindows } from '../../src/data/parquet-windows.ts';
import { fixture } from './fixtures.ts';
import { testFolder } from './support.ts';

const folder = testFolder();

describe('windows of rows', () => {
  it('count what lists hold, and end where their pages do', async () => {
    const file = folder.write('wide.parquet', fixture('pq_wide_index'));
    const table = await openParquet(file, { wanted: undefined, onBytes: () => {} });
    const sizes: number[] = [];
    for await (const batch of table.batches([0])) {
      for (const row of [0, batch.rows - 1]) {
        const vector = batch.cell(row, 0) as ArrayLike<number>;
        expect(vector.length).toBe(400);
        expect(vector[399]).toBe((sizes.reduce((sum, size) => sum + size, 0) + row) % 7);
      }
      sizes.push(batch.rows);
    }
    await table.close();
    // 2^20 numbers are 2,621 rows of 400, and pages have 1,000.
    expect(sizes).toEqual([2000, 2000, 2000]);
  });

  it('refuse a row group without an index that the process has no room for', async () => {
    const column = { meta_data: { path_in_schema: ['embedding'], num_values: 10n ** 11n } };
    const metadata = { row_groups: [{ num_rows: 10n ** 8n, columns: [column] }] } as unknown as FileMetaData;
    const windows = rowWindows('x.parquet', {} as AsyncBuffer, metadata, ['embedding'], {
      bytes: 2e9,
      remedy: undefined,
    });
    await expect(windows.next()).rejects.toThrow(
      /^x\.parquet: has 100000000000 numbers in a row group of 100000000 rows without a page index, which takes about 3400\.0 GB to read, but the process may use 2\.0 GB\. Write it with row groups of at most 16777 rows \(pyarrow: row_group_size\) or with a page index \(write_page_index=True\), or give node more memory with NODE_OPTIONS=--max-old-space-size=4215241\.$/,
    );
  });
});
