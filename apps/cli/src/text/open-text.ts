import { createHash } from 'node:crypto';
import { argumentError, checkAborted, dataError } from '../data/data-error.ts';
import { KnownFiles } from '../data/known-files.ts';
import type { TextDocument } from './text-document.ts';
import { stripHtml } from './strip-html.ts';
import { textBytes, textFile, textRows } from './text-rows.ts';

export interface OpenTextOptions {
  /** Field or column of the text. Default `text`. */
  readonly textField?: string | undefined;
  /** Field or column of the label; `folder` for a folder of texts. */
  readonly labels?: string | undefined;
  /** Field or column of the date of each document. */
  readonly timeField?: string | undefined;
  /** Take HTML tags out. Default false. */
  readonly stripHtml?: boolean | undefined;
  /** Called with each document while the texts are looked through. */
  readonly onDocument?: ((document: TextDocument) => void) | undefined;
  /** Told of rows that are no texts, which are then left out. Default: they are errors. */
  readonly onBadRow?: ((place: string, error: unknown) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called while the texts are looked through: bytes done and in all, as they lie on the disk. */
  readonly onProgress?: ((bytesRead: number, bytesTotal: number) => void) | undefined;
}

/** Texts that were looked through once, and can be read again and again. */
export interface OpenedText {
  /** One pass, in stored order. */
  documents(): AsyncGenerator<TextDocument>;
  /** Documents, empty ones included. */
  readonly count: number;
  /** Documents without anything but white space. */
  readonly empty: number;
  /** One for each document, where labels were asked for. */
  readonly labels: readonly string[] | undefined;
  /** SHA-256 in hexadecimal over texts, their order and labels. */
  readonly fingerprint: string;
  /** One line for people. */
  describe(): string;
}

/**
 * Opens text: `.jsonl .tsv .csv .txt` (also `.gz`), `.parquet`, or a folder of `.txt` files; several, of any of these kinds, are read one after
 * another. All of it
 * is looked at here, so that bad input is known before anything is written; memory is that of a piece of a file, and the labels.
 *
 * @throws DdclError `argument` for what is asked, `data` for rows and, in any pass, for files that changed since the first, `format` for bytes, `aborted`
 */
export async function openText(paths: readonly string[], options: OpenTextOptions = {}): Promise<OpenedText> {
  const { textField = 'text', labels: field, timeField, onDocument, onBadRow, signal, onProgress } = options;
  if (paths.length === 0) throw argumentError('--text', 'names no file. Give at least one.');
  const files = await Promise.all(paths.map(textFile));
  const total = (await Promise.all(files.map(textBytes))).reduce((sum, bytes) => sum + bytes, 0);
  const clean = options.stripHtml === true ? stripHtml : (text: string): string => text;

  const known = new KnownFiles();

  async function* pass(onBytes: (bytes: number) => void, onBad = onBadRow): AsyncGenerator<TextDocument> {
    for (const file of files) {
      const reading = { textField, labels: field, timeField, onBadRow: onBad, known, signal, onBytes };
      for await (const document of textRows(file, reading)) yield { ...document, text: clean(document.text) };
    }
  }

  const hash = createHash('sha256');
  const labels: string[] | undefined = field === undefined ? undefined : [];
  let [count, empty, done] = [0, 0, 0];
  const onBytes = (bytes: number): void => onProgress?.(Math.min((done += bytes), total), total);
  for await (const document of pass(onBytes)) {
    const { text, label } = document;
    checkAborted(signal);
    onDocument?.(document);
    hash.update(`${JSON.stringify([text, label ?? null])}\n`);
    count++;
    if (text.trim() === '') empty++;
    labels?.push(label!);
  }
  const shown = paths.length === 1 ? paths[0]! : `${paths.length} files (${paths[0]}, ...)`;
  if (count === 0) throw dataError(shown, 'holds no document. Give at least one.');
  return {
    // What is bad was told by then.
    documents: () => pass(() => {}, onBadRow && (() => {})),
    count,
    empty,
    labels,
    fingerprint: hash.digest('hex'),
    describe: () => `${shown}: ${count.toLocaleString('en')} documents`,
  };
}
