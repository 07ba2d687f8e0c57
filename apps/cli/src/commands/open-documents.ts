import { createHash } from 'node:crypto';
import type { OpenedData } from '../data/open-data.ts';
import { labelsOfRows } from '../data/row-labels.ts';
import type { EncodeCounts } from '../encoder/encode-documents.ts';
import type { EncoderRecord } from '../encoder/encoder-record.ts';
import type { DocumentMode } from '../model-folder/model-folder.ts';
import type { Progress } from '../output/progress.ts';
import { documentMeans } from '../token-shards/document-means.ts';
import { describeCounts, encodeText, type TextToEncode } from '../token-shards/encode-text.ts';
import { findTokenShards, openTokenShards, type OpenedTokenShards } from '../token-shards/open-token-shards.ts';
import { temporaryFolder } from '../token-shards/temporary-folder.ts';

/** Tokens of texts, as data files give tokens; labels are those of each token's document. */
export interface OpenedDocuments extends OpenedData {
  readonly documents: {
    readonly mode: DocumentMode;
    readonly record: EncoderRecord;
    readonly counts: EncodeCounts;
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
}

/** Token shards as data for a fit or a model. Takes care of closing them. */
export async function openDocuments(
  shards: OpenedTokenShards,
  { mode, keepEmpty, signal, progress }: DocumentRows,
  own: { readonly fingerprint?: string; readonly description?: string } = {},
): Promise<OpenedDocuments> {
  const { record, counts, labels, offsets } = shards;
  const means =
    mode === 'mean'
      ? await documentMeans(shards.reader, offsets, {
          keepEmpty,
          signal,
          onProgress: (done) => progress.show('averaging   ', done, counts.documents),
        })
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
    documents: { mode, record, counts, ofRow: () => means?.documents ?? documentsOfTokens(offsets) },
    describe: () => own.description ?? shards.describe(),
    async close() {
      await means?.close();
      await shards.close();
    },
  };
}

function documentsOfTokens(offsets: Float64Array): Int32Array {
  const ofRow = new Int32Array(offsets.at(-1)!);
  for (let document = 0; document + 1 < offsets.length; document++)
    ofRow.fill(document, offsets[document], offsets[document + 1]);
  return ofRow;
}

/** Text, run through its encoder once into a temporary folder, which closing removes. What came of it is said on stderr. */
export async function openTextDocuments(
  request: Omit<TextToEncode, 'folder' | 'tokenDtype' | 'shardTokens'>,
  rows: DocumentRows,
): Promise<OpenedDocuments> {
  const temporary = await temporaryFolder();
  try {
    const { counts, record, fingerprint, description } = await encodeText({ ...request, folder: temporary.path });
    process.stderr.write(`${describeCounts(counts, record)}\n`);
    const shards = await openTokenShards((await findTokenShards([temporary.path]))!, true);
    try {
      const opened = await openDocuments(shards, rows, { fingerprint, description });
      return {
        ...opened,
        async close() {
          await opened.close();
          await temporary.remove();
        },
      };
    } catch (error) {
      await shards.close();
      throw error;
    }
  } catch (error) {
    await temporary.remove();
    throw error;
  }
}
