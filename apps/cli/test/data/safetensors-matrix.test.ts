import { describe, expect, it } from 'vitest';
import { fixture, floats, signed } from './fixtures.ts';
import { readAll, refusal, testFolder } from './support.ts';

const folder = testFolder();
const rowsOf = (values: readonly number[]): number[][] => [values.slice(0, 3), values.slice(3)];

describe('reading .safetensors as tokens', () => {
  it('takes the only tensor with two axes, or the one that is named', async () => {
    const one = folder.write('one.safetensors', fixture('st'));
    expect((await readAll(one)).rows).toEqual(rowsOf(floats));
    expect((await readAll(one, { tensor: 'a', dtype: 'float32' })).rows).toEqual(rowsOf(floats));
    const many = folder.write('many.safetensors', fixture('st_many'));
    expect((await readAll(many, { tensor: 'x64' })).rows).toEqual(rowsOf(floats));
    expect((await readAll(many, { tensor: 'half' })).rows).toEqual(rowsOf(floats));
    expect((await readAll(many, { tensor: 'ids' })).rows).toEqual(rowsOf(signed));
  });

  it('reads bfloat16, the upper half of a float32', async () => {
    const header = '{"t":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]}}';
    const bytes = Buffer.concat([Buffer.alloc(8), Buffer.from(header), Buffer.from([0xc0, 0x3f, 0x00, 0xc0])]);
    bytes.writeBigUInt64LE(BigInt(header.length));
    expect((await readAll(folder.write('bf.safetensors', bytes))).rows).toEqual([[1.5, -2]]);
  });

  it('refuses what is missing, must be named, or is no list of tokens', async () => {
    const one = folder.write('one.safetensors', fixture('st'));
    const many = folder.write('many.safetensors', fixture('st_many'));
    const message = (file: string, tensor?: string): Promise<string> => refusal(readAll(file, { tensor }), folder.path);
    expect(await message(many)).toBe(
      'argument: many.safetensors: has 3 tensors with two axes: "ids", "x64", "half". Name one with --tensor.',
    );
    expect(await message(many, 'haf')).toBe(
      'argument: many.safetensors: has no tensor "haf"; did you mean "half"? It has "ids", "x64", "c", "half". Name one with --tensor.',
    );
    expect(await message(one, 'weights')).toBe(
      'argument: one.safetensors: has no tensor "weights". It has "a", "b". Name one with --tensor.',
    );
    expect(await message(one, 'b')).toContain('tensor "b" has the shape (3,); expected two axes');
    expect(await refusal(readAll(one, { columns: ['a'] }), folder.path)).toMatch(
      /^argument: one\.safetensors: its columns have no names/,
    );
  });

  it('refuses a file that is cut anywhere, or holds more', async () => {
    const bytes = fixture('st');
    const cut = folder.write('x.safetensors', bytes.subarray(0, bytes.length - 3));
    expect(await refusal(readAll(cut), folder.path)).toBe(
      `format: x.safetensors: Not a valid safetensors file: its tensors end at byte ${bytes.length}, but the file has ${bytes.length - 3} bytes; it may be cut short. Write it again.`,
    );
    for (let length = 0; length < bytes.length; length += 5) {
      expect(await refusal(readAll(folder.write('x.safetensors', bytes.subarray(0, length))), folder.path)).toMatch(
        /^format: x\.safetensors: /,
      );
    }
    expect(await refusal(readAll(folder.write('x.safetensors', Buffer.concat([bytes, Buffer.alloc(1)]))))).toMatch(
      /^format: /,
    );
  });
});
