import type { SequenceReader } from '@ddcl/readout';
import type { Encoder } from '../encoder/open-encoder.ts';
import type { Own } from '../output/own.ts';
import type { Progress } from '../output/progress.ts';
import { usageError } from '../output/usage-error.ts';
import { openText } from '../text/open-text.ts';
import { findTokenShards, openTokenShards } from '../token-shards/open-token-shards.ts';
import { temporaryFolder } from '../token-shards/temporary-folder.ts';
import { writeTokenShards } from '../token-shards/write-token-shards.ts';

/** Labelled documents as token vectors. */
export interface OpenedSplit {
  readonly sequences: SequenceReader;
  readonly labels: readonly string[];
  /** Identifies the encoder: tokens of two encoders must not meet. */
  readonly encoderHash: string;
  /** How many documents, tokens, truncated and empty ones there are, for people. */
  readonly describe: string;
}

export interface OpenSplitOptions {
  /** `--train` or `--test`, for messages. */
  readonly option: string;
  readonly textField?: string | undefined;
  readonly labels: string | undefined;
  readonly stripHtml?: boolean | undefined;
  /** Opened when it is needed: token shards need none. */
  readonly encoder: () => Promise<Encoder>;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly own: Own;
}

/** Labels of documents whose tokens are not there yet. */
export interface PreparedSplit {
  readonly labels: readonly string[];
  /** Opens token shards as they are; runs text through the encoder into temporary ones. */
  open(): Promise<OpenedSplit>;
}

/**
 * Reads labels, so that what is wrong with them is known before the encoder runs.
 *
 * @throws DdclError `argument` for data without labels; as text and shards do
 */
export async function prepareSplit(paths: readonly string[], options: OpenSplitOptions): Promise<PreparedSplit> {
  const { labels: field, signal, progress, own } = options;
  const shards = await findShards(paths);
  if (shards !== undefined) {
    const split = await openSplit(shards, paths.length === 1, options);
    return { labels: split.labels, open: async () => split };
  }
  if (field === undefined)
    throw usageError(`${options.option} needs labels to compare by. Name their field or column with --labels.`);
  const text = await openText(paths, {
    ...options,
    labels: field,
    onProgress: (done, total) => progress.show({ phase: 'reading text', done, total, unit: 'bytes' }),
  });
  return {
    labels: text.labels!,
    async open() {
      const encoder = await options.encoder();
      const { path: folder } = own(await temporaryFolder(), ({ remove }) => remove());
      await writeTokenShards(encoder, text.documents(), {
        folder,
        signal,
        onProgress: (done) => progress.show({ phase: 'encoding text', done, total: text.count, unit: 'documents' }),
      });
      return openSplit((await findTokenShards([folder]))!, true, options);
    },
  };
}

/** Text files are no shards, and a folder of texts is none either. */
async function findShards(paths: readonly string[]): Promise<string[] | undefined> {
  try {
    return await findTokenShards(paths);
  } catch {
    return undefined;
  }
}

async function openSplit(
  files: readonly string[],
  isFolder: boolean,
  { option, own }: OpenSplitOptions,
): Promise<OpenedSplit> {
  const shards = own(await openTokenShards(files, isFolder), ({ close }) => close());
  const { sequences, labels, record } = shards;
  if (labels === undefined) {
    throw usageError(
      `The token shards of ${option} have no labels. Write them again: ddcl encode-tokens --labels FIELD.`,
    );
  }
  const { documents, tokens, truncated, empty } = shards.counts;
  return {
    sequences,
    labels,
    encoderHash: JSON.stringify([record.hash, record.dtype, record.dropSpecial]),
    describe: `${documents.toLocaleString('en')} documents, ${tokens.toLocaleString('en')} tokens (${truncated.toLocaleString('en')} cut to ${record.maxTokens}, ${empty.toLocaleString('en')} empty)`,
  };
}
