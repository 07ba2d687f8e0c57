import * as v from 'valibot';
import { checked, finite, whole } from '../data/checked.ts';
import { readEncoderJson } from './encoder-files.ts';

/** What is used of an encoder's config.json; most of it says how the model was made, which the model itself knows. */
export interface EncoderConfig {
  /** Length of a token vector. */
  readonly hidden_size?: number | null | undefined;
  readonly max_position_embeddings?: number | null | undefined;
  /** What GPT and its kin call it. */
  readonly n_positions?: number | null | undefined;
  readonly model_type?: string | null | undefined;
  /** -1 where there is none. */
  readonly pad_token_id?: number | null | undefined;
}

/** The same of a tokenizer_config.json; its other settings are looked at where they are followed. */
export interface TokenizerConfig {
  readonly model_max_length?: number | null | undefined;
  readonly [setting: string]: unknown;
}

const configSchema: v.GenericSchema<unknown, EncoderConfig> = v.object({
  hidden_size: v.nullish(whole(1, 2 ** 24)),
  max_position_embeddings: v.nullish(whole(1)),
  n_positions: v.nullish(whole(1)),
  model_type: v.nullish(v.string()),
  pad_token_id: v.nullish(whole(-1, 2 ** 31 - 1)),
});

const tokenizerSchema: v.GenericSchema<unknown, TokenizerConfig> = v.looseObject({
  model_max_length: v.nullish(v.pipe(finite, v.gtValue(0))),
});

const remedy = 'Download it again.';

/** @throws DdclError `argument` if it cannot be read, `format` if it is not as it must be */
export const readEncoderConfig = async (path: string): Promise<EncoderConfig> =>
  checked(configSchema, await readEncoderJson(path), path, remedy);

/** @throws DdclError as {@link readEncoderConfig} */
export const readTokenizerConfig = async (path: string): Promise<TokenizerConfig> =>
  checked(tokenizerSchema, await readEncoderJson(path), path, remedy);
