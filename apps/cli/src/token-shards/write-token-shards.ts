import { DdclError, isDdclError } from '@ddcl/core';
import type { Encoder, EncodeOptions } from '../encoder/open-encoder.ts';
import type { EncodeCounts } from '../encoder/encode-documents.ts';
import type { TextDocument } from '../text/text-document.ts';
import { ShardWriter } from './shard-writer.ts';
import type { KeptShards } from './kept-shards.ts';
import type { TokenFileDType } from './shard-format.ts';

export interface WriteShardsOptions extends EncodeOptions {
  readonly folder: string;
  readonly dtype?: TokenFileDType | undefined;
  readonly shardTokens?: number | undefined;
  /** As `ShardMetadata.run` says. */
  readonly run?: string | undefined;
  /** Shards of the first documents that are there already. */
  readonly kept?: KeptShards | undefined;
}

/**
 * Encodes documents once and keeps their tokens as shards. Nothing of it is left in the folder if it fails, and the error says so.
 *
 * @throws DdclError as {@link Encoder.encode} and {@link ShardWriter} do
 */
export async function writeTokenShards(
  encoder: Encoder,
  documents: AsyncIterable<TextDocument>,
  { folder, dtype, shardTokens, run, kept, ...options }: WriteShardsOptions,
): Promise<{ readonly shards: number; readonly counts: EncodeCounts }> {
  const writer = new ShardWriter({ folder, record: encoder.record, dtype, shardTokens, run, kept: kept?.shards });
  try {
    const skip = kept?.counts.documents;
    for await (const document of encoder.encode(documents, { ...options, skip })) await writer.add(document);
    const counts = { ...encoder.counts };
    for (const key of ['documents', 'tokens', 'truncated', 'empty'] as const) counts[key] += kept?.counts[key] ?? 0;
    return { shards: await writer.finish(), counts };
  } catch (error) {
    await writer.abandon();
    const { documents: done } = encoder.counts;
    if (!isDdclError(error, 'data') || done === 0 || (kept?.shards ?? 0) > 0) throw error;
    throw new DdclError(
      'data',
      `${error.message} Of the ${done.toLocaleString('en')} documents that were encoded before nothing is kept.`,
      { cause: error },
    );
  }
}
