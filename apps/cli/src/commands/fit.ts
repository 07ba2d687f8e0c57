import { resolve } from 'node:path';
import type { FloatDType } from '@ddcl/core';
import { autoTemperatureShare, defaultRefinement, defaultTokenMemory, type FitOptions } from '@ddcl/core/fit';
import { Command, Option } from 'commander';
import { passesOf } from '../backends/choose-backend.ts';
import { backendOption, dtypeOption } from '../backends/backend-options.ts';
import { commandLine, positiveNumber, seedOption, temperatureChoice, wholeNumber } from '../command-line/options.ts';
import { addDataOptions, type DataCommandOptions } from '../data/data-options.ts';
import { addEncoderOptions, type EncoderCommandOptions } from '../encoder/encoder-options.ts';
import { documentModes, type DocumentMode } from '../model-folder/model-folder.ts';
import { openOutFolder } from '../model-folder/out-folder.ts';
import { formatMeasures } from '../measures/measures.ts';
import { formatPerClassTable } from '../report/per-class-table.ts';
import { addTextUseOptions, textOption, type TextCommandOptions } from '../text/text-options.ts';
import { openForFit, textOf } from '../tokens/open-tokens.ts';
import { runFit } from '../fit/run-fit.ts';
import { withCommand } from './with-command.ts';

/** Options that the fit has by the same names. */
const fitNames = [
  'prototypes',
  'temperature',
  'anneal',
  'restarts',
  'epochs',
  'batch',
  'learningRate',
  'seed',
  'settle',
] as const;
type OwnFitOptions = Pick<FitOptions, (typeof fitNames)[number]>;

