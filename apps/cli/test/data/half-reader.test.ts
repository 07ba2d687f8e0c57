import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { tokensFromReader, type PassOrder } from '@ddcl/core/fit';
import { fromFloat16, toFloat16, writeSafetensors } from '@ddcl/core/safetensors';
import { expect, it } from 'vitest';
import { openData } from '../../src/data/open-data.ts';
import { preprocess } from '../../src/preprocess/preprocessing.ts';
import { testFolder } from './support.ts';

const folder = testFolder();
const dimension = 3;

function shard(name: string, rows: number, first: number, dtype: 'F16' | 'F32' = 'F16'): string {
  const numbers = Float32Array.from({ length: rows * dimension }, (_, i) => (first + i) / 8);
  const data = dtype === 'F16' ? toFloat16(numbers) : numbers;
  const tensor = { dtype, shape: [rows, dimension], data } as Parameters<typeof writeSafetensors>[0] extends Map<
    string,
    infer Tensor
  >
    ? Tensor
    : never;
  return folder.write(name, writeSafetensors(new Map([['tokens', tensor]])));
}

it('reads half precision as it is, over the ends of files, in calls that overlap', async () => {
  const opened = await openData(
    [shard('a.safetensors', 5, 0), shard('b.safetensors', 2, 15), shard('c.safetensors', 6, 21)],
    {
      dtype: 'float64',
    },
  );
  const { reader } = opened;
  const targets = [0, 3, 4, 6, 12].map((start) => ({
    start,
    bits: new Uint16Array(Math.min(6, 13 - start) * dimension),
  }));
  await Promise.all(targets.map(({ start, bits }) => reader.readHalf!(start, bits)));
  for (const { start, bits } of targets) {
    const expected = Float32Array.from(bits, (_, i) => (start * dimension + i) / 8);
    expect(fromFloat16(bits)).toEqual(expected);
  }
  await opened.close();
});

it('gives a pass of halves in the order of the pass of numbers', async () => {
  const opened = await openData([shard('d.safetensors', 700, 0), shard('e.safetensors', 900, 2100)], {
    dtype: 'float64',
  });
  const source = tokensFromReader(opened.reader);
  for (const order of ['stored', { seed: 2 }] satisfies PassOrder[]) {
    const [numbers, halves]: [number[], number[]] = [[], []];
    for await (const { data } of source.blocks(order)) numbers.push(...data);
    for await (const { data } of source.halfBlocks!(order)) halves.push(...fromFloat16(data));
    expect(halves).toEqual(numbers);
    expect(halves).toHaveLength(1600 * dimension);
  }
  await opened.close();
});

it('names file, row and column of what is not finite, in any order', async () => {
  const file = shard('i.safetensors', 500, 0);
  const written = new Date(1_700_000_000_000);
  utimesSync(file, written, written);
  const opened = await openData([shard('j.safetensors', 30, 0), file], { dtype: 'float64' });
  // The numbers are looked at when the file is opened; what changes later is found by the pass that meets it.
  const bytes = readFileSync(file);
  bytes.writeUInt16LE(0x7e00, bytes.length - 2 * (500 * dimension - (123 * dimension + 2)));
  writeFileSync(file, bytes);
  // A file that says that it was written to is refused before.
  utimesSync(file, written, written);
  const source = tokensFromReader(opened.reader);
  for (const order of ['stored', { seed: 2 }] satisfies PassOrder[]) {
    const pass = async (): Promise<void> => {
      for await (const _ of source.halfBlocks!(order));
    };
    const error = await pass().catch((reason: unknown) => reason as Error);
    expect(String(error)).toContain('i.safetensors: row 123, column 2 (counted from 0) is NaN');
  }
  await opened.close();
});

it('has no halves where one file has others, and none of preprocessed tokens', async () => {
  const mixed = await openData([shard('f.safetensors', 5, 0), shard('g.safetensors', 5, 15, 'F32')], {
    dtype: 'float64',
  });
  expect(mixed.reader.readHalf).toBeUndefined();
  await mixed.close();
  const opened = await openData([shard('h.safetensors', 5, 0)], { dtype: 'float64' });
  expect(opened.reader.readHalf).toBeDefined();
  expect(preprocess(opened.reader, { standardize: null, normalize: true }).readHalf).toBeUndefined();
  await opened.close();
});
