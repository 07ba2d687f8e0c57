import { DdclError } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import type { PaddedBatch } from '../sequences/padded-batch.ts';
import type { SequenceReader } from '../sequences/sequence-reader.ts';
import { DocumentBatches } from './document-batch.ts';
import { bucketLengths, groupDocuments, type DocumentGroup } from './length-buckets.ts';
import type { SupervisedPart } from './supervised-part.ts';

/** Documents of a reader in padded batches of a part, of few lengths. */
export interface DocumentGroups {
  /** Rows of every batch. */
  readonly rows: number;
  groups(order: ArrayLike<number>): DocumentGroup[];
  /** A batch that is valid until the next one. */
  read(group: DocumentGroup): Promise<PaddedBatch>;
}

/** @throws DdclError `shape` for tokens of another dimension; `limit` for batches that the backend cannot hold */
export function documentGroups(
  backend: Backend,
  { dimension, dtype, frame }: SupervisedPart,
  reader: SequenceReader,
  { batch, paddedLengths }: { readonly batch: number; readonly paddedLengths: number },
): DocumentGroups {
  if (reader.dimension !== dimension) {
    throw new DdclError(
      'shape',
      `The documents' tokens have dimension ${reader.dimension}, but the model ${dimension}. Use tokens of the encoder that it was fitted on.`,
    );
  }
  const rows = Math.max(1, Math.min(batch, reader.sequences));
  const buckets = bucketLengths(reader.lengths, paddedLengths);
  const longest = buckets.at(-1)!;
  const bytes = rows * longest * dimension * (dtype === 'float32' ? 4 : 8);
  if (bytes > backend.capabilities.maxBufferBytes) {
    throw new DdclError(
      'limit',
      `${rows} documents of ${longest} tokens take ${bytes} bytes, but ${backend.name} allows ${backend.capabilities.maxBufferBytes}. Use a smaller batch.`,
    );
  }
  const batches = new DocumentBatches(reader, frame, dtype, rows);
  return {
    rows,
    groups: (order) => groupDocuments(order, reader.lengths, buckets, rows),
    read: (group) => batches.read(group),
  };
}
