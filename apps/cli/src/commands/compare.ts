import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { DdclError } from '@ddcl/core';
import { Command, InvalidArgumentError, Option } from 'commander';
import { createBackend } from '../backends/backends.ts';
import { classNames, numberClasses } from '../compare/documents.ts';
import { FinishedRows } from '../compare/finished-rows.ts';
import { formatCompareTable, summariseRow } from '../compare/format-table.ts';
import { prepareSplit, type OpenedSplit } from '../compare/open-split.ts';
import { bestOnValidation, runCompare } from '../compare/run-compare.ts';
import { measures, type Measure } from '../compare/score-vectors.ts';
import { addEncoderOptions, type EncoderCommandOptions } from '../encoder/encoder-options.ts';
import { openEncoder, type Encoder } from '../encoder/open-encoder.ts';
import { loadOrt } from '../backends/load-ort.ts';
import { interruptSignal } from '../output/interrupt.ts';
import { createProgress } from '../output/progress.ts';
import { writeWhole } from '../output/write-file.ts';
import { textUseOptions, type TextCommandOptions } from '../text/text-options.ts';
import { backendOption, nameList, wholeNumber } from './options.ts';

interface CompareCommandOptions extends EncoderCommandOptions, Omit<TextCommandOptions, 'text'> {
  readonly train: string[];
  readonly test: string[];
  readonly prototypes: number[];
  readonly temperatures: number[];
  readonly seeds: number;
  readonly steps: number;
  readonly fitTokens: number;
  readonly measures: Measure[];
  readonly vectors: number[];
  readonly queries: number;
  readonly trained: number | false;
  readonly backend: string;
  readonly resume?: string;
  readonly out?: string;
  readonly json?: boolean;
}

const help = `
Rows: poolings (mean, CLS, max, last token, weighted mean by position), occupancies of k-means centroids, and for each number of
prototypes pooled, occupancy, residuals (VLAD), alone and joined to the mean; 'binary residuals' keep a bit per number. Trained with labels:
attention pooling with its head, and residuals with theirs. With several vectors per document: prototype summaries, their form chosen on
--train, and Ward pooling.

Measures: accuracy of a ridge probe on --test, its penalty chosen on 15 % of --train; clustering of the test documents by k-means on
normalised vectors (ACC, NMI, ARI); retrieval of train documents by test documents, relevant if of the same label (nDCG@10, precision@10,
mean average precision). Choose by the validation column, never by --test.

Examples:
  $ ddcl compare --train train.jsonl.gz --test test.jsonl.gz --labels label --encoder all-MiniLM-L6-v2
  $ ddcl compare --train train-tokens --test test-tokens --prototypes 32 --seeds 5 --json     # folders of ddcl encode-tokens`;

/** `8,64` as numbers. */
function numberList(isRight: (value: number) => boolean, wanted: string): (text: string) => number[] {
  return (text) => {
    const values = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
    if (values.every(isRight)) return values;
    throw new InvalidArgumentError(`Expected ${wanted} separated by commas.`);
  };
}

const counts = numberList((value) => Number.isSafeInteger(value) && value >= 1, 'whole numbers >= 1');

function measureList(text: string): Measure[] {
  const names = nameList(text);
  if (names.every((name): name is Measure => (measures as readonly string[]).includes(name))) return names;
  throw new InvalidArgumentError(`Expected some of ${measures.join(', ')}.`);
}

/** Tells data of equal counts apart. */
const digest = (labels: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(labels)).digest('hex').slice(0, 16);

/** `ddcl compare`. */
export function compareCommand(): Command {
  const command = new Command('compare')
    .description('readouts and their alternatives on labelled text: probe, clustering, retrieval')
    .requiredOption('--train <data...>', 'labelled text (as for fit --text), or a folder of token shards (required)')
    .requiredOption('--test <data...>', 'the same, to measure on (required)')
    .option('--labels <field>', 'field or column with the label; token shards have theirs')
    .option('--prototypes <list>', 'numbers of prototypes', counts, [8, 64, 256])
    .option(
      '--temperatures <list>',
      'temperatures at which prototypes are applied, as shares of the critical one',
      numberList((value) => value > 0 && value < 1, 'shares between 0 and 1'),
      [0.03],
    )
    .option('--seeds <N>', 'how often everything random is drawn: 0, 1, ...', wholeNumber(1), 1)
    .option('--steps <N>', 'steps of each fit', wholeNumber(1), 400)
    .option('--fit-tokens <N>', 'tokens of train that prototypes are fitted on, at most', wholeNumber(1), 200_000)
    .option('--measures <list>', 'some of probe, clustering, retrieval', measureList, [...measures])
    .option('--vectors <list>', 'numbers of vectors per document for late interaction', counts, [4, 8, 16])
    .option('--no-vectors', 'leave late interaction out')
    .option('--queries <N>', 'test documents that are queries for late interaction, at most', wholeNumber(1), 1000)
    .addOption(
      new Option(
        '--trained <K>',
        'one of --prototypes whose residuals are trained with a head; attention pooling beside it',
      )
        .argParser(wholeNumber(1))
        .default(false),
    );
  for (const option of textUseOptions()) command.addOption(option);
  return addEncoderOptions(command)
    .addOption(backendOption().default('ort'))
    .option('--resume <file.jsonl>', 'keep what is finished in this file, and go on from what it holds')
    .option('--out <file.md>', 'write the table to a file too')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', help)
    .action((options: CompareCommandOptions) => compareAction(options));
}

