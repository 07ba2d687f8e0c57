import { DdclError } from '@ddcl/core';
import type { ReadoutOutput } from '@ddcl/core/fit';
import type { Encoded } from '../encode/encoded.ts';
import type { BatchOptions, Readout, ReadoutEncodeOptions } from '../readout/readout.ts';
import type { TokenInput } from '../sequences/token-batch.ts';
import { checkExtractor, extractTokens, type ExtractOptions, type FeatureExtractor } from './extract-tokens.ts';

/** What `encode` takes, without what belongs to tokens: the tokenizer gives the mask. */
export type PipelineEncodeOptions<Asked extends ReadoutOutput = ReadoutOutput> = Omit<
  ReadoutEncodeOptions<Asked>,
  keyof BatchOptions
>;

/** Texts to readouts; sequence s of the result is text s. */
export type ReadoutPipeline = <Asked extends ReadoutOutput = 'pooled'>(
  texts: string | readonly string[],
  options?: PipelineEncodeOptions<Asked>,
) => Promise<Encoded<Asked>>;

/**
 * A readout in the place of the pooling of a `feature-extraction` pipeline of transformers.js:
 *
 *     const extractor = await pipeline('feature-extraction', 'onnx-community/all-MiniLM-L6-v2-ONNX');
 *     const embed = readoutPipeline(extractor, readout);
 *     const { pooled } = await embed(['a text', 'another'], { outputs: ['pooled'], normalize: true });
 *
 * The encoder runs once per batch of texts and memory is that of a batch. Padding does not count. (A quantized encoder, dtype q8, takes its
 * scales from the whole batch, padding included: its own token vectors then depend on what else is in it; `batch: 1` avoids that.) Outputs per token come as
 * [texts, sequence, ...], padding included, and so for at most `batch` texts; the mask is that of the pipeline's tokenizer.
 *
 * @throws DdclError `argument` for what is no such pipeline, a batch below 1, no text, or outputs per token of more texts than
 *   `batch`; `shape` if the model returns no token vectors or those of another encoder; what `encode` throws
 */
export function readoutPipeline(
  extractor: FeatureExtractor,
  readout: Pick<Readout, 'encode'>,
  { batch = 32 }: ExtractOptions = {},
): ReadoutPipeline {
  checkExtractor(extractor);
  return async <Asked extends ReadoutOutput = 'pooled'>(
    texts: string | readonly string[],
    options: PipelineEncodeOptions<Asked> = {},
  ) => {
    const list = typeof texts === 'string' ? [texts] : texts;
    if (list.length === 0) throw new DdclError('argument', 'There is no text to encode. Give at least one.');
    const perToken = options.outputs?.find((output) => output === 'outputs' || output === 'assignments');
    if (perToken !== undefined && list.length > batch) {
      throw new DdclError(
        'argument',
        `${perToken} are per token, and ${list.length} texts are more than a batch of ${batch}: batches have different lengths. Give at most ${batch} texts at a time, or a larger batch to readoutPipeline.`,
      );
    }
    const tokens = extractTokens(extractor, list, { batch });
    return readout.encode(list.length <= batch ? await onlyOne(tokens) : tokens, options);
  };
}

/** A single batch keeps the axes of the padded texts; a stream has none. */
async function onlyOne(tokens: ReturnType<typeof extractTokens>): Promise<TokenInput> {
  const { value } = await tokens.next();
  return value!;
}
