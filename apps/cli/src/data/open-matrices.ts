import type { Hash } from 'node:crypto';
import { argumentError, dataError } from './data-error.ts';
import type { NamedFile } from './file-kind.ts';
import { joinReaders } from './join-readers.ts';
import { checkLabelFile } from './label-file.ts';
import { hashMatrix, matrixReader, type MatrixFile } from './matrix-file.ts';
import { npyMatrix } from './npy-matrix.ts';
import type { DataOptions, OpenedTokens } from './open-data.ts';
import { openFile, type OpenFile } from './open-file.ts';
import { safetensorsMatrix } from './safetensors-matrix.ts';

/**
 * Opens .npy or .safetensors files, whose rows are read where they lie.
 *
 * @param hash gets the numbers as they are in the files
 * @throws DdclError as {@link npyMatrix}, {@link safetensorsMatrix} and {@link hashMatrix}; `argument` for column names;
 *   `data` for files of different dimension
 */
export async function openMatrices(
  named: readonly NamedFile[],
  options: DataOptions,
  hash: Hash,
  onBytes: (bytes: number) => void,
): Promise<OpenedTokens> {
  const sources: OpenFile[] = [];
  const close = async (): Promise<void> => {
    for (const { handle } of sources.splice(0)) await handle.close();
  };
  try {
    const { file: firstFile } = named[0]!;
    if (options.columns !== undefined) {
      throw argumentError(
        firstFile,
        'its columns have no names, so --columns cannot choose among them. Leave --columns out, or save the wanted columns as an array.',
      );
    }
    if (options.labels !== undefined) await checkLabelFile(firstFile, options.labels);
    const matrices: MatrixFile[] = [];
    for (const { file, kind } of named) {
      const source = await openFile(file);
      sources.push(source);
      const matrix = kind === 'npy' ? await npyMatrix(source) : await safetensorsMatrix(source, options.tensor);
      const first = matrices[0] ?? matrix;
      if (matrix.dimension !== first.dimension) {
        throw dataError(
          file,
          `has tokens of ${matrix.dimension} numbers, but ${firstFile} has ${first.dimension}. Files that are read as one need the same columns.`,
        );
      }
      matrices.push(matrix);
    }
    for (const matrix of matrices) {
      hash.update(JSON.stringify([matrix.format, matrix.rows, matrix.dimension]));
      await hashMatrix(matrix, options, hash, options.signal, onBytes);
    }
    const reader = joinReaders(
      matrices.map((matrix) => matrixReader(matrix, options.dtype)),
      options.dtype,
    );
    return { reader, columns: undefined, labels: undefined, close };
  } catch (error) {
    await close();
    throw error;
  }
}
