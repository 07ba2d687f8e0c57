import { createHash } from 'node:crypto';
import type { EncodeCounts } from '../encoder/encode-documents.ts';
import type { EncoderRecord } from '../encoder/encoder-record.ts';
import { openEncoder, type Encoder, type OpenEncoderOptions } from '../encoder/open-encoder.ts';
import type { Progress } from '../output/progress.ts';
import { openText, type OpenTextOptions } from '../text/open-text.ts';
import { keepShards } from './kept-shards.ts';
import type { TokenFileDType } from './shard-format.ts';
import { writeTokenShards } from './write-token-shards.ts';

export interface TextToEncode {
  /** Files and folders of text. */
  readonly text: readonly string[];
  readonly labels?: string | undefined;
  readonly encoder: OpenEncoderOptions;
  /** Refuses an encoder before the text is read. */
  readonly check?: ((encoder: Encoder) => void) | undefined;
  /** As {@link OpenTextOptions} has them. */
  readonly onDocument?: OpenTextOptions['onDocument'];
  readonly onBadRow?: OpenTextOptions['onBadRow'];
  readonly folder: string;
  readonly tokenDtype?: TokenFileDType | undefined;
  readonly shardTokens?: number | undefined;
  /** Go on after the shards that a run which was killed has left in the folder, if it was of the same texts, encoder and options. Default false. */
  readonly resume?: boolean | undefined;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

export interface EncodedText {
  readonly shards: number;
  readonly counts: EncodeCounts;
  readonly record: EncoderRecord;
  /** Of texts, labels and all that decides their vectors; equal for equal ones only. */
  readonly fingerprint: string;
  /** One line for people. */
  readonly description: string;
}

/**
 * Text to token shards: reads the text, runs it through its encoder, writes the folder.
 *
 * @throws DdclError as `openEncoder`, `openText` and {@link writeTokenShards} do
 */
export async function encodeText(request: TextToEncode): Promise<EncodedText> {
  const { signal, progress, labels } = request;
  const encoder = await openEncoder({ ...request.encoder, signal });
  try {
    request.check?.(encoder);
    const { textField, stripHtml } = request.encoder;
    const text = await openText(request.text, {
      textField,
      labels,
      stripHtml,
      onDocument: request.onDocument,
      onBadRow: request.onBadRow,
      signal,
      onProgress: (done, total) => progress.show({ phase: 'reading text', done, total, unit: 'bytes' }),
    });
    const { encoder: _place, textField: _field, ...record } = encoder.record;
    const identity = [text.fingerprint, record, request.encoder.batch ?? null, request.tokenDtype ?? null];
    const fingerprint = sha256Of(identity);
    // What stands in every shard counts too, so that all of them say the same.
    const run = sha256Of([fingerprint, encoder.record, request.shardTokens ?? null]);
    const kept = request.resume === true ? await keepShards(request.folder, run) : undefined;
    const { shards, counts } = await writeTokenShards(encoder, text.documents(), {
      run,
      kept,
      folder: request.folder,
      dtype: request.tokenDtype,
      shardTokens: request.shardTokens,
      signal,
      onProgress: (documents) =>
        progress.show({ phase: 'encoding text', done: documents, total: text.count, unit: 'documents' }),
    });
    return {
      shards,
      counts,
      record: encoder.record,
      fingerprint,
      description: text.describe(),
    };
  } finally {
    progress.stop();
    await encoder.dispose();
  }
}

const sha256Of = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex');

/** What became of the documents, as a line for people. */
export function describeCounts(
  { documents, tokens, truncated, empty }: EncodeCounts,
  { maxTokens }: EncoderRecord,
): string {
  const number = (value: number): string => value.toLocaleString('en');
  const notes = [
    ...(truncated > 0 ? [`${number(truncated)} cut to ${number(maxTokens)} tokens`] : []),
    ...(empty > 0 ? [`${number(empty)} without text`] : []),
  ];
  return `${number(documents)} documents, ${number(tokens)} tokens${notes.length === 0 ? '' : ` (${notes.join(', ')})`}`;
}
