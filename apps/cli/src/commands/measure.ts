import { stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { createRandom, DdclError, type FloatDType } from '@ddcl/core';
import {
  measureSource,
  measureStabilityOn,
  modelState,
  tokensFromReader,
  tokenStatistics,
  type DdclModel,
  type TokenReader,
} from '@ddcl/core/fit';
import { Command, Option } from 'commander';
import { createBackend } from '../backends/backends.ts';
import { readNpy } from '../data/npy-reader.ts';
import {
  encoderOption,
  encoderUseOptions,
  otherEncoderOption,
  type EncoderCommandOptions,
} from '../encoder/encoder-options.ts';
import {
  documentModes,
  loadModel,
  modelFiles,
  type DocumentMode,
  type LoadedModel,
} from '../model-folder/model-folder.ts';
import { interruptSignal } from '../output/interrupt.ts';
import { formatMeasures, makeMeasures, warningsOf } from '../output/measures.ts';
import { createProgress } from '../output/progress.ts';
import { codesOf } from './codes.ts';
import { classCounter, scoreLabels } from './label-scores.ts';
import { textOption, textUseOptions, type TextCommandOptions } from '../text/text-options.ts';
import { openForFit, openForModel, textOf } from './open-tokens.ts';
import { anyNumber, backendOption, dtypeOption, nameList, requireDType, type DataOptions } from './options.ts';

interface MeasureCommandOptions extends DataOptions, EncoderCommandOptions, TextCommandOptions {
  readonly documents?: DocumentMode;
  readonly prototypes: string;
  readonly temperature?: number;
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
    .addOption(textOption())
    .addOption(encoderOption(" (default: the model's)"));
  for (const option of [...textUseOptions(), ...encoderUseOptions("the model's, else ")]) command.addOption(option);
  return command
    .addOption(otherEncoderOption())
    .addOption(
      new Option(
        '--documents <mode>',
        "of text and token shards: all tokens, or the mean vector of each document (default: the model's, else tokens)",
      ).choices(documentModes),
    )
    .requiredOption('--prototypes <file.npy|model>', 'prototypes [K, m], or a model folder (required)')
    .option(
      '--temperature <T>',
      "temperature, in units of squared distance (default: the model's; required with an .npy file)",
      anyNumber,
    )
    .option('--weights <file.npy>', 'a weight >= 0 per token (default: all 1)')
    .option(
      '--columns <names>',
      "columns that make a token, separated by commas (default: the model's, else all)",
      nameList,
    )
    .option('--tensor <name>', "which tensor of a safetensors file (default: the model's, else its only matrix)")
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
  return {
    dimension: reader.dimension,
    tokens: reader.tokens,
    read: async (start, count) => ({
      ...(await reader.read(start, count)),
      weights: weights.subarray(start, start + count),
    }),
  };
}

async function measureAction(files: string[], options: MeasureCommandOptions): Promise<void> {
  const began = performance.now();
  const path = resolve(options.prototypes);
  const isFolder = await stat(path).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!isFolder && basename(path) === modelFiles.model) {
    throw new DdclError(
      'argument',
      `${path} lies in a model folder. Give the folder: --prototypes ${dirname(options.prototypes)}.`,
    );
  }
  const loaded: LoadedModel | undefined = isFolder ? await loadModel(path) : undefined;
  if (loaded !== undefined && (options.standardize || options.normalize)) {
    throw new DdclError(
      'argument',
      'A model folder has its own standardisation and normalisation. Leave out --standardize and --normalize.',
    );
  }
  const given = loaded === undefined ? await readPrototypes(path) : loaded.model;
  const temperature = options.temperature ?? loaded?.model.temperature;
  if (temperature === undefined)
    throw new DdclError('argument', 'Prototypes from an .npy file have no temperature. Give --temperature T.');
  if (!(temperature > 0))
    throw new DdclError(
      'temperature',
      `The temperature must be > 0, but is ${temperature}. Give --temperature T with T > 0.`,
    );
  const dtype = options.dtype ?? loaded?.model.dtype ?? 'float32';
  const backend = await createBackend(options.backend);
  requireDType(dtype, backend);
  const progress = createProgress();
  const interrupt = interruptSignal();
  const openOptions = { ...options, command: 'measure', signal: interrupt.signal, progress } as const;
  try {
    const { opened, reader: plain } =
      loaded === undefined ? await openForFit(files, openOptions) : await openForModel(files, loaded, openOptions);
    try {
      if (plain.dimension !== given.dimension) {
        throw new DdclError(
          'shape',
          `The prototypes have dimension ${given.dimension}, but the tokens ${plain.dimension}. Choose columns with --columns, or other prototypes.`,
        );
      }
      const reader = await withWeights(plain, options.weights && resolve(options.weights));
      const source = tokensFromReader(reader);
      const random = createRandom(0);
      const statistics = await tokenStatistics(source, {
        random,
        sampleSize: 1,
        signal: interrupt.signal,
        onProgress: (done) => progress.show('reading     ', done, reader.tokens),
      });
      const { frame, totalVariance, criticalTemperature } = statistics;
      const model: DdclModel = {
        count: given.count,
        dimension: given.dimension,
        dtype,
        prototypes: given.prototypes,
        temperature,
        criticalTemperature,
        offset: frame.offset,
        scale: frame.scale,
        totalVariance,
      };
      const state = modelState(model);
      const classes = opened.labels && classCounter(opened.labels);
      const quantities = await measureSource(backend, source, state, {
        tokens: reader.tokens,
        totalVariance,
        signal: interrupt.signal,
        // Tokens of weight 0 are not measured, but they have a class.
        onCodes: classes && options.weights === undefined ? (codes) => classes.add(codes) : undefined,
        onProgress: (done) => progress.show('measuring   ', done, reader.tokens),
      });
      const stability = await measureStabilityOn(backend, source, reader.tokens, state, {
        random: random.fork('stability'),
        signal: interrupt.signal,
        onIteration: (done) => progress.show('stability   ', done, undefined),
      });
      if (classes !== undefined && options.weights !== undefined) {
        for await (const codes of codesOf(backend, model, source, interrupt.signal)) classes.add(codes);
      }
      const labels = classes && scoreLabels(classes.table());
      progress.stop();
      const measures = makeMeasures({
        backend: backend.name,
        tokens: statistics.tokens,
        dimension: given.dimension,
        prototypes: given.count,
        temperature,
        criticalTemperature,
        quantities,
        stability,
        labels,
        seconds: (performance.now() - began) / 1000,
      });
      for (const warning of warningsOf(measures)) process.stderr.write(`warning: ${warning}\n`);
      const text = textOf(opened);
      const printed = text === undefined ? measures : { ...measures, text: text.counts };
      process.stdout.write(options.json ? `${JSON.stringify(printed)}\n` : `${formatMeasures(measures)}\n`);
    } finally {
      await opened.close();
    }
  } finally {
    progress.stop();
    interrupt.dispose();
    backend.dispose();
  }
}
