import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { DdclError, isDdclError } from '@ddcl/core';
import type { TokenReader } from '@ddcl/core/fit';
import type { DocumentSource } from '@ddcl/hier';
import type { DataCommandOptions } from '../data/data-options.ts';
import { openData } from '../data/open-data.ts';
import { requireEncoder, type EncoderCommandOptions } from '../encoder/encoder-options.ts';
import { requireSameEncoder, type EncoderRecord } from '../encoder/encoder-record.ts';
import type { DocumentMode, ModelConfig } from '../model-folder/model-folder.ts';
import { isFolder } from '../output/entry-at.ts';
import { messageOf } from '../output/message-of.ts';
import { usageError } from '../output/usage-error.ts';
import type { TextCommandOptions } from '../text/text-options.ts';
import { documentMeans } from '../token-shards/document-means.ts';
import { describeCounts, encodeText } from '../token-shards/encode-text.ts';
import { findTokenShards, openTokenShards } from '../token-shards/open-token-shards.ts';
import { isShardName } from '../token-shards/shard-format.ts';
import { temporaryFolder } from '../token-shards/temporary-folder.ts';
import type { Own } from '../output/own.ts';
import type { Progress } from '../output/progress.ts';
import { say } from '../output/print.ts';

/** Numbers of a block, about. */
const blockNumbers = 1 << 20;
/** Bad rows that are named. */
const mostNamed = 5;

export interface CorpusOptions extends EncoderCommandOptions, TextCommandOptions, DataCommandOptions {
  readonly documents?: DocumentMode;
  /** Stop at the first row that is no text. */
  readonly strict?: boolean;
}

/** What a command works with until it ends. */
export interface CorpusScope {
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly own: Own;
  warn(warnings: readonly string[]): void;
}

/** Documents for a hierarchy. */
export interface OpenedCorpus {
  readonly source: DocumentSource;
  readonly documents: number;
  /** For texts and token shards: by what they became tokens. */
  readonly text: { readonly encoder: EncoderRecord; readonly documents: DocumentMode } | undefined;
  /** Whether it is texts, which an encoder made tokens of just now. */
  readonly isText: boolean;
  readonly data: ModelConfig['data'];
  /** Rows that are no texts, and were left out. */
  readonly badRows: number;
  describe(): string;
}

/**
 * Opens text (with an encoder), token shards, or vectors, a row of which is a document.
 *
 * @param made how the model's documents were opened, for a corpus that it is applied to
 * @throws DdclError as `openText`, `openEncoder`, `openTokenShards` and `openData`; `argument` for another encoder
 */
export async function openCorpus(
  paths: readonly string[],
  options: CorpusOptions,
  scope: CorpusScope,
  made?: Pick<ModelConfig, 'text' | 'data'>,
): Promise<OpenedCorpus> {
  const mode = options.documents ?? made?.text?.documents ?? 'tokens';
  if (await holdShards(paths)) return openShards(paths, mode, options, scope, made?.text?.encoder);
  const isText = options.encoder !== undefined || made?.text !== undefined;
  if (isText) return openTexts(paths, mode, options, scope, made?.text?.encoder);
  if (await isFolder(paths[0]!)) {
    throw usageError(`${paths[0]} is a folder without token shards. A folder of texts needs --encoder.`);
  }
  return openVectors(paths, options, scope, made?.data);
}

async function holdShards(paths: readonly string[]): Promise<boolean> {
  const [first] = paths;
  if (!(await isFolder(first!))) return isShardName(basename(first!));
  return (await readdir(first!)).some(isShardName);
}

async function openTexts(
  text: readonly string[],
  mode: DocumentMode,
  options: CorpusOptions,
  scope: CorpusScope,
  made: EncoderRecord | undefined,
): Promise<OpenedCorpus> {
  const { signal, progress, own, warn } = scope;
  const { path: folder } = own(await temporaryFolder(), ({ remove }) => remove());
  const ids: string[] = [];
  const bad: string[] = [];
  const { counts, record, fingerprint, description } = await encodeText({
    text,
    encoder: requireEncoder(options, made),
    check: (encoder) => {
      if (made !== undefined) requireSameEncoder(made, encoder.record, options.otherEncoder ?? false);
    },
    onDocument: ({ id }) => void ids.push(id ?? String(ids.length)),
    onBadRow: options.strict === true ? undefined : (place, error) => void bad.push(`${place} (${messageOf(error)})`),
    folder,
    signal,
    progress,
  });
  say(`${describeCounts(counts, record)}\n`);
  if (bad.length > 0) {
    const more = bad.length > mostNamed ? ` and ${bad.length - mostNamed} more` : '';
    warn([
      `${bad.length} rows are no texts and were left out: ${bad.slice(0, mostNamed).join('; ')}${more}. --strict stops at the first.`,
    ]);
  }
  const opened = await openShards([folder], mode, options, scope, undefined);
  return {
    ...opened,
    isText: true,
    source: withIds(opened.source, ids),
    data: { ...opened.data, fingerprint },
    badRows: bad.length,
    describe: () => description,
  };
}

