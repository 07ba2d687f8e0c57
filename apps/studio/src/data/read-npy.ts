import { DdclError } from '@ddcl/core';
import { createFloats } from '../../../cli/src/data/float-array.ts';
import { readNpyHeader } from '../../../cli/src/data/npy-header.ts';
import { bytesPerNumber, decodeNumbers, firstNonFiniteOf } from '../../../cli/src/data/number-format.ts';
import { fingerprintOf, type Vectors } from './vectors.ts';

/** Bytes of numbers that a page takes into memory, at most: browsers give a tab a few GiB. */
const mostBytes = 2 ** 30;

/**
 * The vectors [rows, columns] of an .npy file that the user chose.
 *
 * @throws DdclError `format` for what is no .npy of plain numbers with two axes; `data` for numbers that are not finite; `limit` for more
 *   than 1 GiB of numbers
 */
export async function readNpy(file: File): Promise<Vectors> {
  const read = async (target: Uint8Array, position: number): Promise<void> =>
    target.set(new Uint8Array(await file.slice(position, position + target.length).arrayBuffer()));
  const { format, shape, position } = await readNpyHeader({ file: file.name, size: file.size, read });
  const [rows, dimension] = shape;
  if (shape.length !== 2 || !rows || !dimension) {
    throw new DdclError(
      'format',
      `${file.name}: its shape is (${shape.join(', ')}); expected (vectors, numbers of each), both above 0. Reshape it.`,
    );
  }
  const count = rows * dimension;
  const dtype = format === 'f8' ? 'float64' : 'float32';
  if (count * (dtype === 'float64' ? 8 : 4) > mostBytes) {
    throw new DdclError(
      'limit',
      `${file.name}: ${count.toLocaleString('en')} numbers are more than a page holds (1 GiB). Use 'ddcl fit', which reads them from the file.`,
    );
  }
  const bytes = new Uint8Array(count * bytesPerNumber(format));
  await read(bytes, position);
  const data = createFloats(dtype, count);
  decodeNumbers(format, bytes, data, count);
  const bad = firstNonFiniteOf(format, bytes, data, count);
  if (bad >= 0) {
    throw new DdclError(
      'data',
      `${file.name}: row ${Math.floor(bad / dimension)}, column ${bad % dimension} (counted from 0) is ${data[bad]}; numbers must be finite. Remove or repair it.`,
    );
  }
  return {
    name: `${file.name}: ${rows.toLocaleString('en')} vectors of ${dimension} numbers`,
    data,
    dimension,
    columns: null,
    fingerprint: await fingerprintOf(data),
  };
}
