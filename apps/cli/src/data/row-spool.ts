import { randomUUID, type Hash } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tokensFromArray, type TokenReader } from '@ddcl/core/fit';
import { dataError } from './data-error.ts';
import { bytesOf, createFloats, type FloatArray, type TokenDType } from './float-array.ts';
import { matrixReader } from './matrix-file.ts';
import { messageOf } from '../output/message-of.ts';

/** Bytes that are kept in memory before rows go to a temporary file. */
export const defaultSpoolBytes: number = 64 << 20;

/** Bytes to begin with; they double while rows come. */
const firstBytes = 1 << 16;

/** Bytes gathered before they are written to the temporary file. */
const writeBytes = 1 << 20;

/**
 * Rows of a stream, collected so that they can be read in any order: in memory up to a budget, beyond it in a
 * temporary file. The file loses its name as soon as it is open, so that the system removes it however the process ends.
 */
export interface RowSpool {
  readonly rows: number;
  /** Adds a row of `dimension` numbers, finite in the dtype; copied. Call `flush` when it returns true. */
  append(row: ArrayLike<number>): boolean;
  /** Makes room: grows the memory or writes to the file. */
  flush(): Promise<void>;
  /** The rows. Nothing may be appended afterwards. */
  finish(): Promise<TokenReader>;
  /** Frees the memory and the file. */
  close(): Promise<void>;
}

/**
 * @param dimension numbers of a row, >= 1
 * @param hash gets the bytes of all rows in their order, the last of them in `finish`
 * @param budget bytes kept in memory, >= 0
 */
export function createRowSpool(
  dimension: number,
  dtype: TokenDType,
  hash: Hash,
  budget: number = defaultSpoolBytes,
): RowSpool {
  const rowBytes = dimension * (dtype === 'float32' ? 4 : 8);
  const minimum = Math.max(1, Math.floor(Math.min(firstBytes, budget) / rowBytes));
  let buffer: FloatArray = createFloats(dtype, minimum * dimension);
  let used = 0;
  let rows = 0;
  let handle: FileHandle | undefined;

  const spill = async (): Promise<void> => {
    const bytes = bytesOf(buffer.subarray(0, used));
    hash.update(bytes);
    try {
      handle ??= await openNameless();
      await handle.writeFile(bytes);
    } catch (cause) {
      const reason = messageOf(cause);
      throw dataError(
        tmpdir(),
        `the rows do not fit in memory and cannot be kept in this folder (${reason}). Set TMPDIR to a folder with more room.`,
        cause,
      );
    }
    used = 0;
    const wanted = Math.max(1, Math.floor(writeBytes / rowBytes)) * dimension;
    if (buffer.length > wanted) buffer = createFloats(dtype, wanted);
  };

  return {
    get rows() {
      return rows;
    },
    append(row) {
      for (let index = 0; index < dimension; index++) buffer[used + index] = row[index]!;
      used += dimension;
      rows += 1;
      return used === buffer.length;
    },
    async flush() {
      if (handle === undefined && 2 * buffer.byteLength <= budget) {
        const larger = createFloats(dtype, 2 * buffer.length);
        larger.set(buffer);
        buffer = larger;
      } else {
        await spill();
      }
    },
    async finish() {
      if (handle === undefined) {
        const data = buffer.subarray(0, used);
        hash.update(bytesOf(data));
        return tokensFromArray(data, dimension);
      }
      await spill();
      const source = { file: 'the temporary copy of the data', handle, size: rows * rowBytes };
      return matrixReader({ source, format: dtype === 'float32' ? 'f4' : 'f8', position: 0, rows, dimension }, dtype);
    },
    async close() {
      buffer = createFloats(dtype, 0);
      await handle?.close();
      handle = undefined;
    },
  };
}

async function openNameless(): Promise<FileHandle> {
  const path = join(tmpdir(), `ddcl-rows-${randomUUID()}`);
  const handle = await open(path, 'wx+', 0o600);
  await rm(path);
  return handle;
}
