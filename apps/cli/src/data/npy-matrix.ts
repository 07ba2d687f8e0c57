import { dataError } from './data-error.ts';
import type { MatrixFile } from './matrix-file.ts';
import { readNpyHeader } from './npy-header.ts';
import { bytesFrom, type OpenFile } from './open-file.ts';
import type { NumberFormat } from './number-format.ts';

/**
 * The tokens of an .npy file: the rows of its 2-D array.
 *
 * @throws DdclError `format` as the header does; `data` for arrays that are not 2-D, boolean or without numbers
 */
export async function npyMatrix(source: OpenFile): Promise<MatrixFile> {
  const { format, shape, position } = await readNpyHeader(bytesFrom(source));
  return { source, format, position, ...matrixShape(source.file, 'its array', format, shape) };
}

/**
 * Checks that an array is a list of tokens.
 *
 * @param what names the array in messages
 * @throws DdclError `data` for other shapes than [rows >= 1, dimension >= 1] and for booleans
 */
export function matrixShape(
  file: string,
  what: string,
  format: NumberFormat,
  shape: readonly number[],
): { rows: number; dimension: number } {
  const [rows, dimension] = shape;
  const shown = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  if (rows === undefined || dimension === undefined || shape.length > 2) {
    const remedy =
      shape.length === 1
        ? 'For tokens of one number each save array.reshape(-1, 1).'
        : shape.length > 2
          ? `For tokens of ${shape.at(-1)} numbers save array.reshape(-1, ${shape.at(-1)}).`
          : 'Save an array with one token a row.';
    throw dataError(file, `${what} has the shape ${shown}; expected two axes, tokens and their numbers. ${remedy}`);
  }
  if (rows === 0 || dimension === 0)
    throw dataError(file, `${what} has the shape ${shown}; expected at least one row and one column. Write it again.`);
  if (format === 'b1')
    throw dataError(file, `${what} holds booleans; expected numbers. Save array.astype(numpy.float32).`);
  return { rows, dimension };
}
