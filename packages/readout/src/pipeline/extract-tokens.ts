import { DdclError, isDdclError } from '@ddcl/core';
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

export interface ExtractProgress {
  /** Texts whose tokens are there. */
  readonly texts: number;
  /** All texts, where they are a list. */
  readonly total: number | undefined;
}

export interface ExtractOptions {
  /** How many texts the encoder sees at once, of similar length and padded to the longest of them. Default 32. */
  readonly batch?: number;
  /** Called after each run of the encoder. */
  readonly onProgress?: (progress: ExtractProgress) => void;
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

/** Texts that run together are as long as each other, about: they are sorted within windows of so many characters, at least one batch. */
const windowCharacters = 1 << 17;

/** What encoders cut off does not make a text longer. */
const mostCharacters = 2048;

/** What special tokens count for, of which every text has some. */
const specialCharacters = 16;

/** @param numbers of the texts, for messages */
async function extract(extractor: FeatureExtractor, texts: string[], numbers: readonly number[]): Promise<TokenBatch> {
  // As the pipeline itself does: all of one length, cut at what the model can take.
  const inputs = await runPart('tokenizer', numbers, () =>
    extractor.tokenizer(texts, { padding: true, truncation: true }),
  );
  const { attention_mask: mask } = inputs as { readonly attention_mask?: unknown };
  const { data, dims } = tokenVectors(await runPart('encoder', numbers, () => extractor.model(inputs as never)));
  if (!isTensor(mask) || mask.dims[0] !== dims[0] || mask.dims[1] !== dims[1]) {
    throw new DdclError(
      'shape',
      `The tokenizer must return an attention_mask [${dims[0]}, ${dims[1]}] beside token vectors [${dims.join(', ')}], but returned ${isTensor(mask) ? `[${mask.dims.join(', ')}]` : 'none'}. Pass a pipeline of a text encoder.`,
    );
  }
  return { data: float32(data), shape: [...dims], mask: mask.data as ArrayLike<bigint> };
}

/** @throws DdclError `data` that names the texts, whatever a part of the pipeline throws */
async function runPart(part: string, numbers: readonly number[], run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (cause) {
    if (isDdclError(cause)) throw cause;
    const which = numbers.length === 1 ? `Text ${numbers[0]}` : `One of texts ${numbers.join(', ')}`;
    const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!.trim();
    throw new DdclError(
      'data',
      `${which} (counted from 0): the ${part} fails (${reason}). Leave it out, or take tokenizer and model of one encoder.`,
      { cause },
    );
  }
}

/** The tokens of one text, without padding: a view. */
interface TextTokens {
  readonly batch: TokenBatch;
  readonly row: number;
}

/** Runs a window in order of length; gives batches in the order of the texts. */
async function* extractWindow(
  extractor: FeatureExtractor,
  texts: readonly string[],
  { first, batch, tell }: { first: number; batch: number; tell: (texts: number) => void },
): AsyncGenerator<TokenBatch> {
  const order = [...texts.keys()];
  // One batch has no order to gain from, and keeps the axes and the mask that the encoder gave it.
  if (texts.length > batch) order.sort((a, b) => texts[b]!.length - texts[a]!.length);
  const found = new Array<TextTokens>(texts.length);
  for (let start = 0; start < order.length; start += batch) {
    const rows = order.slice(start, start + batch);
    const made = await extract(
      extractor,
      rows.map((index) => texts[index]!),
      rows.map((index) => first + index),
    );
    tell(rows.length);
    if (texts.length <= batch) {
      yield made;
      return;
    }
    rows.forEach((index, row) => (found[index] = { batch: made, row }));
  }
  for (let start = 0; start < found.length; start += batch) yield padTogether(found.slice(start, start + batch));
}

/** Texts of several runs as one batch, padded to the longest of them. */
function padTogether(texts: readonly TextTokens[]): TokenBatch {
  const dimension = texts[0]!.batch.shape[2]!;
  const places = texts.map(({ batch: { shape, mask }, row }) => {
    const own = Array.from({ length: shape[1]! }, (_, column) => row * shape[1]! + column);
    return own.filter((place) => Number(mask![place]) > 0);
  });
  const length = places.reduce((most, own) => Math.max(most, own.length), 1);
  const data = new Float32Array(texts.length * length * dimension);
  const mask = new Uint8Array(texts.length * length);
  texts.forEach(({ batch }, text) => {
    places[text]!.forEach((place, column) => {
      const target = text * length + column;
      const vector = batch.data.subarray(place * dimension, (place + 1) * dimension);
      data.set(vector, target * dimension);
      mask[target] = 1;
    });
  });
  return { data, shape: [texts.length, length, dimension], mask };
}

/**
 * Token vectors of texts with their masks, for `Readout.fit(extractTokens(extractor, texts), ...)`, `encode` and `partialFit`: batch by batch
 * in the order of the texts, which run through the encoder once, in order of length, so that little is padded. Special tokens such as [CLS] are tokens
 * like others; padding has mask 0.
 *
 * @throws DdclError `argument` for what is no pipeline or no text; `shape` for a model that returns no token vectors; `dtype` if they are
 *   neither float32 nor float16; `data` where tokenizer or model fail, naming the texts
 */
export async function* extractTokens(
  extractor: FeatureExtractor,
  texts: string | Iterable<string> | AsyncIterable<string>,
  { batch = 32, onProgress }: ExtractOptions = {},
): AsyncGenerator<TokenBatch, void> {
  checkExtractor(extractor);
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw new DdclError('argument', `batch must be a whole number > 0, but is ${batch}.`);
  }
  const total = typeof texts === 'string' ? 1 : Array.isArray(texts) ? texts.length : undefined;
  let done = 0;
  const tell = (more: number): void => onProgress?.({ texts: (done += more), total });
  let waiting: string[] = [];
  let characters = 0;
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
    characters += Math.min(text.length, mostCharacters) + specialCharacters;
    // Whole batches, so that the encoder runs as often as it must and no oftener.
    if (characters < windowCharacters || waiting.length % batch !== 0) continue;
    yield* extractWindow(extractor, waiting, { first: count - waiting.length, batch, tell });
    [waiting, characters] = [[], 0];
  }
  if (waiting.length > 0) yield* extractWindow(extractor, waiting, { first: count - waiting.length, batch, tell });
}

/** @throws DdclError `argument` for what is no pipeline over text */
export function checkExtractor(extractor: FeatureExtractor): void {
  if (typeof extractor?.tokenizer === 'function' && typeof extractor.model === 'function') return;
  throw new DdclError(
    'argument',
    "The extractor must be a pipeline with a tokenizer and a model. Pass what pipeline('feature-extraction', name) of transformers.js resolves to.",
  );
}
