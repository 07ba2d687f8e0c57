import { getHeapStatistics } from 'node:v8';
import { startBoundedWorker } from './bounded-worker.ts';
import { formatError } from './data-error.ts';
import type { OpenFile } from './open-file.ts';
import type { PackedColumn } from './packed-column.ts';
import type { ParquetColumns, ParquetSource } from './parquet-file.ts';
import type { RowWindow } from './parquet-windows.ts';
import type { ParquetRequest } from './parquet-worker.ts';
import { unpackLimit, unpackRemedy, unpackSeconds } from './unpack-limit.ts';

/** A .parquet file that a thread decodes within limits, which follow from the file's size and not from what it says. */
export interface ParquetDecoder {
  readonly about: ParquetColumns;
  windows(columns: readonly number[]): Promise<readonly RowWindow[]>;
  column(column: number, window: RowWindow): Promise<PackedColumn>;
  close(): Promise<void>;
}

/** Both from the sources, as tests run, and from dist: Node runs no TypeScript. */
const script = new URL('../../dist/data/parquet-worker.js', import.meta.url);

/**
 * @throws DdclError as `openParquetFile`; `format` where decoding takes more than the file's bytes can need; `aborted`
 */
export async function startParquetDecoder(
  { file, handle, size }: OpenFile,
  signal: AbortSignal | undefined,
): Promise<ParquetDecoder> {
  const bytes = unpackLimit(size);
  const process = getHeapStatistics().heap_size_limit;
  // The rest is for what is not on the heap: bytes of the file, unpacked ones, numbers in typed arrays.
  const bySize = 2 ** Math.floor(Math.log2(bytes) - 0.2);
  const heap = Math.min(bySize, process);
  const source: ParquetSource = {
    file,
    descriptor: handle.fd,
    size,
    room: { bytes: heap, remedy: bySize < process ? unpackRemedy(size) : undefined },
  };
  const worker = await startBoundedWorker(
    script,
    {
      bytes,
      heap,
      exceeded: (what) =>
        formatError(
          file,
          `cannot be read as Parquet (it takes more ${what} than its ${size} bytes should). Its lengths are wrong, or it repeats a value very often. ${unpackRemedy(size)}`,
        ),
    },
    signal,
  );
  const ask = <Result>(request: ParquetRequest, numbers: number): Promise<Result> =>
    worker.ask(request, unpackSeconds(size, numbers));
  try {
    return {
      about: await ask({ kind: 'open', source }, 0),
      windows: (columns) => ask({ kind: 'windows', columns }, 0),
      column: (column, window) => ask({ kind: 'column', column, window }, window.numbers),
      close: worker.close,
    };
  } catch (error) {
    await worker.close();
    throw error;
  }
}
