import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { readNpy } from '../../src/data/npy-reader.ts';
import { writeNpy } from '../../src/data/npy-writer.ts';
import { fixture, floats, signed } from './fixtures.ts';
import { refusal, testFolder } from './support.ts';

const folder = testFolder();

async function* pieces(values: readonly number[], length: number): AsyncGenerator<readonly number[]> {
  for (let start = 0; start < values.length; start += length) yield values.slice(start, start + length);
}

describe('writing .npy', () => {
  it('writes the bytes that NumPy writes', async () => {
    const file = join(folder.path, 'out.npy');
    await writeNpy(file, [2, 3], 'float32', pieces(floats, 4));
    expect(readFileSync(file).equals(fixture('npy_f4'))).toBe(true);
    await writeNpy(file, [2, 3], 'float64', [floats]);
    expect(readFileSync(file).equals(fixture('npy_f8'))).toBe(true);
    await writeNpy(file, [2, 3], 'int32', pieces(signed, 1));
    expect(readFileSync(file).equals(fixture('npy_i4'))).toBe(true);
  });

  it('reads back what it wrote, in pieces of any length', async () => {
    const file = join(folder.path, 'round.npy');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 50 }),
        fc.integer({ min: 1, max: 9 }),
        async (values, length) => {
          await writeNpy(file, [values.length], 'float64', pieces(values, length));
          const { shape, data, integers } = await readNpy(file);
          expect(shape).toEqual([values.length]);
          expect(integers).toBe(false);
          expect([...data]).toEqual(values);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('writes more than its buffer holds', async () => {
    const file = join(folder.path, 'large.npy');
    const count = 300_000;
    await writeNpy(
      file,
      [count / 3, 3],
      'int32',
      pieces(
        Array.from({ length: count }, (_, index) => index),
        7000,
      ),
    );
    const { data } = await readNpy(file);
    expect(data.length).toBe(count);
    expect(data.every((value, index) => value === index)).toBe(true);
  });

  it('leaves the old file, and nothing else, when the numbers do not fit or fail to come', async () => {
    const file = folder.write('kept.npy', 'old');
    expect(await refusal(writeNpy(file, [2, 3], 'float32', [[1, 2]]), folder.path)).toBe(
      'shape: kept.npy: the shape (2, 3) takes 6 numbers, but 2 came.',
    );
    const failing = async function* (): AsyncGenerator<readonly number[]> {
      yield [1];
      throw new Error('lost');
    };
    await expect(writeNpy(file, [2], 'float32', failing())).rejects.toThrow('lost');
    expect(readFileSync(file, 'utf8')).toBe('old');
    expect(readdirSync(folder.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(await refusal(writeNpy(join(file, 'x.npy'), [1], 'float32', [[1]]), folder.path)).toMatch(
      /^argument: kept\.npy\/x\.npy cannot be written \(E.*\)\. Choose a folder that you may write to and that has room\.$/,
    );
  });
});
