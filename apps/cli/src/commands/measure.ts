import { basename, dirname, resolve } from 'node:path';
import { createRandom, DdclError, type FloatDType } from '@ddcl/core';
import {
  measureSource,
  measureStabilityOn,
  modelState,
  tokensFromReader,
  temperatureOf,
  tokenStatistics,
  type GivenTemperature,
  type TokenReader,
} from '@ddcl/core/fit';
import { Command, Option } from 'commander';
import { passesOf } from '../backends/choose-backend.ts';
import { backendOption, dtypeOption } from '../backends/backend-options.ts';
import { givenTemperature } from '../command-line/options.ts';
import { addDataOptions, type DataCommandOptions } from '../data/data-options.ts';
import { readNpy } from '../data/npy-reader.ts';
import { addEncoderOptions, type EncoderCommandOptions } from '../encoder/encoder-options.ts';
import {
  documentModes,
  loadModel,
  modelFiles,
  type DocumentMode,
  type LoadedModel,
} from '../model-folder/model-folder.ts';
import { formatMeasures, makeMeasures } from '../measures/measures.ts';
import { warningsOf } from '../measures/warnings.ts';
import { codesOf } from '../measures/codes.ts';
import { classCounter, scoreLabels } from '../measures/label-scores.ts';
import { isFile, isFolder } from '../output/entry-at.ts';
import { usageError } from '../output/usage-error.ts';
import { addTextUseOptions, textOption, type TextCommandOptions } from '../text/text-options.ts';
import { openForFit, openForModel, textOf } from '../tokens/open-tokens.ts';
import { withCommand } from './with-command.ts';

