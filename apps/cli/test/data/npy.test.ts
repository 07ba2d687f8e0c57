import { utimesSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openData } from '../../src/data/open-data.ts';
import { readNpy } from '../../src/data/npy-reader.ts';
import { fixture, floats, signed, unsigned, type FixtureName } from './fixtures.ts';
import { readAll, refusal, testFolder, type PartialOptions } from './support.ts';

const folder = testFolder();

const arrays: readonly [FixtureName, readonly number[]][] = [
  ['npy_f2', floats],
  ['npy_f4', floats],
  ['npy_f8', floats],
  ['npy_f4_v2', floats],
  ['npy_f4_v3', floats],
  ['npy_i1', signed],
  ['npy_i2', signed],
  ['npy_i4', signed],
  ['npy_i8', signed],
  ['npy_u1', unsigned],
  ['npy_u2', unsigned],
  ['npy_u4', unsigned],
  ['npy_u8', unsigned],
];

describe('reading .npy as tokens', () => {
  it.each(arrays)('%s', async (name, values) => {
    const file = folder.write(`${name}.npy`, fixture(name));
    for (const dtype of ['float32', 'float64'] as const) {
      const { rows, columns, labels } = await readAll(file, { dtype });
      expect(rows).toEqual([values.slice(0, 3), values.slice(3)]);
      expect(columns).toBeUndefined();
      expect(labels).toBeUndefined();
    }
    expect([...(await readNpy(file)).data]).toEqual(values);
  });

  it('reads rows in any order and reuses its block', async () => {
    const file = folder.write('order.npy', fixture('npy_f8'));
    const { reader, close, describe: describeData } = await openData([file], { dtype: 'float32' });
    expect([...(await reader.read(1, 1)).data]).toEqual(floats.slice(3));
    expect([...(await reader.read(0, 1)).data]).toEqual(floats.slice(0, 3));
    expect([...(await reader.read(0, 2)).data]).toEqual(floats);
    expect(describeData()).toBe(`${file}: 2 tokens of dimension 3`);
    await close();
    await close();
  });

  it('reads 64-bit integers beyond 2^32 and 2^53', async () => {
    const bytes = fixture('npy_i8');
    bytes.writeBigInt64LE(-(2n ** 40n) - 1n, 128);
    bytes.writeBigInt64LE(2n ** 62n + 1n, 136);
    const file = folder.write('long.npy', bytes);
    expect((await readAll(file)).rows[0]!.slice(0, 2)).toEqual([-(2 ** 40) - 1, 2 ** 62]);
    expect(await refusal(readNpy(file), folder.path)).toBe(
      'data: long.npy: number 1 (counted from 0) is 4611686018427388000; integers must be within +-2^53. Number them from 0.',
    );
  });
});