interface FitCommandOptions extends DataCommandOptions, EncoderCommandOptions, TextCommandOptions, OwnFitOptions {
  readonly documents?: DocumentMode;
  readonly refine?: number;
  /** MiB. */
  readonly tokenMemory?: number;
  readonly standardize?: boolean;
  readonly normalize?: boolean;
  readonly dtype?: FloatDType;
  readonly backend: string;
  readonly out: string;
  readonly resume?: boolean;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ ddcl fit tokens.npy --prototypes 64 --out model
  $ ddcl fit objects.csv.gz --columns perigee_km,apogee_km --standardize --labels orbit_class --prototypes 4 --out orbits
  $ ddcl fit tokens.npy --prototypes 64 --out model --resume     # go on after an interruption
  $ ddcl fit --text reviews.jsonl --encoder sentence-transformers/all-MiniLM-L6-v2 --prototypes 64 --out model
  $ ddcl fit --text reviews.jsonl --encoder ./encoder --documents mean --prototypes 20 --out topics

The out folder gets model.safetensors, config.json, history.jsonl and report.html.`;

/** `ddcl fit`. */
export function fitCommand(): Command {
  const command = new Command('fit')
    .description('fit prototypes to tokens: numbers or text in, a model folder out')
    .argument(
      '[data...]',
      "files of tokens: .npy .csv(.gz) .tsv(.gz) .jsonl(.gz) .parquet .safetensors; or the folder of 'ddcl encode-tokens'",
    )
    .addOption(textOption());
  addEncoderOptions(addTextUseOptions(command))
    .addOption(
      new Option(
        '--documents <mode>',
        'of text and token shards: all tokens, or the mean vector of each document (of length 1) as one token',
      ).choices(documentModes),
    )
    .requiredOption('--prototypes <K>', 'number of prototypes (required)', wholeNumber(1))
    .requiredOption('--out <folder>', 'folder for the model (required); must be new or empty')
    .option(
      '--temperature <T>',
      `final temperature: a number in units of squared distance, or a share of the critical one such as 0.03tc; 'auto' is ${autoTemperatureShare}tc, or less for many prototypes in few columns`,
      temperatureChoice,
      'auto',
    )
    .option('--anneal', 'cool from 0.9 of the critical temperature (the default)')
    .option('--no-anneal', 'run at the final temperature throughout')
    .option('--restarts <R>', 'independent fits; the one with the lowest hard error is kept', wholeNumber(1), 1)
    .option(
      '--epochs <N>',
      'passes over the tokens while cooling (default: as many as 60 steps need, 400 where K m <= 4096)',
      wholeNumber(1),
    )
    .option(
      '--batch <N>',
      'tokens per step (default: 4 K, at least 1024, at most 8192; more where --epochs makes more than 480 steps)',
      wholeNumber(1),
    )
    .option(
      '--refine <N>',
      `most passes over all tokens after cooling (default: ${defaultRefinement}; 0 with --epochs)`,
      wholeNumber(0),
    )
    .option('--settle', 'end in the minimum that the prototypes are near, for a certificate with lambda_min > 0')
    .option(
      '--token-memory <MiB>',
      `tokens that fit into it stay on the device (default: ${defaultTokenMemory / 2 ** 20})`,
      wholeNumber(0),
    )
    .option(
      '--learning-rate <X>',
      'share of a step in the running mean of its tokens at the start, at most 1 (default: 0.3)',
      positiveNumber,
    );
  return addDataOptions(command, 'all', 'its only matrix')
    .option('--labels <column|file>', 'known classes (of text: a field), for the scores only; never used by the fit')
    .option('--standardize', 'give each column mean 0 and deviation 1')
    .option('--normalize', 'give each token length 1 (after --standardize)')
    .addOption(dtypeOption().default('float32'))
    .addOption(backendOption())
    .addOption(seedOption())
    .option('--resume', 'go on from the checkpoint in the out folder; afresh if there is none')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', examples)
    .action((files: string[], options: FitCommandOptions, command: Command) => fitAction(files, options, command));
}

function fitAction(files: string[], options: FitCommandOptions, command: Command): Promise<void> {
  return withCommand(options, async (scope) => {
    const out = resolve(options.out);
    const dtype = options.dtype ?? 'float32';
    scope.own(await openOutFolder(out, { resume: options.resume ?? false }), (release) => release());
    const backend = await scope.backend(options.backend, dtype);
    const { opened, reader, preprocessing } = await openForFit(files, { ...options, command: 'fit', ...scope });
    const { prototypes } = options;
    scope.announce(backend, passesOf.fit * reader.tokens * reader.dimension * prototypes);
    const given = fitNames.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
    const texts = textOf(opened);
    const { refine, tokenMemory } = options;
    const { measures, warnings, perClass, phases, reportFailure } = await runFit({
      ...scope,
      backend,
      reader,
      labels: opened.labels,
      preprocessing,
      data: {
        columns: opened.columns ?? null,
        tensor: options.tensor ?? null,
        tokens: reader.tokens,
        fingerprint: opened.fingerprint,
      },
      ...(texts === undefined ? {} : { text: { encoder: texts.record, documents: texts.mode } }),
      options: {
        ...(Object.fromEntries(given) as OwnFitOptions),
        ...(refine === undefined ? {} : { refinement: { passes: refine } }),
        ...(tokenMemory === undefined ? {} : { tokenMemory: tokenMemory * 2 ** 20 }),
        dtype,
      },
      out,
      resume: options.resume ?? false,
      title: `${prototypes} prototypes on ${opened.describe()}`,
      command: commandLine(command),
    });
    scope.warn(warnings);
    if (reportFailure !== undefined)
      scope.warn([
        `The report could not be drawn (${reportFailure}). The model is whole; the same command with --resume draws it again.`,
      ]);
    const table = perClass === undefined ? '' : `\n${formatPerClassTable(perClass)}\n`;
    scope.print(
      { ...measures, phases, ...(texts === undefined ? {} : { text: texts.counts }) },
      `${formatMeasures(measures)}\n${table}\nwritten to ${out}${reportFailure === undefined ? '; open report.html in a browser' : ', without a report'}`,
    );
  });
}
