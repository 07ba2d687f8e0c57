import { createHash } from 'node:crypto';
import type { OpenedData } from '../data/open-data.ts';
import { labelsOfRows } from '../data/row-labels.ts';
import type { EncodeCounts } from '../encoder/encode-documents.ts';
import type { EncoderRecord } from '../encoder/encoder-record.ts';
import type { DocumentMode } from '../model-folder/model-folder.ts';
import type { Own } from '../output/own.ts';
import type { Progress } from '../output/progress.ts';
import { documentMeans } from '../token-shards/document-means.ts';
import { describeCounts, encodeText, type TextToEncode } from '../token-shards/encode-text.ts';
import { findTokenShards, openTokenShards, type OpenedTokenShards } from '../token-shards/open-token-shards.ts';
import { temporaryFolder } from '../token-shards/temporary-folder.ts';
import { say } from '../output/print.ts';

/** Tokens of texts, as data files give tokens; labels are those of each token's document. */
export interface OpenedDocuments extends Omit<OpenedData, 'close'> {
  readonly documents: {
    readonly mode: DocumentMode;
    readonly record: EncoderRecord;
    readonly counts: EncodeCounts;
    /** One for each document, where labels were asked for. */
    readonly labels: readonly string[] | undefined;
    /** Document of each row of the reader, [rows]; rises. Made when asked for: a fit has no need of it. */
    ofRow(): Int32Array;
  };
}

export interface DocumentRows {
  readonly mode: DocumentMode;
  /** For means: whether a document without tokens has a row, of zeros. */
  readonly keepEmpty: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly own: Own;
}

/** Token shards as data for a fit or a model. */
export async function openDocuments(
  shards: OpenedTokenShards,
  { mode, keepEmpty, signal, progress, own: keep }: DocumentRows,
  own: { readonly fingerprint?: string; readonly description?: string } = {},
): Promise<OpenedDocuments> {
  const { record, counts, labels, offsets } = shards;
  const onProgress = (done: number): void =>
    progress.show({ phase: 'averaging', done, total: counts.documents, unit: 'documents' });
  const means =
    mode === 'mean'
      ? keep(await documentMeans(shards.reader, offsets, { keepEmpty, signal, onProgress }), ({ close }) => close())
      : undefined;
  progress.stop();
  const fingerprint = own.fingerprint ?? shards.fingerprint;
  return {
    reader: means?.reader ?? shards.reader,
    columns: undefined,
    labels:
      labels &&
      (means === undefined
        ? labelsOfRows(labels, offsets)
        : Array.from(means.documents, (document) => labels[document]!)),
    fingerprint:
      mode === 'tokens'
        ? fingerprint
        : createHash('sha256')
            .update(JSON.stringify([fingerprint, mode]))
            .digest('hex'),
    documents: { mode, record, counts, labels, ofRow: () => means?.documents ?? documentsOfTokens(offsets) },
    describe: () => own.description ?? shards.describe(),
  };
}

function documentsOfTokens(offsets: Float64Array): Int32Array {
  const ofRow = new Int32Array(offsets.at(-1)!);
  for (let document = 0; document + 1 < offsets.length; document++)
    ofRow.fill(document, offsets[document], offsets[document + 1]);
  return ofRow;
}

/** Text, run through its encoder once into a temporary folder. What came of it is said on stderr. */
export async function openTextDocuments(
  request: Omit<TextToEncode, 'folder' | 'tokenDtype' | 'shardTokens'>,
  rows: DocumentRows,
): Promise<OpenedDocuments> {
  const { path: folder } = rows.own(await temporaryFolder(), ({ remove }) => remove());
  const { counts, record, fingerprint, description } = await encodeText({ ...request, folder });
  say(`${describeCounts(counts, record)}\n`);
  const shards = await openTokenShards((await findTokenShards([folder]))!, true);
  return openDocuments(
    rows.own(shards, ({ close }) => close()),
    rows,
    { fingerprint, description },
  );
}
