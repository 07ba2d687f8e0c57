import type { EncodeCounts } from '../encoder/encode-documents.ts';
import { isEncoderRecord, type EncoderRecord } from '../encoder/encoder-record.ts';

/** What the metadata of a shard calls itself. */
export const shardFormat = 'ddcl.token-shards';

/** A reader refuses others. */
export const shardFormatVersion = '1';

/** Tensors of a shard: vectors, bounds of the documents, and numbers of labels where there are any. */
export const shardTensors = { tokens: 'tokens', offsets: 'offsets', labels: 'labels' } as const;

/** Numbers of the token vectors in a file. */
export type TokenFileDType = 'float16' | 'float32';

/** Name of a shard's file. */
export const shardName = (index: number): string => `tokens-${String(index).padStart(5, '0')}.safetensors`;

/** Whether a file of a folder has the name of a shard. */
export const isShardName = (name: string): boolean => /^tokens-\d{5,}\.safetensors$/.test(name);

/** What a shard says of itself. */
export interface ShardMetadata {
  /** Number of the shard, from 0. */
  readonly shard: number;
  /** Whether no shard comes after it. */
  readonly last: boolean;
  readonly encoder: EncoderRecord;
  readonly counts: EncodeCounts;
  /** Over tokens, offsets and labels, hexadecimal. */
  readonly sha256: string;
  /** Texts that the tensor of labels numbers; undefined where there are no labels. */
  readonly labelNames: readonly string[] | undefined;
}

/** As texts by key, the form of a safetensors file. */
export function metadataTexts(metadata: ShardMetadata): Record<string, string> {
  const { shard, last, encoder, counts, sha256, labelNames } = metadata;
  return {
    format: shardFormat,
    formatVersion: shardFormatVersion,
    shard: String(shard),
    last: String(last),
    encoder: JSON.stringify(encoder),
    counts: JSON.stringify(counts),
    sha256,
    ...(labelNames === undefined ? {} : { labelNames: JSON.stringify(labelNames) }),
  };
}

/**
 * Metadata of a shard from the texts of a file; undefined where they are not those of a shard of this version.
 */
export function parseMetadata(texts: Readonly<Record<string, string>>): ShardMetadata | undefined {
  if (texts['format'] !== shardFormat || texts['formatVersion'] !== shardFormatVersion) return undefined;
  try {
    const encoder: unknown = JSON.parse(texts['encoder']!);
    const counts = JSON.parse(texts['counts']!) as EncodeCounts;
    const labelNames =
      texts['labelNames'] === undefined ? undefined : (JSON.parse(texts['labelNames']) as readonly string[]);
    const shard = Number(texts['shard']);
    const sha256 = texts['sha256'];
    const whole = [shard, counts.documents, counts.tokens, counts.truncated, counts.empty];
    const namesAreTexts =
      labelNames === undefined ||
      (Array.isArray(labelNames) && labelNames.every((name: unknown) => typeof name === 'string'));
    if (!isEncoderRecord(encoder) || sha256 === undefined || !whole.every(Number.isSafeInteger) || !namesAreTexts)
      return undefined;
    return { shard, last: texts['last'] === 'true', encoder, counts, sha256, labelNames };
  } catch {
    return undefined;
  }
}
