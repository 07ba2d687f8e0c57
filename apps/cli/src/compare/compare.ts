import { createHash } from 'node:crypto';
import { adviceOf, type Advice } from './advice.ts';
import { openEncoder, type Encoder } from '../encoder/open-encoder.ts';
import { usageError } from '../output/usage-error.ts';
import type { CompareRequest } from './compare-request.ts';
import { classNames, numberClasses } from './documents.ts';
import { FinishedRows } from './finished-rows.ts';
import { formatCompareTable, summariseRow, type RowSummary } from './format-table.ts';
import { prepareSplit } from './open-split.ts';
import { runCompare } from './run-compare.ts';
import { say } from '../output/print.ts';

export { measures, type CompareRequest } from './compare-request.ts';

export interface Comparison {
  readonly classes: readonly string[];
  /** Counts of documents and tokens, for people. */
  readonly train: string;
  readonly test: string;
  readonly rows: readonly RowSummary[];
  /** Which to take for each task that was measured. */
  readonly advice: readonly Advice[];
  /** The rows as Markdown. */
  readonly table: string;
}

/** Tells data of equal counts apart. */
const digest = (labels: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(labels)).digest('hex').slice(0, 16);

/**
 * Readouts and their alternatives on labelled text. Deterministic for its seeds on a deterministic backend, but for the times.
 *
 * @throws DdclError `argument` for options and data that do not go together; as text, shards, encoder and backend do
 */
export async function compare(request: CompareRequest): Promise<Comparison> {
  const { prototypes, trained, signal, progress, own } = request;
  if (trained !== undefined && !prototypes.includes(trained))
    throw usageError(`--trained ${trained} is not among --prototypes ${prototypes.join(',')}. Add it there.`);
  let opened: Encoder | undefined;
  const encoder = async (): Promise<Encoder> => {
    if (request.encoder === undefined)
      throw usageError('Text needs an encoder. Give --encoder, or folders of token shards.');
    opened ??= own(await openEncoder({ ...request.encoder, signal }), (each) => each.dispose());
    return opened;
  };
  const { textField, labels, stripHtml } = request;
  const reading = { textField, labels, stripHtml, encoder, signal, progress, own };
  const prepared = [
    await prepareSplit(request.train, { option: '--train', ...reading }),
    await prepareSplit(request.test, { option: '--test', ...reading }),
  ] as const;
  classNames(prepared[0].labels, prepared[1].labels);
  const [train, test] = [await prepared[0].open(), await prepared[1].open()];
  if (train.encoderHash !== test.encoderHash)
    throw usageError('--train and --test were encoded by different encoders. Encode both with one.');
  progress.stop();
  const data = numberClasses(train, test);
  const finished =
    request.resume === undefined
      ? FinishedRows.inMemory()
      : await FinishedRows.open(request.resume, {
          train: [train.describe, digest(train.labels)],
          test: [test.describe, digest(test.labels)],
          encoder: train.encoderHash,
          classes: data.names,
          measures: [...request.measures].sort(),
          steps: request.steps,
          temperatures: request.temperatures,
          'fit-tokens': request.fitTokens,
          'train-documents': request.trainDocuments ?? null,
          readouts: request.readouts ?? null,
          queries: request.queries,
          backend: request.backendName,
        });
  say(`train: ${train.describe}\ntest: ${test.describe}\n`);
  const rows = await runCompare(data, request, finished);
  progress.stop();
  const documents = test.sequences.sequences;
  const summaries = rows.map((row) => summariseRow(row, documents));
  return {
    classes: data.names,
    train: train.describe,
    test: test.describe,
    rows: summaries,
    advice: adviceOf(rows),
    table: formatCompareTable(summaries),
  };
}
