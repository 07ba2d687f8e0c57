import { DdclError } from '@ddcl/core';
import { fromFloat16 } from '@ddcl/core/safetensors';
import type { TokenBatch } from '../sequences/token-batch.ts';

/** A tensor of transformers.js, as far as it is used here. */
interface TensorLike {
  readonly data: unknown;
  readonly dims: readonly number[];
}

/**
 * A `feature-extraction` pipeline of transformers.js (2, 3 and 4): `await pipeline('feature-extraction', name)`. Its tokenizer and its model
 * are used one after the other, as it does itself, since the call of the pipeline hides the mask.
 */
export interface FeatureExtractor {
  readonly tokenizer: (texts: string[], options: { padding: boolean; truncation: boolean }) => unknown;
  readonly model: (inputs: never) => Promise<unknown>;
}

export interface ExtractOptions {
  /** How many texts the encoder sees at once, padded to the longest of them. Default 32. */
  readonly batch?: number;
}

/** Under these names models give token vectors, in the order in which transformers.js looks for them. */
const outputNames = ['last_hidden_state', 'logits', 'token_embeddings'];

function isTensor(value: unknown): value is TensorLike {
  return typeof value === 'object' && value !== null && 'data' in value && 'dims' in value;
}

/** Numbers of a tensor as float32; half precision comes as bits or, in newer runtimes, as a Float16Array. */
function float32(data: unknown): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof Uint16Array) return fromFloat16(data);
  const name = (data as object | undefined)?.constructor?.name;
  if (name === 'Float16Array') return Float32Array.from(data as Iterable<number>);
  throw new DdclError(
    'dtype',
    `Token vectors must be float32 or float16, but are a ${name ?? typeof data}. Load the model with another dtype.`,
  );
}

/** The token vectors [batch, sequence, m] among what a model returned. */
function tokenVectors(outputs: unknown): TensorLike {
  const named = (outputs ?? {}) as Record<string, unknown>;
  const found = outputNames.map((name) => named[name]).find((value) => value !== undefined && value !== null);
  if (isTensor(found) && found.dims.length === 3) return found;
  const others = Object.entries(named).flatMap(([name, value]) =>
    isTensor(value) ? [`${name} [${value.dims.join(', ')}]`] : [],
  );
  throw new DdclError(
    'shape',
    `The model must return token vectors [batch, sequence, m] as ${outputNames.join(' or ')}, but returns ${others.join(', ') || 'no tensor'}. Use an encoder without pooling.`,
  );
}

async function extract(extractor: FeatureExtractor, texts: string[]): Promise<TokenBatch> {
  // As the pipeline itself does: all of one length, cut at what the model can take.
  const inputs = extractor.tokenizer(texts, { padding: true, truncation: true });
  const { attention_mask: mask } = inputs as { readonly attention_mask?: unknown };
  const { data, dims } = tokenVectors(await extractor.model(inputs as never));
  if (!isTensor(mask) || mask.dims[0] !== dims[0] || mask.dims[1] !== dims[1]) {
    throw new DdclError(
      'shape',
      `The tokenizer must return an attention_mask [${dims[0]}, ${dims[1]}] beside token vectors [${dims.join(', ')}], but returned ${isTensor(mask) ? `[${mask.dims.join(', ')}]` : 'none'}. Pass a pipeline of a text encoder.`,
    );
  }
  return { data: float32(data), shape: [...dims], mask: mask.data as ArrayLike<bigint> };
}

/**
 * Token vectors of texts with their masks, batch by batch, for `Readout.fit(() => extractTokens(extractor, texts), ...)` and `partialFit`.
 * Special tokens such as [CLS] are tokens like others; padding has mask 0.
 *
 * @throws DdclError `argument` for what is no pipeline or no text; `shape` for a model that returns no token vectors; `dtype` if they are
 *   neither float32 nor float16
 */
export async function* extractTokens(
  extractor: FeatureExtractor,
  texts: string | Iterable<string> | AsyncIterable<string>,
  { batch = 32 }: ExtractOptions = {},
): AsyncGenerator<TokenBatch, void> {
  checkExtractor(extractor);
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw new DdclError('argument', `batch must be a whole number > 0, but is ${batch}.`);
  }
  let waiting: string[] = [];
  let count = 0;
  for await (const text of typeof texts === 'string' ? [texts] : texts) {
    if (typeof text !== 'string') {
      throw new DdclError(
        'argument',
        `Text ${count} (counted from 0) is a ${text === null ? 'null' : typeof text}, not a string.`,
      );
    }
    count++;
    waiting.push(text);
    if (waiting.length < batch) continue;
    yield await extract(extractor, waiting);
    waiting = [];
  }
  if (waiting.length > 0) yield await extract(extractor, waiting);
}

/** @throws DdclError `argument` for what is no pipeline over text */
export function checkExtractor(extractor: FeatureExtractor): void {
  if (typeof extractor?.tokenizer === 'function' && typeof extractor.model === 'function') return;
  throw new DdclError(
    'argument',
    "The extractor must be a pipeline with a tokenizer and a model. Pass what pipeline('feature-extraction', name) of transformers.js resolves to.",
  );
}
