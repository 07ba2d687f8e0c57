import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TokenReader } from '@ddcl/core/fit';
import { createRowSpool, type RowSpool } from '../../src/data/row-spool.ts';
import { openData } from '../../src/data/open-data.ts';
import { readAll, testFolder } from './support.ts';

const folder = testFolder();

async function spooled(
  rows: number,
  dimension: number,
  budget: number,
): Promise<{ reader: TokenReader; spool: RowSpool; hash: string }> {
  const hash = createHash('sha256');
  const spool = createRowSpool(dimension, 'float64', hash, budget);
  for (let row = 0; row < rows; row++) {
    if (spool.append(Array.from({ length: dimension }, (_, column) => row * dimension + column))) await spool.flush();
  }
  const reader = await spool.finish();
  return { reader, spool, hash: hash.digest('hex') };
}

describe('a row spool', () => {
  it('gives back all rows and one hash, whether in memory or in a file', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 4000 }),
        async (rows, dimension, budget) => {
          const kept = await spooled(rows, dimension, 1 << 20);
          const { reader, spool, hash } = await spooled(rows, dimension, budget);
          expect([reader.tokens, reader.dimension]).toEqual([rows, dimension]);
          const half = rows >> 1;
          const last = await reader.read(half, rows - half);
          expect([...last.data]).toEqual([...(await kept.reader.read(half, rows - half)).data]);
          expect(last.data[0]).toBe(half * dimension);
          expect(hash).toBe(kept.hash);
          await spool.close();
          await kept.spool.close();
        },
      ),
      { numRuns: 50 },
    );
  });

  it('leaves no file behind, not even while it is in use', async () => {
    const ours = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('ddcl-rows-'));
    const { reader, spool } = await spooled(1000, 4, 100);
    expect(ours()).toEqual([]);
    expect((await reader.read(999, 1)).data[3]).toBe(3999);
    await spool.close();
    await spool.close();
  });
});

describe('a table beyond the budget', () => {
  it('is the same data', async () => {
    const file = folder.write(
      'x.csv',
      `a,b\n${Array.from({ length: 5000 }, (_, row) => `${row},${row / 3}`).join('\n')}\n`,
    );
    for (const dtype of ['float32', 'float64'] as const) {
      const small = await readAll(file, { dtype });
      const large = await readAll(file, { dtype, spoolBytes: 1000 });
      expect(large).toEqual(small);
    }
    const opened = await openData([file], { dtype: 'float32', spoolBytes: 1000 });
    expect([...(await opened.reader.read(4999, 1)).data]).toEqual([4999, Math.fround(4999 / 3)]);
    await opened.close();
  });
});