async function compareAction(options: CompareCommandOptions): Promise<void> {
  const began = performance.now();
  const vectors = Array.isArray(options.vectors) ? options.vectors : [];
  const trained = options.trained === false ? undefined : options.trained;
  if (trained !== undefined && !options.prototypes.includes(trained)) {
    throw new DdclError(
      'argument',
      `--trained ${trained} is not among --prototypes ${options.prototypes.join(',')}. Add it there.`,
    );
  }
  const backend = await createBackend(options.backend);
  const progress = createProgress();
  const interrupt = interruptSignal();
  let encoder: Encoder | undefined;
  const opened: OpenedSplit[] = [];
  try {
    const open = async (): Promise<Encoder> => {
      if (options.encoder === undefined) {
        throw new DdclError('argument', 'Text needs an encoder. Give --encoder, or folders of token shards.');
      }
      encoder ??= await openEncoder({
        ...options,
        encoder: options.encoder,
        dtype: options.encoderDtype,
        batch: options.encoderBatch,
        signal: interrupt.signal,
        ort: await loadOrt(),
        onNotice: (text) => process.stderr.write(`${text}\n`),
      });
      return encoder;
    };
    const prepared = [];
    for (const option of ['train', 'test'] as const) {
      prepared.push(
        await prepareSplit(options[option], {
          option: `--${option}`,
          textField: options.textField,
          labels: options.labels,
          stripHtml: options.stripHtml,
          encoder: open,
          signal: interrupt.signal,
          progress,
        }),
      );
    }
    classNames(prepared[0]!.labels, prepared[1]!.labels);
    for (const split of prepared) opened.push(await split.open());
    const [train, test] = opened as [OpenedSplit, OpenedSplit];
    if (train.encoderHash !== test.encoderHash) {
      throw new DdclError('argument', '--train and --test were encoded by different encoders. Encode both with one.');
    }
    progress.stop();
    const data = numberClasses(train, test);
    let done = 0;
    const settings = { steps: options.steps, temperatureShares: options.temperatures, mostNumbers: 1 << 15 };
    const finished =
      options.resume === undefined
        ? FinishedRows.inMemory()
        : await FinishedRows.open(resolve(options.resume), {
            train: [train.describe, digest(train.labels)],
            test: [test.describe, digest(test.labels)],
            encoder: train.encoderHash,
            classes: data.names,
            measures: [...options.measures].sort(),
            steps: options.steps,
            temperatures: options.temperatures,
            'fit-tokens': options.fitTokens,
            queries: options.queries,
            backend: options.backend,
          });
    process.stderr.write(`train: ${train.describe}\ntest: ${test.describe}\n`);
    const rows = await runCompare(
      data,
      {
        backend,
        prototypes: options.prototypes,
        seeds: Array.from({ length: options.seeds }, (_, seed) => seed),
        measures: new Set(options.measures),
        settings,
        fitTokens: options.fitTokens,
        vectors,
        queries: options.queries,
        trained,
        signal: interrupt.signal,
        onRow: (name) => progress.show(name, ++done, undefined),
      },
      finished,
    );
    progress.stop();
    const documents = test.sequences.sequences;
    const summaries = rows.map((row) => summariseRow(row, documents));
    const best = bestOnValidation(rows);
    const recommended = best && summariseRow(best, documents);
    const table = formatCompareTable(summaries);
    if (options.out !== undefined) await writeWhole(resolve(options.out), `${table}\n`);
    if (options.json === true) {
      const seconds = (performance.now() - began) / 1000;
      process.stdout.write(
        `${JSON.stringify({ classes: data.names, train: train.describe, test: test.describe, rows: summaries, recommended: recommended ?? null, seconds })}\n`,
      );
    } else {
      process.stdout.write(`${table}\n`);
      if (recommended !== undefined) {
        const count = recommended.prototypes === null ? '' : `, K = ${recommended.prototypes}`;
        process.stdout.write(`\nbest on validation: ${recommended.readout}${count}\n`);
      }
    }
  } finally {
    progress.stop();
    interrupt.dispose();
    for (const split of opened) await split.close();
    await encoder?.dispose();
    backend.dispose();
  }
}
