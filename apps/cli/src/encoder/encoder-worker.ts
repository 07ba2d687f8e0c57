/** The thread in which an encoder runs: one answer a request, in their order. See encoder-thread.ts. */
import { parentPort } from 'node:worker_threads';
import { isDdclError } from '@ddcl/core';
import { loadOrt } from '../backends/load-ort.ts';
import type { Answer } from '../data/bounded-worker.ts';
import { messageOf } from '../output/message-of.ts';
import { EncoderSession, type BatchVectors, type EncoderFile } from './encoder-session.ts';

export type EncoderRequest =
  | { readonly kind: 'open'; readonly file: EncoderFile }
  | { readonly kind: 'run'; readonly rows: readonly Int32Array[] }
  | { readonly kind: 'close' };

const port = parentPort!;
const send = (message: Answer, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
let session: EncoderSession | undefined;

async function answer(request: EncoderRequest): Promise<void> {
  try {
    if (request.kind === 'open') {
      session = await EncoderSession.open(await loadOrt(), request.file);
      const { dimension, mostTokens } = session;
      send({ kind: 'done', value: { dimension, mostTokens } });
    } else if (request.kind === 'run') {
      const value: BatchVectors = await session!.run(request.rows);
      send({ kind: 'done', value }, [value.data.buffer as ArrayBuffer]);
    } else {
      await session?.dispose();
      send({ kind: 'done', value: undefined });
      port.close();
    }
  } catch (error) {
    // Errors of the runtime's own kinds would lose their message on the way.
    send({ kind: 'failed', error: new Error(messageOf(error)), code: isDdclError(error) ? error.code : undefined });
  }
}

port.on('message', (request: EncoderRequest) => void answer(request));