interface MeasureCommandOptions extends DataCommandOptions, EncoderCommandOptions, TextCommandOptions {
  readonly documents?: DocumentMode;
  readonly prototypes: string;
  readonly temperature?: GivenTemperature;
  readonly weights?: string;
  readonly standardize?: boolean;
  readonly normalize?: boolean;
  readonly dtype?: FloatDType;
  readonly backend: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ ddcl measure tokens.npy --prototypes prototypes.npy --temperature 0.5
  $ ddcl measure tokens.npy --prototypes model --json     # at the model's temperature
  $ ddcl measure --text reviews.jsonl --encoder ./encoder --prototypes prototypes.npy --temperature 0.5
  $ ddcl measure --text reviews.jsonl --prototypes model     # with the model's encoder`;

/** `ddcl measure`. */
export function measureCommand(): Command {
  const command = new Command('measure')
    .description('all quantities of the theory for given prototypes, without training')
    .argument('[data...]', 'files of tokens or a folder of token shards, as for fit')
    .addOption(textOption());
  addEncoderOptions(addTextUseOptions(command), true)
    .addOption(
      new Option(
        '--documents <mode>',
        "of text and token shards: all tokens, or the mean vector of each document (default: the model's, else tokens)",
      ).choices(documentModes),
    )
    .requiredOption('--prototypes <file.npy|model>', 'prototypes [K, m], or a model folder (required)')
    .option(
      '--temperature <T>',
      "temperature: a number in units of squared distance, or a share of these tokens' critical one such as 0.03tc (default: the model's; required with an .npy file)",
      givenTemperature,
    )
    .option('--weights <file.npy>', 'a weight >= 0 per token (default: all 1)');
  return addDataOptions(command, "the model's, else all", "the model's, else its only matrix")
    .option('--labels <column|file>', 'known classes (of text: a field), for ACC, NMI and ARI')
    .option('--standardize', 'give each column mean 0 and deviation 1 (a model folder has its own)')
    .option('--normalize', 'give each token length 1 (a model folder has its own)')
    .addOption(dtypeOption(" (default: the model's, else float32)"))
    .addOption(backendOption())
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', examples)
    .action((files: string[], options: MeasureCommandOptions) => measureAction(files, options));
}

/** Prototypes of an `.npy` file, [K, m]. */
async function readPrototypes(path: string): Promise<{ prototypes: Float64Array; count: number; dimension: number }> {
  const { shape, data } = await readNpy(path);
  const [count, dimension] = shape;
  const prototypes = new Float64Array(data);
  if (shape.length === 2 && count! > 0 && dimension! > 0) return { prototypes, count: count!, dimension: dimension! };
  throw new DdclError(
    'shape',
    `${path} must hold prototypes of shape [K, m], but has shape [${shape.join(', ')}]. Save the prototypes as the rows of one array.`,
  );
}

/** A reader whose tokens have weights. */
async function withWeights(reader: TokenReader, path: string | undefined): Promise<TokenReader> {
  if (path === undefined) return reader;
  const { shape, data } = await readNpy(path);
  const weights = new Float64Array(data);
  const negative = weights.findIndex((weight) => weight < 0);
  if (negative >= 0) {
    throw new DdclError(
      'data',
      `${path} holds ${weights[negative]} for token ${negative} (counted from 0); weights are >= 0. Use 0 to leave a token out.`,
    );
  }
  if (weights.every((weight) => weight === 0))
    throw new DdclError('data', `${path} gives every token the weight 0. Give at least one token a weight > 0.`);
  if (shape.length !== 1 || weights.length !== reader.tokens) {
    throw new DdclError(
      'shape',
      `${path} must hold one weight per token, shape [${reader.tokens}], but has shape [${shape.join(', ')}]. Give them in the order of the tokens.`,
    );
  }
  // Results are per unit of weight, and sums in float32 must stay in its range; a power of two rounds nothing.
  const most = weights.reduce((largest, weight) => Math.max(largest, weight), 0);
  // Those that are not finite are refused where they are met.
  const factor = most < Infinity ? 2 ** Math.min(1023, -Math.round(Math.log2(most))) : 1;
  const scaled = weights.map((weight) => weight * factor);
  return {
    dimension: reader.dimension,
    tokens: reader.tokens,
    read: async (start, count) => ({
      ...(await reader.read(start, count)),
      weights: scaled.subarray(start, start + count),
    }),
  };
}

function measureAction(files: string[], options: MeasureCommandOptions): Promise<void> {
  return withCommand(options, async (scope) => {
    const path = resolve(options.prototypes);
    const isModel = await isFolder(path);
    if (!isModel && basename(path) === modelFiles.model)
      throw usageError(`${path} lies in a model folder. Give the folder: --prototypes ${dirname(options.prototypes)}.`);
    const loaded: LoadedModel | undefined = isModel ? await loadModel(path) : undefined;
    if (loaded !== undefined && (options.standardize || options.normalize)) {
      throw usageError(
        'A model folder has its own standardization and normalization. Leave out --standardize and --normalize.',
      );
    }
    if (!isModel && (await isFile(path)) && !path.toLowerCase().endsWith('.npy'))
      throw usageError(
        `--prototypes takes an .npy file or a model folder, and ${path} is neither by its name. Save the prototypes with numpy.save, or give the folder.`,
      );
    const given = loaded === undefined ? await readPrototypes(path) : loaded.model;
    const asked = options.temperature ?? loaded?.model.temperature;
    if (asked === undefined)
      throw usageError('Prototypes from an .npy file have no temperature. Give --temperature T.');
    if (typeof asked === 'number' && !(asked > 0))
      throw new DdclError(
        'temperature',
        `The temperature must be > 0, but is ${asked}. Give --temperature T with T > 0.`,
      );
    const dtype = options.dtype ?? loaded?.model.dtype ?? 'float32';
    const chosen = await scope.backend(options.backend, dtype);
    const { backend } = chosen;
    const { signal, progress } = scope;
    const openOptions = { ...options, command: 'measure', ...scope } as const;
    const { opened, reader: plain } =
      loaded === undefined ? await openForFit(files, openOptions) : await openForModel(files, loaded, openOptions);
    if (plain.dimension !== given.dimension) {
      throw new DdclError(
        'shape',
        `The prototypes have dimension ${given.dimension}, but the tokens ${plain.dimension}. Choose columns with --columns, or other prototypes.`,
      );
    }
    scope.announce(chosen, passesOf.measure * plain.tokens * given.dimension * given.count);
    const reader = await withWeights(plain, options.weights && resolve(options.weights));
    const source = tokensFromReader(reader);
    const random = createRandom(0);
    const statistics = await tokenStatistics(source, {
      random,
      sampleSize: 1,
      signal,
      onProgress: (done) => progress.show({ phase: 'reading', done, total: reader.tokens, unit: 'tokens' }),
    });
    const { frame, totalVariance, criticalTemperature } = statistics;
    const temperature = temperatureOf(asked, criticalTemperature);
    const { count, dimension, prototypes } = given;
    const { offset, scale } = frame;
    const model = {
      count,
      dimension,
      dtype,
      prototypes,
      temperature,
      criticalTemperature,
      offset,
      scale,
      totalVariance,
    };
    const state = modelState(model);
    const classes = opened.labels && classCounter(opened.labels);
    const quantities = await measureSource(backend, source, state, {
      tokens: reader.tokens,
      totalVariance,
      signal,
      // Tokens of weight 0 are not measured, but they have a class.
      onCodes: classes && options.weights === undefined ? (codes) => classes.add(codes) : undefined,
      onProgress: (done) => progress.show({ phase: 'measuring', done, total: reader.tokens, unit: 'tokens' }),
    });
    const showStability = (done: number): void =>
      progress.show({ phase: 'stability', done, total: undefined, unit: 'iterations' });
    showStability(0);
    const stability = await measureStabilityOn(backend, source, reader.tokens, state, {
      random: random.fork('stability'),
      signal,
      onIteration: showStability,
    });
    if (classes !== undefined && options.weights !== undefined) {
      for await (const codes of codesOf(backend, model, source, signal)) classes.add(codes);
    }
    const labels = classes && scoreLabels(classes.table());
    const { tokens } = statistics;
    const measures = makeMeasures(backend, tokens, model, quantities, stability, labels, scope.seconds());
    scope.warn(warningsOf(measures));
    const text = textOf(opened);
    scope.print(text === undefined ? measures : { ...measures, text: text.counts }, formatMeasures(measures));
  });
}
