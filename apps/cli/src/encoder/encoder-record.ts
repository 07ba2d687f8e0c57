import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { whole } from '../data/checked.ts';
import { usageError } from '../output/usage-error.ts';
import { openRegular } from '../output/read-file.ts';
import { reasonOf } from '../output/write-file.ts';
import { encoderDTypes, type EncoderDType, type EncoderFiles } from './encoder-files.ts';

/** By what texts became token vectors; kept in model folders and token shards. */
export interface EncoderRecord {
  /** Its name, or the absolute path of its folder. */
  readonly encoder: string;
  /** SHA-256 in hexadecimal over tokenizer.json, config.json, tokenizer_config.json where there is one, and the model with its weights. */
  readonly hash: string;
  readonly dtype: EncoderDType;
  /** Texts were cut to this many tokens. */
  readonly maxTokens: number;
  readonly dropSpecial: boolean;
  /** Which field of the data was the text, where one was named. */
  readonly textField: string | null;
  /** Whether HTML tags were taken out of the text. */
  readonly stripHtml: boolean;
  /** Length of a token vector. */
  readonly dimension: number;
}

/**
 * Identifies an encoder by its content: the same files in other places have the same hash.
 *
 * @throws DdclError `argument` if a file cannot be read
 */
export async function hashEncoder(files: EncoderFiles): Promise<string> {
  const { tokenizer, config, tokenizerConfig, model, external } = files;
  const hash = createHash('sha256');
  for (const path of [
    tokenizer,
    config,
    ...(tokenizerConfig === undefined ? [] : [tokenizerConfig]),
    model,
    ...external,
  ])
    hash.update(await hashFile(path));
  return hash.digest('hex');
}

async function hashFile(path: string): Promise<Buffer> {
  const hash = createHash('sha256');
  try {
    const file = await openRegular(path);
    for await (const chunk of file.createReadStream({ highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch (cause) {
    throw usageError(`${path} cannot be read (${reasonOf(cause)}).`, cause);
  }
  return hash.digest();
}

/** Of a record that comes from a file. */
export const encoderRecordSchema: v.GenericSchema<unknown, EncoderRecord> = v.object({
  encoder: v.string(),
  hash: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  dtype: v.picklist(encoderDTypes),
  maxTokens: whole(1),
  dropSpecial: v.boolean(),
  textField: v.nullable(v.string()),
  stripHtml: v.boolean(),
  dimension: whole(1),
});

/**
 * @param record of the encoder that a model was fitted with, or that made token shards
 * @param now the encoder at hand
 * @param otherEncoder whether another encoder was allowed by `--other-encoder`
 * @throws DdclError `argument` unless both are of the same content or `otherEncoder` is set
 */
export function requireSameEncoder(record: EncoderRecord, now: EncoderRecord, otherEncoder: boolean): void {
  if (record.hash === now.hash || otherEncoder) return;
  throw usageError(
    `${now.encoder} (${now.dtype}) is not the encoder that the model was fitted with, ${record.encoder} (${record.dtype}): its tokenizer, config or weights differ. Give that one with --encoder, or --other-encoder if you mean it.`,
  );
}
