import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { backendOption } from '../backends/backend-options.ts';
import { commandLine, seedOption, wholeNumber } from '../command-line/options.ts';
import { addDataOptions, type DataCommandOptions } from '../data/data-options.ts';
import { addEncoderOptions, type EncoderCommandOptions } from '../encoder/encoder-options.ts';
import { documentModes, type DocumentMode } from '../model-folder/model-folder.ts';
import { openOutFolder } from '../model-folder/out-folder.ts';
import { addTextUseOptions, textOption, type TextCommandOptions } from '../text/text-options.ts';
import { openForFit, textOf } from '../tokens/open-tokens.ts';
import { fitFolder, formatQuantizer } from '../vq/fit-folder.ts';
import { addSpecOptions, specOf, type SpecOptions } from '../vq/spec-options.ts';
import { withCommand } from './with-command.ts';

interface VqFitOptions extends DataCommandOptions, EncoderCommandOptions, TextCommandOptions, SpecOptions {
  readonly documents?: DocumentMode;
  readonly standardize?: boolean;
  readonly normalize?: boolean;
  readonly steps?: number;
  readonly batch?: number;
  readonly sample?: number;
  readonly seed: number;
  readonly backend: string;
  readonly out: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  $ ddcl vq fit embeddings.npy --codes 256 --groups 48 --out pq        # 48 bytes a vector
  $ ddcl vq fit vectors.npy --codes 1024 --quantizer ema --depth 4 --out residual
  $ ddcl vq fit --text reviews.jsonl --encoder ./encoder --documents mean --codes 256 --groups 48 --out pq

The out folder gets quantizer.safetensors, config.json, history.jsonl and report.html.`;

/** Passes over a sample that a fit of a codebook takes, for the choice of a backend's message. */
const passes = 30;

/** `ddcl vq fit`. */
export function vqFitCommand(): Command {
  const command = new Command('fit')
    .description('learn a codebook for vectors: numbers or text in, a folder out')
    .argument('[data...]', 'files of vectors, as for ddcl fit; or a folder of token shards')
    .addOption(textOption());
  addEncoderOptions(addTextUseOptions(command)).addOption(
    new Option(
      '--documents <mode>',
      'of text and token shards: all tokens, or the mean vector of each document (of length 1)',
    ).choices(documentModes),
  );
  addSpecOptions(command)
    .requiredOption('--out <folder>', 'folder for the codebook (required); must be new or empty')
    .option('--steps <N>', 'steps of the fit (default: of ddcl as ddcl fit has them, else 500)', wholeNumber(1))
    .option('--batch <N>', 'vectors per step, but for ddcl (default: 4 K, at least 1024)', wholeNumber(1))
    .option('--sample <N>', 'vectors that are learned from, at most (default: 256 K, at least 65536)', wholeNumber(2));
  return addDataOptions(command, 'all', 'its only matrix')
    .option('--standardize', 'give each column mean 0 and deviation 1; decoding takes it back')
    .option('--normalize', 'give each vector length 1 (after --standardize)')
    .addOption(backendOption())
    .addOption(seedOption())
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', examples)
    .action((files: string[], options: VqFitOptions, self: Command) => vqFitAction(files, options, self));
}

function vqFitAction(files: string[], options: VqFitOptions, command: Command): Promise<void> {
  return withCommand(options, async (scope) => {
    const out = resolve(options.out);
    scope.own(await openOutFolder(out), (release) => release());
    const backend = await scope.backend(options.backend, 'float32');
    const { opened, reader, preprocessing } = await openForFit(files, { ...options, command: 'vq fit', ...scope });
    const spec = specOf({ ...options, dimension: reader.dimension });
    const { steps, batch, sample, seed } = options;
    scope.announce(backend, passes * reader.tokens * reader.dimension * (options.codes ?? 1));
    const texts = textOf(opened);
    const measures = await fitFolder({
      ...scope,
      backend,
      reader,
      spec,
      options: {
        seed,
        ...(steps !== undefined && { steps }),
        ...(batch !== undefined && { batch }),
        ...(sample !== undefined && { sample }),
      },
      config: {
        command: commandLine(command),
        data: {
          columns: opened.columns ?? null,
          tensor: options.tensor ?? null,
          tokens: reader.tokens,
          fingerprint: opened.fingerprint,
        },
        ...(texts === undefined ? {} : { text: { encoder: texts.record, documents: texts.mode } }),
        preprocessing,
      },
      out,
      title: `${spec.kind} codebook on ${opened.describe()}`,
    });
    const lines = formatQuantizer(measures).map(([name, text]) => `${name.padEnd(12)} ${text}`);
    scope.print(
      { ...measures, ...(texts === undefined ? {} : { text: texts.counts }) },
      `${lines.join('\n')}\n\nwritten to ${out}; open report.html in a browser`,
    );
  });
}
