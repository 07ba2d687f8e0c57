import { resolve } from 'node:path';
import {
  readoutOutputs,
  readoutProgram,
  temperatureOf,
  type GivenTemperature,
  type ReadoutOutput,
} from '@ddcl/core/fit';
import { Command, Option } from 'commander';
import { loadModel } from '../model-folder/model-folder.ts';
import { checkOutFile } from '../output/check-out-file.ts';
import { version } from '../output/version.ts';
import { writeWhole } from '../output/write-file.ts';
import { readOnnxFile } from '../encoder/onnx-file.ts';
import { givenTemperature } from '../command-line/options.ts';
import { usageError } from '../output/usage-error.ts';
import { print } from '../output/print.ts';

interface ExportCommandOptions {
  readonly onnx: string;
  readonly outputs: ReadoutOutput;
  readonly temperature?: GivenTemperature;
  readonly fused?: boolean;
  readonly appendTo?: string;
  readonly encoderOutput?: string;
  readonly mask?: string;
  readonly json?: boolean;
}

const help = `
The file has one input, tokens float32 [n, m] for any n, and one output, named after what it is:
  outputs [n, m]   assignments [n, K]   codes int32 [n]
and with a second input, segments int64 [n] (segment of each token, from 0):
  occupancy [s, K]   pooled [s, m]   summaries [s, K, m]
  residuals [s, K, m], each of length 1, then the segment's as a whole
What was done to the data before the fit (--standardize, --normalize) is in the file too.

With --append-to, the readout is appended to that model instead: from token ids to readout in one file, with
[batch, sequence, ...] per token and [batch, ...] per document; what the encoder makes of padding does not matter.

Examples:
  $ ddcl export model --onnx readout.onnx
  $ ddcl export model --onnx pooled.onnx --outputs pooled
  $ ddcl export model --onnx sentence.onnx --outputs pooled --append-to encoder/model.onnx`;

/** `ddcl export`. */
export function exportCommand(): Command {
  return new Command('export')
    .description('write a model as an .onnx file that runs without this project')
    .argument('<model>', 'model folder')
    .requiredOption('--onnx <file.onnx>', 'file to write (required); one that is there is replaced')
    .addOption(
      new Option('--what, --outputs <name>', 'what it returns, see below').choices(readoutOutputs).default('outputs'),
    )
    .option(
      '--temperature <T>',
      "another temperature than the model's: a number in units of squared distance, or a share of its critical one such as 0.03tc",
      givenTemperature,
    )
    .option('--fused', 'fused attention of ONNX Runtime instead of standard ops; for outputs without --append-to')
    .option('--append-to <encoder.onnx>', 'append the readout to this encoder; weights beside it are put into the file')
    .option('--encoder-output <name>', 'its output of token vectors [batch, sequence, m] (default: the only such one)')
    .option('--mask <name>', 'its input that is 0 for padding (default: attention_mask, if there is one)')
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', help)
    .action(exportAction);
}

/** @throws DdclError `argument` for options that do not go together */
function checkOptions({ fused, appendTo, encoderOutput, mask, outputs }: ExportCommandOptions): void {
  const needsEncoder = encoderOutput !== undefined ? '--encoder-output' : mask !== undefined ? '--mask' : undefined;
  if (appendTo === undefined && needsEncoder !== undefined)
    throw usageError(`${needsEncoder} goes with --append-to ENCODER.onnx. Give it too, or leave this out.`);
  if (fused && (appendTo !== undefined || outputs !== 'outputs'))
    throw usageError('--fused goes with --outputs outputs and without --append-to. Leave it out.');
}

async function exportAction(folder: string, options: ExportCommandOptions): Promise<void> {
  checkOptions(options);
  const out = resolve(options.onnx);
  await checkOutFile('--onnx', out, '.onnx', [folder, options.appendTo]);
  const { model, config } = await loadModel(resolve(folder));
  const { appendReadout, programToOnnx } = await import('@ddcl/backend-ort');
  const { outputs, fused = false } = options;
  const temperature = temperatureOf(options.temperature ?? model.temperature, model.criticalTemperature);
  const layout = options.appendTo === undefined ? 'packed' : 'padded';
  const { preprocessing } = config;
  const readout = readoutProgram(model, { outputs: [outputs], temperature, preprocessing, layout, version });
  let bytes: Uint8Array;
  if (options.appendTo === undefined) {
    bytes = programToOnnx(readout, { fused });
  } else {
    const { bytes: encoder, external } = await readOnnxFile(resolve(options.appendTo));
    bytes = appendReadout(encoder, readout, {
      external,
      ...(options.encoderOutput === undefined ? {} : { output: options.encoderOutput }),
      ...(options.mask === undefined ? {} : { mask: options.mask }),
    });
  }
  await writeWhole(out, bytes);
  const { count, dimension } = model;
  print(
    options.json
      ? `${JSON.stringify({ outputs, prototypes: count, dimension, temperature, fused, encoder: options.appendTo ?? null, bytes: bytes.length, out })}\n`
      : `${outputs} of ${count} prototypes of dimension ${dimension}${options.appendTo === undefined ? '' : `, after ${options.appendTo},`} written to ${out} (${bytes.length} bytes)\n`,
  );
}