describe('bad .npy files', () => {
  const refused = (name: string, bytes: Uint8Array, options: PartialOptions = {}): Promise<string> =>
    refusal(readAll(folder.write(name, bytes), options), folder.path);

  it.each<[FixtureName, string]>([
    [
      'npy_object',
      'format: x.npy: holds Python objects; expected plain numbers. Unpickling can run code and is never done: save array.astype(numpy.float32), with rows of equal length.',
    ],
    [
      'npy_fortran',
      'format: x.npy: is in Fortran order (columns one after another); expected C order. Save numpy.ascontiguousarray(array).',
    ],
    ['npy_big', 'format: x.npy: holds big-endian numbers (>f4); expected little-endian. Save array.astype("<f4").'],
    [
      'npy_struct',
      'format: x.npy: holds records with named fields; expected one plain number type. Save numpy.lib.recfunctions.structured_to_unstructured(array).',
    ],
    [
      'npy_complex',
      'format: x.npy: holds the dtype "<c8"; expected float16, float32, float64 or integers. Save array.astype(numpy.float32).',
    ],
    [
      'npy_1d',
      'data: x.npy: its array has the shape (4,); expected two axes, tokens and their numbers. For tokens of one number each save array.reshape(-1, 1).',
    ],
    [
      'npy_3d',
      'data: x.npy: its array has the shape (2, 3, 4); expected two axes, tokens and their numbers. For tokens of 4 numbers save array.reshape(-1, 4).',
    ],
    ['npy_bool', 'data: x.npy: its array holds booleans; expected numbers. Save array.astype(numpy.float32).'],
    ['st', 'format: x.npy: is not an .npy file: it does not start with "\\x93NUMPY". Save it with numpy.save.'],
  ])('%s', async (name, message) => {
    expect(await refused('x.npy', fixture(name))).toBe(message);
  });

  it('refuses a file that is too short or too long, wherever it ends', async () => {
    const bytes = fixture('npy_f4');
    expect(await refused('x.npy', bytes.subarray(0, 150))).toBe(
      'format: x.npy: its header says (2, 3) of f4, 24 bytes, but 22 follow; it is cut short. Write it again.',
    );
    expect(await refused('x.npy', Buffer.concat([bytes, Buffer.alloc(4)]))).toBe(
      'format: x.npy: its header says (2, 3) of f4, 24 bytes, but 28 follow; the rest belongs to nothing. Write it again.',
    );
    expect(await refused('x.npy', bytes.subarray(0, 0))).toBe('format: x.npy: is empty (0 bytes). Write it again.');
    for (let length = 1; length < bytes.length; length++) {
      expect(await refused('x.npy', bytes.subarray(0, length))).toMatch(/^format: x\.npy: /);
    }
  });

  it('names row and column of a number that is not finite or too large', async () => {
    const bytes = fixture('npy_f8');
    bytes.writeDoubleLE(NaN, 128 + 8 * 4);
    expect(await refused('x.npy', bytes)).toBe(
      'data: x.npy: row 1, column 1 (counted from 0) is NaN; expected a finite number. Remove or repair the row.',
    );
    bytes.writeDoubleLE(-Infinity, 128 + 8 * 2);
    expect(await refused('x.npy', bytes, { dtype: 'float32' })).toBe(
      'data: x.npy: row 0, column 2 (counted from 0) is -Infinity; expected a finite number. Remove or repair the row.',
    );
    const large = fixture('npy_f8');
    large.writeDoubleLE(1e39, 128 + 8 * 3);
    expect(await refused('x.npy', large, { dtype: 'float32' })).toBe(
      'data: x.npy: row 1, column 0 (counted from 0) is 1e+39, too large for float32. Use --dtype float64 or scale the data.',
    );
    expect(await refused('x.npy', large)).toBe('nothing thrown');
  });

  it('checks again while it reads', async () => {
    const bytes = fixture('npy_f4');
    const file = folder.write('changing.npy', bytes);
    const { reader, close } = await openData([file], { dtype: 'float32' });
    bytes.writeFloatLE(NaN, 128);
    folder.write('changing.npy', bytes);
    utimesSync(file, new Date(), new Date(Date.now() + 5000));
    expect(await refusal(reader.read(0, 2), folder.path)).toMatch(
      /^data: changing\.npy: changed while it was read \(it was written to and has the same length\)/,
    );
    folder.write('changing.npy', bytes.subarray(0, 140));
    expect(await refusal(reader.read(1, 1), folder.path)).toMatch(
      /^data: changing\.npy: changed while it was read \(it had 152 bytes and has 140 now\)/,
    );
    await close();
  });

  it('refuses column names and sizes that lie', async () => {
    expect(await refused('x.npy', fixture('npy_f4'), { columns: ['a'] })).toBe(
      'argument: x.npy: its columns have no names, so --columns cannot choose among them. Leave --columns out, or save the wanted columns as an array.',
    );
    const claims = (shape: string): Buffer => {
      const bytes = fixture('npy_f4');
      bytes.write(
        bytes.toString('latin1', 10, 128).replace('(2, 3), }  ', `${shape}, }`.padEnd(11)).slice(0, 118),
        10,
        'latin1',
      );
      return bytes;
    };
    expect(await refused('x.npy', claims('(0, 3)').subarray(0, 128))).toBe(
      'data: x.npy: its array has the shape (0, 3); expected at least one row and one column. Write it again.',
    );
    expect(await refused('x.npy', claims('(-2, 3)'))).toMatch(
      /^format: x\.npy: its header has a malformed shape\. Save it with numpy\.save\.$/,
    );
  });

  const headed = (header: string): Buffer => {
    const bytes = fixture('npy_f4');
    bytes.write(header.padEnd(117), 10, 'latin1');
    return bytes;
  };

  it.each([
    `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}`,
    ` {"shape":(2,3,),"descr":"<f4","fortran_order":False,}`,
    `{'fortran_order': False, 'shape': (2L, 3L), 'descr': '<f4', }`,
  ])('reads a dict in any order and spelling: %s', async (header) => {
    expect((await readAll(folder.write('x.npy', headed(header)))).rows).toHaveLength(2);
  });

  it.each([
    [`{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }'descr': '<f8'`, 'is no Python dict in braces'],
    [`{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'shape': (3, 2), }`, 'has shape twice'],
    [`{'descr': '<f4', 'fortran_order': 'False', 'shape': (2, 3), }`, 'has a malformed fortran_order'],
    [`{'descr': '<f4', 'fortran_order': False, 'shape': '2, 3', }`, 'has a malformed shape'],
    [`{'descr': <f4, 'fortran_order': False, 'shape': (2, 3), }`, 'has a malformed descr'],
    [
      `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'x': True, }`,
      'has something else than "descr", "fortran_order", "shape"',
    ],
    [
      `{'constructor': '<f4', 'fortran_order': False, 'shape': (2, 3), }`,
      'has something else than "descr", "fortran_order", "shape"',
    ],
    [`{'fortran_order': False, }`, 'lacks descr and shape'],
    [`'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)`, 'is no Python dict in braces'],
    [`{'descr': '<f4' 'fortran_order': False, 'shape': (2, 3)}`, 'has a malformed descr'],
  ])('refuses what numpy does not write, and says which part: %s', async (header, problem) => {
    expect(await refused('x.npy', headed(header))).toBe(
      `format: x.npy: its header ${problem}. Save it with numpy.save.`,
    );
  });
});
