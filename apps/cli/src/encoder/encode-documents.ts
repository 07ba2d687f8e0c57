import { DdclError, isDdclError } from '@ddcl/core';
import { firstNonFinite } from '@ddcl/core/fit';
import { checkAborted } from '../data/data-error.ts';
import { messageOf } from '../output/message-of.ts';
import type { BatchVectors, EncoderModel } from './encoder-session.ts';
import { defaultBatchTokens, planBatches } from './plan-batches.ts';
import type { TextDocument } from '../text/text-document.ts';
import type { TokenizedText } from './tokenizer.ts';

/** A document as token vectors. */
export interface EncodedDocument {
  readonly label?: string;
  readonly place: string;
  /** Of each token in `tokens`, [n]. */
  readonly ids: Int32Array;
  /** [n, m]. */
  readonly tokens: Float32Array;
  /** Whether the text was cut. */
  readonly truncated: boolean;
  /** Whether the text has no token but special ones. */
  readonly empty: boolean;
}

export interface EncodeCounts {
  documents: number;
  /** Token vectors that came out. */
  tokens: number;
  /** Documents that were cut. */
  truncated: number;
  /** Documents without text. */
  empty: number;
}

export interface EncodeRun {
  readonly session: EncoderModel;
  readonly tokenize: (text: string) => TokenizedText;
  readonly dropSpecial: boolean;
  readonly batch: number | undefined;
  /** Added to. */
  readonly counts: EncodeCounts;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((documents: number) => void) | undefined;
  /** Documents at the beginning that are neither given nor counted. */
  readonly skip: number;
}

/** Tokens of the documents that are sorted by length together: enough to pad little, few enough to keep in memory. */
const windowTokens = 8 * defaultBatchTokens;

/** Documents of a window, however short they are. */
const windowDocuments = 4096;

type Waiting = Omit<TextDocument, 'text'> & TokenizedText;

/**
 * Encodes documents a window at a time: sorted by length into batches, given back in their order.
 *
 * @throws DdclError `data` for vectors that are not finite, naming the document; `aborted`; as the stream of documents does
 */
export async function* encodeDocuments(
  documents: AsyncIterable<TextDocument> | Iterable<TextDocument>,
  run: EncodeRun,
): AsyncGenerator<EncodedDocument> {
  let window: Waiting[] = [];
  let [tokens, skip] = [0, run.skip];
  for await (const { text, ...document } of documents) {
    checkAborted(run.signal);
    const tokenized = tokenizeDocument(run, document.place, text);
    window.push({ ...document, ...tokenized });
    tokens += tokenized.ids.length;
    if (tokens < windowTokens && window.length < windowDocuments) continue;
    if (skip < window.length) yield* encodeWindow(window, run, skip);
    skip = Math.max(0, skip - window.length);
    window = [];
    tokens = 0;
  }
  if (skip < window.length) yield* encodeWindow(window, run, skip);
}

/** @throws DdclError `data` that names the document, whatever the tokenizer throws */
function tokenizeDocument(run: EncodeRun, place: string, text: string): ReturnType<EncodeRun['tokenize']> {
  try {
    return run.tokenize(text);
  } catch (cause) {
    if (isDdclError(cause)) throw cause;
    throw new DdclError(
      'data',
      `${place}: the tokenizer fails on this text of ${text.length.toLocaleString('en')} characters (${firstLine(cause)}). Cut the text, or leave it out.`,
      { cause },
    );
  }
}

/** @throws DdclError `data` that names the documents, whatever the encoder's runtime throws */
async function runEncoder({ session, signal }: EncodeRun, documents: readonly Waiting[]): Promise<BatchVectors> {
  try {
    return await session.run(
      documents.map(({ ids }) => ids),
      signal,
    );
  } catch (cause) {
    if (isDdclError(cause)) throw cause;
    // The usual cause: a tokenizer of another model, with ids beyond the rows of this one's table.
    const largestOf = ({ ids }: Waiting): number => ids.reduce((most, id) => Math.max(most, id), 0);
    const worst = documents.reduce((one, other) => (largestOf(other) > largestOf(one) ? other : one));
    const others = documents.length === 1 ? '' : ` in a batch of ${documents.length}`;
    throw new DdclError(
      'data',
      `${worst.place}${others}: the encoder fails (${firstLine(cause)}). The largest token id is ${largestOf(worst)}: where the model has as many rows or fewer, it is not the tokenizer's. Take tokenizer.json and model.onnx from one place.`,
      { cause },
    );
  }
}

const firstLine = (error: unknown): string => messageOf(error).split('\n')[0]!.trim();

/** @param skip documents of the window that are only there for the others */
async function* encodeWindow(
  window: readonly Waiting[],
  run: EncodeRun,
  skip: number,
): AsyncGenerator<EncodedDocument> {
  const { session, dropSpecial, counts } = run;
  const { dimension } = session;
  const before = counts.documents;
  const encoded = new Array<EncodedDocument>(window.length);
  const none = { ids: new Int32Array(0), tokens: new Float32Array(0) };
  // A document whose tokens are all left out need not run.
  const lengths = window.map(({ ids, empty }) => (dropSpecial && empty ? 0 : ids.length));
  window.forEach(({ special: _special, ...document }, index) => {
    if (lengths[index] === 0) encoded[index] = { ...document, ...none };
  });
  let done = lengths.filter((length) => length === 0).length;
  // The first batch may take long, and what is shown until then would be of reading.
  run.onProgress?.(before + done);
  for (const plan of planBatches(lengths, run.batch)) {
    checkAborted(run.signal);
    const { data, length } = await runEncoder(
      run,
      plan.map((index) => window[index]!),
    );
    for (const [row, index] of plan.entries()) {
      const { special, ...document } = window[index]!;
      const start = row * length * dimension;
      const vectors = data.subarray(start, start + document.ids.length * dimension);
      const bad = firstNonFinite(vectors, vectors.length);
      if (bad >= 0) {
        throw new DdclError(
          'data',
          `${document.place}: the encoder gave ${vectors[bad]} for token ${Math.floor(bad / dimension)} (counted from 0); token vectors must be finite. Leave the text out, or use the encoder in fp32.`,
        );
      }
      // Special tokens are at the ends. Copies, because a view would keep the whole batch in memory.
      const [first, end] = dropSpecial ? [special.indexOf(0), special.lastIndexOf(0) + 1] : [0, special.length];
      encoded[index] = {
        ...document,
        ids: document.ids.slice(first, end),
        tokens: vectors.slice(first * dimension, end * dimension),
      };
    }
    done += plan.length;
    run.onProgress?.(before + done);
  }
  for (const document of encoded.slice(skip)) {
    counts.documents += 1;
    counts.tokens += document.ids.length;
    counts.truncated += Number(document.truncated);
    counts.empty += Number(document.empty);
    yield document;
  }
}
