import { resolve } from 'node:path';
import { Command } from 'commander';
import { backendOption } from '../backends/backend-options.ts';
import { commandLine, seedOption, wholeNumber } from '../command-line/options.ts';
import { openImages } from '../images/open-images.ts';
import { openOutFolder } from '../model-folder/out-folder.ts';
import { addSpecOptions, specOf, type SpecOptions } from '../vq/spec-options.ts';
import { formatAutoencoder, trainFolder } from '../vq/train-folder.ts';
import { withCommand } from './with-command.ts';

interface VqTrainOptions extends SpecOptions {
  readonly dimension: number;
  readonly patch?: number;
  readonly context?: number;
  readonly hidden?: number;
  readonly epochs?: number;
  readonly steps?: number;
  readonly batch?: number;
  readonly seed: number;
  readonly backend: string;
  readonly out: string;
  readonly json?: boolean;
}

/** `ddcl vq train`. */
export function vqTrainCommand(): Command {
  const command = new Command('train')
    .description('learn an autoencoder for images with codes in the middle')
    .argument('<images>', 'folder of .png and .jpg files of one size, or a .bin(.gz) file of CIFAR-10 or CIFAR-100');
  addSpecOptions(command)
    .requiredOption('--out <folder>', 'folder for the autoencoder (required); must be new or empty')
    .option('--dimension <m>', "length of a patch's latent vector", wholeNumber(1), 16)
    .option(
      '--patch <pixels>',
      'side of a patch, which gets one code (of each group and level) (default: 4)',
      wholeNumber(1),
    )
    .option(
      '--context <N>',
      'see N x N patches together (default: 1; 2 is where a codebook earns most)',
      wholeNumber(1),
    )
    .option('--hidden <N>', 'width of hidden layers (default: 128; 256 with context)', wholeNumber(1))
    .option('--epochs <N>', 'epochs, after each of which it is measured (default: 20)', wholeNumber(1))
    .option('--steps <N>', 'steps of an epoch (default: 150)', wholeNumber(1))
    .option('--batch <N>', 'patches of a step (default: 1024)', wholeNumber(1));
  return command
    .addOption(backendOption())
    .addOption(seedOption())
    .option('--json', 'print one JSON object on stdout')
    .addHelpText(
      'after',
      `
The last tenth of the images (500 at most) is held out: errors and pictures are of those. There must be 10 images or more.
The out folder gets autoencoder.safetensors, config.json, history.jsonl and report.html.

Examples:
  $ ddcl vq train photos --codes 256 --context 2 --out codes-of-photos
  $ ddcl vq encode codes-of-photos photos --out photos.codes
  $ ddcl vq train data_batch_1.bin --codes 64 --quantizer ema --revive-below 0.1 --out ema`,
    )
    .action((images: string, options: VqTrainOptions, self: Command) => trainAction(images, options, self));
}

function trainAction(path: string, options: VqTrainOptions, command: Command): Promise<void> {
  return withCommand(options, async (scope) => {
    const out = resolve(options.out);
    scope.own(await openOutFolder(out), (release) => release());
    const quantizer = specOf(options);
    const chosen = await scope.backend(options.backend, 'float32');
    const images = await openImages(path, {
      signal: scope.signal,
      onProgress: (done, total) => scope.progress.show({ phase: 'reading', done, total, unit: 'images' }),
    });
    scope.announce(chosen, Infinity);
    const { patch, context, hidden, epochs, steps, batch, seed } = options;
    const given = { patch, context, hidden, epochs, stepsPerEpoch: steps, batch, seed };
    const measures = await trainFolder({
      ...scope,
      backend: chosen.backend,
      images,
      options: { quantizer, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) },
      command: commandLine(command),
      out,
      title: `${quantizer.kind} codes of images of ${path}`,
    });
    const lines = formatAutoencoder(measures).map(([name, text]) => `${name.padEnd(12)} ${text}`);
    scope.print(measures, `${lines.join('\n')}\n\nwritten to ${out}; open report.html in a browser`);
  });
}
