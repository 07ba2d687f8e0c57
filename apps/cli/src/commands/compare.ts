import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { backendOption } from '../backends/backend-options.ts';
import { choiceList, numberList, shareList, wholeNumber } from '../command-line/options.ts';
import { formatAdvice } from '../compare/advice.ts';
import { readoutNames } from '../compare/readout-names.ts';
import { compare, measures, type CompareRequest } from '../compare/compare.ts';
import { addEncoderOptions, type EncoderCommandOptions } from '../encoder/encoder-options.ts';
import { checkOutFile } from '../output/check-out-file.ts';
import { writeWhole } from '../output/write-file.ts';
import { addTextUseOptions } from '../text/text-options.ts';
import { withCommand } from './with-command.ts';

type Scoped = 'encoder' | 'backend' | 'backendName' | 'signal' | 'progress' | 'own' | 'vectors' | 'trained';

interface CompareCommandOptions extends EncoderCommandOptions, Omit<CompareRequest, Scoped> {
  readonly vectors: number[] | false;
  readonly trained: number | false;
  readonly backend: string;
  readonly out?: string;
  readonly json?: boolean;
}

const help = `
Rows: poolings (mean, CLS, max, last token, weighted mean by position), occupancies of k-means centroids, and for each number of
prototypes pooled, occupancy, residuals (VLAD), alone and joined to the mean; 'binary residuals' keep a bit per number. Trained with labels:
attention pooling with its head, and residuals with theirs. With several vectors per document: prototype summaries, their form chosen on
--train, and Ward pooling.

Measures: accuracy of a ridge probe on --test, its penalty chosen on 15 % of --train; clustering of the test documents by k-means on
normalized vectors (ACC, NMI, ARI); retrieval of train documents by test documents, relevant if of the same label (nDCG@10, precision@10,
mean average precision). Choose by the validation column, never by --test.

Examples:
  $ ddcl compare --train train.jsonl.gz --test test.jsonl.gz --labels label --encoder all-MiniLM-L6-v2
  $ ddcl compare --train train-tokens --test test-tokens --prototypes 32 --seeds 5 --json     # folders of ddcl encode-tokens`;

const counts = numberList((value) => Number.isSafeInteger(value) && value >= 1, 'whole numbers >= 1');

/** `ddcl compare`. */
export function compareCommand(): Command {
  const command = new Command('compare')
    .description('readouts and their alternatives on labelled text: probe, clustering, retrieval')
    .requiredOption('--train <data...>', 'labelled text (as for fit --text), or a folder of token shards (required)')
    .requiredOption('--test <data...>', 'the same, to measure on (required)')
    .option('--labels <field>', 'field or column with the label; token shards have theirs')
    .option('--prototypes <list>', 'numbers of prototypes', counts, [8, 32])
    .option(
      '--temperatures <list>',
      'temperatures at which prototypes are applied, as shares of the critical one: 0.03 or 0.03tc',
      shareList,
      [0.1],
    )
    .option('--seeds <N>', 'how often everything random is drawn: 0, 1, ...', wholeNumber(1), 1)
    .option(
      '--train-documents <N>',
      'documents of --train that each seed draws, class by class, for all that is fitted and searched (default: all)',
      wholeNumber(2),
    )
    .option('--readouts <list>', 'names of the rows to make (default: all)', choiceList(readoutNames))
    .option('--steps <N>', 'steps of each fit', wholeNumber(1), 400)
    .option('--fit-tokens <N>', 'tokens of train that prototypes are fitted on, at most', wholeNumber(1), 200_000)
    .option('--measures <list>', 'some of probe, clustering, retrieval', choiceList(measures), [...measures])
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
  return addEncoderOptions(addTextUseOptions(command))
    .addOption(backendOption())
    .option('--resume <file.jsonl>', 'keep what is finished in this file, and go on from what it holds')
    .option('--out <file.md>', 'write the table to a file too')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', help)
    .action((options: CompareCommandOptions) => compareAction(options));
}

function compareAction(options: CompareCommandOptions): Promise<void> {
  return withCommand(options, async (scope) => {
    const { encoder, encoderDtype: dtype, encoderBatch: batch, out, resume, ...rest } = options;
    const inputs = [...options.train, ...options.test, encoder];
    if (out !== undefined) await checkOutFile('--out', resolve(out), undefined, [...inputs, resume]);
    // What an earlier run finished is read from there, and goes on there.
    if (resume !== undefined) await checkOutFile('--resume', resolve(resume), undefined, inputs);
    const chosen = await scope.backend(options.backend);
    scope.announce(chosen, Infinity);
    const { table, ...compared } = await compare({
      ...rest,
      ...scope,
      backend: chosen.backend,
      backendName: chosen.name,
      encoder: encoder === undefined ? undefined : { ...rest, encoder, dtype, batch },
      vectors: rest.vectors || [],
      trained: rest.trained || undefined,
      resume: resume && resolve(resume),
    });
    const advised = `${table}\n\n${formatAdvice(compared.advice, options.seeds)}`;
    scope.print({ ...compared, backend: chosen.backend.name, seconds: scope.seconds() }, advised);
    // After it is printed: a table that cannot be written after all is not lost.
    if (out !== undefined) await writeWhole(resolve(out), `${table}\n`);
  });
}
