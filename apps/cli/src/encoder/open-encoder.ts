import { resolve } from 'node:path';
import type { OrtRuntime } from '@ddcl/backend-ort';
import { entryAt } from '../output/entry-at.ts';
import { usageError } from '../output/usage-error.ts';
import { cacheFolderText, fetchEncoder, isEncoderName } from './fetch-encoder.ts';
import { encodeDocuments, type EncodeCounts, type EncodedDocument } from './encode-documents.ts';
import { readEncoderConfig, readTokenizerConfig } from './encoder-config.ts';
import { findEncoderFiles, readEncoderJson, type EncoderDType } from './encoder-files.ts';
import { hashEncoder, type EncoderRecord } from './encoder-record.ts';
import { EncoderSession } from './encoder-session.ts';
import { EncoderThread } from './encoder-thread.ts';
import type { TextDocument } from '../text/text-document.ts';
import { encoderTokenLimit, resolveMaxTokens } from './token-limit.ts';
import { TextTokenizer, type TextPieces, type TokenizedText } from './tokenizer.ts';
import { say } from '../output/print.ts';

export interface OpenEncoderOptions {
  /** A folder, or a name that is fetched. */
  readonly encoder: string;
  /** Default `fp32`. */
  readonly dtype?: EncoderDType | undefined;
  /** Texts are cut to this many tokens, special ones included. Default: what the encoder takes. */
  readonly maxTokens?: number | undefined;
  /** Leave special tokens out of the result. Default false. */
  readonly dropSpecial?: boolean | undefined;
  /** Most documents per batch. Default: as many as a budget of tokens has room for. */
  readonly batch?: number | undefined;
  /** Goes into the record. */
  readonly textField?: string | undefined;
  /** Goes into the record. Default false. */
  readonly stripHtml?: boolean | undefined;
  /** Told when something takes long: a file that is fetched. Default: a line on stderr. */
  readonly onNotice?: ((text: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Default: the one that is installed, in a thread of its own. */
  readonly ort?: OrtRuntime | undefined;
}

export interface EncodeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of documents that are encoded, several times per window. */
  readonly onProgress?: ((documents: number) => void) | undefined;
  /** Documents at the beginning that are not wanted, though they decide with which others the next ones are padded. Default 0. */
  readonly skip?: number | undefined;
}

/** Texts in, token vectors out. */
export interface Encoder {
  /** Length m of a token vector. */
  readonly dimension: number;
  readonly record: EncoderRecord;
  /** Of all documents that were encoded so far. */
  readonly counts: EncodeCounts;
  /** Documents in the order they come. A stream at a time. */
  encode(
    documents: AsyncIterable<TextDocument> | Iterable<TextDocument>,
    options?: EncodeOptions,
  ): AsyncGenerator<EncodedDocument>;
  /** What the session is given for a text, special tokens included. */
  tokenize(text: string): TokenizedText;
  /** The text of each token that `encode` gives a vector for, in that order. */
  pieces(text: string): TextPieces;
  /** Frees the session. */
  dispose(): Promise<void>;
}

/** @throws DdclError `argument` if there is neither a folder nor a possible name */
async function locate({
  encoder,
  dtype = 'fp32',
  onNotice = (text) => say(`${text}\n`),
  signal,
}: OpenEncoderOptions): Promise<string> {
  const folder = resolve(encoder);
  const entry = await entryAt(folder);
  if (entry?.isDirectory()) return folder;
  const gives = 'Give the folder that holds tokenizer.json, config.json and onnx/model.onnx.';
  if (entry !== undefined) throw usageError(`The encoder ${encoder} is a file. ${gives}`);
  if (!isEncoderName(encoder)) throw usageError(`There is no encoder folder ${folder}. ${gives}`);
  return fetchEncoder(encoder, {
    dtype,
    signal,
    onFile: (name) => onNotice(`fetching ${name} of ${encoder} into ${cacheFolderText}`),
  });
}

/**
 * Opens a text encoder: its tokenizer and its ONNX model, which runs in ONNX Runtime on the CPU.
 *
 * @throws DdclError `argument` for what is missing or asked for wrongly, `format` for files that are broken, `unsupported` for a
 *   model of another kind, `aborted`
 */
export async function openEncoder(options: OpenEncoderOptions): Promise<Encoder> {
  const { dtype = 'fp32', dropSpecial = false, batch, textField, stripHtml = false } = options;
  const folder = await locate(options);
  const files = await findEncoderFiles(folder, dtype);
  const config = await readEncoderConfig(files.config);
  const tokenizerConfig = files.tokenizerConfig === undefined ? {} : await readTokenizerConfig(files.tokenizerConfig);
  const tokenizer = await TextTokenizer.open(await readEncoderJson(files.tokenizer), tokenizerConfig, files.tokenizer);
  const hash = await hashEncoder(files);
  const { hidden_size: hidden, pad_token_id: padding } = config;
  const file = { path: files.model, hidden: hidden ?? undefined, padding: Math.max(0, padding ?? 0) };
  const session =
    options.ort === undefined
      ? await EncoderThread.open(file, options.signal)
      : await EncoderSession.open(options.ort, file);
  const { dimension, mostTokens } = session;
  const limits = [encoderTokenLimit(config, tokenizerConfig), mostTokens].filter((limit) => limit !== undefined);
  const limit = limits.length === 0 ? undefined : Math.min(...limits);
  let maxTokens: number;
  try {
    maxTokens = resolveMaxTokens(options.maxTokens, limit, tokenizer.special);
  } catch (error) {
    await session.dispose();
    throw error;
  }
  const isFolder = folder === resolve(options.encoder);
  const counts = { documents: 0, tokens: 0, truncated: 0, empty: 0 };
  const tokenize = (text: string): TokenizedText => tokenizer.tokenize(text, maxTokens);
  return {
    dimension,
    record: {
      encoder: isFolder ? folder : options.encoder,
      hash,
      dtype,
      maxTokens,
      dropSpecial,
      textField: textField ?? null,
      stripHtml,
      dimension,
    },
    counts,
    encode: (documents, { signal = options.signal, onProgress, skip = 0 } = {}) =>
      encodeDocuments(documents, { session, tokenize, dropSpecial, batch, counts, signal, onProgress, skip }),
    tokenize,
    pieces(text) {
      const { ids, special, truncated } = tokenize(text);
      const kept = (_: number, index: number): boolean => !dropSpecial || special[index] === 0;
      const shown = ids.filter(kept);
      return {
        ids: shown,
        pieces: Array.from(shown, (id) => tokenizer.piece(id)),
        special: special.filter(kept),
        truncated,
      };
    },
    dispose: () => session.dispose(),
  };
}
