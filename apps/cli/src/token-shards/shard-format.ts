import * as v from 'valibot';
import { checked, whole } from '../data/checked.ts';
import { formatError } from '../data/data-error.ts';
import type { EncodeCounts } from '../encoder/encode-documents.ts';
import { encoderRecordSchema, type EncoderRecord } from '../encoder/encoder-record.ts';

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
  /** Of texts, encoder and all options: equal for shards that the same command wrote. Only `--resume` asks. */
  readonly run?: string | undefined;
  /** Texts that the tensor of labels numbers; undefined where there are no labels. */
  readonly labelNames: readonly string[] | undefined;
}

/** As texts by key, the form of a safetensors file. */
export function metadataTexts(metadata: ShardMetadata): Record<string, string> {
  const { shard, last, encoder, counts, sha256, run, labelNames } = metadata;
  return {
    format: shardFormat,
    formatVersion: shardFormatVersion,
    shard: String(shard),
    last: String(last),
    encoder: JSON.stringify(encoder),
    counts: JSON.stringify(counts),
    sha256,
    ...(run === undefined ? {} : { run }),
    ...(labelNames === undefined ? {} : { labelNames: JSON.stringify(labelNames) }),
  };
}

const metadataSchema: v.GenericSchema<unknown, ShardMetadata> = v.object({
  shard: whole(),
  last: v.boolean(),
  encoder: encoderRecordSchema,
  counts: v.object({ documents: whole(1), tokens: whole(), truncated: whole(), empty: whole() }),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  run: v.undefinedable(v.string()),
  labelNames: v.undefinedable(v.array(v.string())),
});

/**
 * Metadata of a shard from the texts of a file.
 *
 * @throws DdclError `format` where they are not those of a shard of this version
 */
export function parseMetadata(file: string, texts: Readonly<Record<string, string>>, remedy: string): ShardMetadata {
  if (texts['format'] !== shardFormat || texts['formatVersion'] !== shardFormatVersion)
    throw formatError(file, `is no token shard of version ${shardFormatVersion}. ${remedy}`);
  const json = (name: string): unknown => {
    const text = texts[name];
    try {
      return text === undefined ? undefined : JSON.parse(text);
    } catch (cause) {
      throw formatError(file, `its ${name} is not JSON. ${remedy}`, cause);
    }
  };
  const [shard, last, encoder, counts, labelNames] = ['shard', 'last', 'encoder', 'counts', 'labelNames'].map(json);
  const metadata = { shard, last, encoder, counts, sha256: texts['sha256'], run: texts['run'], labelNames };
  return checked(metadataSchema, metadata, file, remedy);
}
