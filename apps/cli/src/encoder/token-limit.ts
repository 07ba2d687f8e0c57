import { usageError } from '../output/usage-error.ts';
import type { EncoderConfig, TokenizerConfig } from './encoder-config.ts';

/** Tokenizers without a limit say 1e30. */
const saneLimit = 1e6;

/** Encoders whose positions start after the padding's id, so that they take fewer tokens than they have positions. */
const offsetPositions = /roberta|camembert|mpnet|longformer|esm/;

const saneOf = (value: number | null | undefined): number | undefined =>
  typeof value === 'number' && value <= saneLimit ? Math.floor(value) : undefined;

/**
 * Most tokens of a text, special ones included: positions that the encoder has (config.json), or `model_max_length` of its
 * tokenizer_config.json where that is smaller. Undefined where neither says.
 */
export function encoderTokenLimit(config: EncoderConfig, tokenizerConfig: TokenizerConfig): number | undefined {
  const positions = saneOf(config.max_position_embeddings ?? config.n_positions);
  const { model_type: type, pad_token_id: padding } = config;
  const lost = typeof type === 'string' && offsetPositions.test(type) ? (padding ?? 1) + 1 : 0;
  const limits = [positions === undefined ? undefined : positions - lost, saneOf(tokenizerConfig.model_max_length)];
  const known = limits.filter((limit) => limit !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/**
 * The tokens that texts are cut to.
 *
 * @param asked `--max-tokens`
 * @param special special tokens around each text
 * @throws DdclError `argument` for more than the encoder takes, for too few, and where no limit is known
 */
export function resolveMaxTokens(asked: number | undefined, limit: number | undefined, special: number): number {
  const taken = asked ?? limit;
  if (taken === undefined) throw usageError('The encoder does not say how many tokens it takes. Give --max-tokens N.');
  if (limit !== undefined && taken > limit)
    throw usageError(`The encoder takes at most ${limit} tokens, but --max-tokens is ${taken}.`);
  if (taken > special) return taken;
  throw usageError(
    asked === undefined
      ? `The encoder's config.json and tokenizer_config.json say that it takes ${taken} tokens, which leaves no room for text beside ${special} special tokens. Download them again.`
      : `--max-tokens ${asked} leaves no room for text beside ${special} special tokens. Give at least ${special + 1}.`,
  );
}