function withIds(source: DocumentSource, ids: readonly string[]): DocumentSource {
  return {
    ...source,
    async *blocks() {
      let first = 0;
      for await (const block of source.blocks()) {
        const end = first + block.ids.length;
        yield { ...block, ids: ids.slice(first, end) };
        first = end;
      }
    },
  };
}

async function openShards(
  paths: readonly string[],
  mode: DocumentMode,
  options: CorpusOptions,
  { signal, progress, own }: CorpusScope,
  made: EncoderRecord | undefined,
): Promise<OpenedCorpus> {
  const whole = await isFolder(paths[0]!);
  const shards = own(await openTokenShards((await findTokenShards(paths))!, whole), ({ close }) => close());
  const { record, counts, offsets, fingerprint } = shards;
  if (made !== undefined) requireSameEncoder(made, record, options.otherEncoder ?? false);
  const onProgress = (done: number): void =>
    progress.show({ phase: 'averaging', done, total: counts.documents, unit: 'documents' });
  const means =
    mode === 'mean'
      ? own(await documentMeans(shards.reader, offsets, { keepEmpty: true, signal, onProgress }), ({ close }) =>
          close(),
        )
      : undefined;
  const bounds = means === undefined ? offsets : Float64Array.from({ length: offsets.length }, (_, index) => index);
  // A mean of no tokens has no direction, and no topic.
  const isEmpty = (document: number): boolean => offsets[document] === offsets[document + 1];
  const encoder = { name: record.encoder, hash: record.hash };
  return {
    source: { ...documentsOf(means?.reader ?? shards.reader, bounds, means && isEmpty), encoder },
    documents: counts.documents,
    text: { encoder: record, documents: mode },
    isText: false,
    data: { columns: null, tensor: null, tokens: offsets.at(-1)!, fingerprint },
    badRows: 0,
    describe: () => shards.describe(),
  };
}

async function openVectors(
  paths: readonly string[],
  { columns, tensor }: CorpusOptions,
  { signal, progress, own }: CorpusScope,
  made: ModelConfig['data'] | undefined,
): Promise<OpenedCorpus> {
  const chosen = columns ?? made?.columns ?? undefined;
  const named = tensor ?? made?.tensor ?? undefined;
  const { reader, ...opened } = own(
    await openData(paths, {
      ...(chosen === undefined ? {} : { columns: [...chosen] }),
      ...(named === undefined ? {} : { tensor: named }),
      dtype: 'float32',
      signal,
      onProgress: (done, total) => progress.show({ phase: 'opening', done, total, unit: 'bytes' }),
    }).catch((error: unknown) => {
      throw made === undefined ? withEncoderNamed(error) : error;
    }),
    ({ close }) => close(),
  );
  progress.stop();
  const { fingerprint } = opened;
  const bounds = Float64Array.from({ length: reader.tokens + 1 }, (_, index) => index);
  return {
    source: documentsOf(reader, bounds),
    documents: reader.tokens,
    text: undefined,
    isText: false,
    data: { columns: opened.columns ?? null, tensor: tensor ?? null, tokens: reader.tokens, fingerprint },
    badRows: 0,
    describe: () => opened.describe(),
  };
}

/** Whoever fits texts and forgets their encoder has no cell to repair. */
function withEncoderNamed(error: unknown): unknown {
  if (!isDdclError(error) || !/expected a number, but ".*\p{L}.*" came|"text"/u.test(error.message)) return error;
  const message = error.message.replace('Repair the cell', 'Text needs --encoder. If it is none, repair the cell');
  return new DdclError(error.code, message, { cause: error });
}

/** @param isEmpty documents whose rows count for nothing */
function documentsOf(
  reader: TokenReader,
  bounds: Float64Array,
  isEmpty?: (document: number) => boolean,
): Omit<DocumentSource, 'encoder'> {
  const { dimension } = reader;
  const documents = bounds.length - 1;
  return {
    dimension,
    documents,
    async *blocks() {
      let first = 0;
      while (first < documents) {
        let end = first + 1;
        while (end < documents && (bounds[end + 1]! - bounds[first]!) * dimension <= blockNumbers) end += 1;
        const [start, count] = [bounds[first]!, bounds[end]! - bounds[first]!];
        const data = count === 0 ? new Float32Array(0) : (await reader.read(start, count)).data;
        const lengths = Int32Array.from(
          { length: end - first },
          (_, index) => bounds[first + index + 1]! - bounds[first + index]!,
        );
        const ids = Array.from(lengths, (_, index) => String(first + index));
        yield isEmpty === undefined
          ? { ids, data, lengths }
          : withoutEmpty({ ids, data, lengths }, dimension, (index) => isEmpty(first + index));
        first = end;
      }
    },
  };
}

/** Takes out the rows of documents that have one and should have none. */
function withoutEmpty(
  { ids, data, lengths }: { ids: string[]; data: Float32Array | Float64Array; lengths: Int32Array },
  dimension: number,
  isEmpty: (index: number) => boolean,
) {
  const kept = Array.from(ids.keys()).filter((index) => !isEmpty(index));
  const rows = new Float32Array(kept.length * dimension);
  kept.forEach((from, to) => rows.set(data.subarray(from * dimension, (from + 1) * dimension), to * dimension));
  return { ids, data: rows, lengths: lengths.map((length, index) => (isEmpty(index) ? 0 : length)) };
}
