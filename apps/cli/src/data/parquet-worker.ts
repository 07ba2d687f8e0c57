/** The thread that decodes a .parquet file: one answer a request, in their order. See parquet-decoder.ts. */
import { setImmediate } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { isDdclError } from '@ddcl/core';
import type { Answer } from './bounded-worker.ts';
import { buffersOf } from './packed-column.ts';
import { openParquetFile, type ParquetFile, type ParquetSource } from './parquet-file.ts';
import type { RowWindow } from './parquet-windows.ts';

export type ParquetRequest =
  | { readonly kind: 'open'; readonly source: ParquetSource }
  | { readonly kind: 'windows'; readonly columns: readonly number[] }
  | { readonly kind: 'column'; readonly column: number; readonly window: RowWindow };

const port = parentPort!;
// The first that fails is what is told.
process.on('unhandledRejection', () => undefined);
let file: ParquetFile | undefined;

async function answer(request: ParquetRequest): Promise<void> {
  try {
    if (request.kind === 'open') {
      file = await openParquetFile(request.source);
      send({ kind: 'done', value: file.about });
    } else if (request.kind === 'windows') {
      send({ kind: 'done', value: await file!.windows(request.columns) });
    } else {
      const value = await file!.column(request.column, request.window);
      send({ kind: 'done', value }, buffersOf(value));
    }
  } catch (error) {
    // The library decodes several parts at once; what one of them still does belongs to this request and its limits.
    await setImmediate();
    send({ kind: 'failed', error, code: isDdclError(error) ? error.code : undefined });
  }
}

const send = (message: Answer, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

port.on('message', (request: ParquetRequest) => void answer(request));
send({ kind: 'ready' });
