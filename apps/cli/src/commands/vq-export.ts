import { resolve } from 'node:path';
import { add, constant, div, l2Normalize, mul, sub, type Tensor } from '@ddcl/core';
import { decoderProgram, encoderProgram, imageEncoderProgram } from '@ddcl/vq';
import { Command } from 'commander';
import { wholeNumber } from '../command-line/options.ts';
import { imageSize, loadAutoencoder, loadQuantizer } from '../model-folder/quantizer-folder.ts';
import { checkOutFile } from '../output/check-out-file.ts';
import { usageError } from '../output/usage-error.ts';
import { writeWhole } from '../output/write-file.ts';
import type { Preprocessing } from '../preprocess/preprocessing.ts';
import { withCommand } from './with-command.ts';

interface VqExportOptions {
  readonly encoder?: string;
  readonly decoder?: string;
  readonly vectors?: number;
  readonly json?: boolean;
}

/** `ddcl vq export`. */
export function vqExportCommand(): Command {
  return new Command('export')
    .description('write a codebook as .onnx files that run without this project')
    .argument('<folder>', "folder of 'ddcl vq fit' or 'ddcl vq train'")
    .option('--encoder <file.onnx>', 'vectors float32 [n, m] to indices int32 [n, P]')
    .option('--decoder <file.onnx>', 'indices int64 [n, P] to vectors float32 [n, m]')
    .option('--vectors <N>', 'fix n (needed with --shared-heads; default: any)', wholeNumber(1))
    .option('--json', 'print one JSON object on stdout')
    .addHelpText(
      'after',
      `
Of a folder of ddcl vq train, --encoder is: image float32 [height, width, channels] in 0..1 to indices int32 [rows, columns, P] of its patches.
What was done to the data before the fit (--standardize, --normalize) is in the encoder, and --standardize is taken back in the decoder.

Example:
  $ ddcl vq export pq --encoder encode.onnx --decoder decode.onnx`,
    )
    .action(exportAction);
}

function exportAction(folder: string, options: VqExportOptions): Promise<void> {
  return withCommand(options, async (scope) => {
    const [encoder, decoder] = [
      options.encoder && resolve(options.encoder),
      options.decoder && resolve(options.decoder),
    ];
    if (encoder === undefined && decoder === undefined)
      throw usageError('There is nothing to write. Give --encoder FILE.onnx, --decoder FILE.onnx, or both.');
    if (encoder === decoder) throw usageError(`--encoder and --decoder are both ${encoder}. Give two files.`);
    if (encoder !== undefined) await checkOutFile('--encoder', encoder, '.onnx', [folder]);
    if (decoder !== undefined) await checkOutFile('--decoder', decoder, '.onnx', [folder]);
    const { programToOnnx } = await import('@ddcl/backend-ort');
    const autoencoder = await loadAutoencoder(resolve(folder));
    if (autoencoder !== undefined) {
      if (encoder === undefined || decoder !== undefined)
        throw usageError(
          `${folder} holds an autoencoder, of which an image to its codes can be written. Give --encoder FILE.onnx alone.`,
        );
      const bytes = programToOnnx(imageEncoderProgram(autoencoder.model, imageSize(autoencoder)));
      await writeWhole(encoder, bytes);
      return scope.print(
        { encoder, decoder: null, bytes: { [encoder]: bytes.length } },
        `written to ${encoder} (${bytes.length} bytes)`,
      );
    }
    const { state, config } = await loadQuantizer(resolve(folder));
    const n = options.vectors ?? 'n';
    const { before, after } = framesOf(config.preprocessing);
    const written: Record<string, number> = {};
    const write = async (file: string, bytes: Uint8Array): Promise<void> => {
      await writeWhole(file, bytes);
      written[file] = bytes.length;
    };
    if (encoder !== undefined) await write(encoder, programToOnnx(encoderProgram(state, n, before)));
    if (decoder !== undefined) await write(decoder, programToOnnx(decoderProgram(state, n, after)));
    scope.print(
      { encoder: encoder ?? null, decoder: decoder ?? null, bytes: written },
      Object.entries(written)
        .map(([file, bytes]) => `written to ${file} (${bytes} bytes)`)
        .join('\n'),
    );
  });
}

/** What is done to vectors before their codes are looked up, and to vectors of codes. */
function framesOf({ standardize, normalize }: Preprocessing): Record<'before' | 'after', (x: Tensor) => Tensor> {
  const row = (scope: Tensor, values: readonly number[]): Tensor =>
    constant(scope, 'float32', [1, values.length], values);
  return {
    before(x) {
      const scaled = standardize === null ? x : div(sub(x, row(x, standardize.mean)), row(x, standardize.deviation));
      return normalize ? l2Normalize(scaled, -1, 1e-30) : scaled;
    },
    after: (x) => (standardize === null ? x : add(mul(x, row(x, standardize.deviation)), row(x, standardize.mean))),
  };
}
