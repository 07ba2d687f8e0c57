import { resolve } from 'node:path';
import { DdclError, type FloatDType } from '@ddcl/core';
import {
  encodeSegments,
  encodeTokens,
  tokensFromReader,
  type EncodedRows,
  type SegmentOutput,
  type TokenOutput,
} from '@ddcl/core/fit';
import { Command, Option } from 'commander';
import { createBackend } from '../backends/backends.ts';
import { writeNpy } from '../data/npy-writer.ts';
import {
  encoderOption,
  encoderUseOptions,
  otherEncoderOption,
  type EncoderCommandOptions,
} from '../encoder/encoder-options.ts';
import { loadModel } from '../model-folder/model-folder.ts';
import { checkOutFile } from '../output/check-out-file.ts';
import { interruptSignal } from '../output/interrupt.ts';
import { createProgress } from '../output/progress.ts';
import { textOption, textUseOptions, type TextCommandOptions } from '../text/text-options.ts';
import { encodeResiduals } from './encode-residuals.ts';
import { openForModel, textOf } from './open-tokens.ts';
import { backendOption, dtypeOption, nameList, requireDType, type DataOptions } from './options.ts';
import { readSegments, withEmptySegments } from './segments.ts';

const tokenOutputs: readonly string[] = ['outputs', 'assignments', 'codes'] satisfies TokenOutput[];
const segmentOutputs: readonly string[] = ['occupancy', 'pooled', 'summaries', 'residuals'] satisfies (
  | SegmentOutput
  | 'residuals'
)[];

interface EncodeCommandOptions extends DataOptions, EncoderCommandOptions, TextCommandOptions {
  readonly what: string;
  readonly segments?: string;
  readonly out: string;
  readonly backend: string;
  readonly dtype?: FloatDType;
  readonly json?: boolean;
}

const help = `
What:
  outputs      [N, m]     each token as its mixture of prototypes
  assignments  [N, K]     soft assignments; rows sum to 1
  codes        [N]        number of the nearest prototype, int32
  occupancy    [S, K]     share of each prototype in a segment
  pooled       [S, m]     mean output of a segment (at most K - 1 degrees of freedom)
  summaries    [S, K, m]  mean token per prototype of a segment
  residuals    [S, K, m]  sums of tokens less their prototype, each of length 1, then a segment's as a whole (VLAD)

Examples:
  $ ddcl encode model tokens.npy --what outputs --out outputs.npy
  $ ddcl encode model tokens.npy --what pooled --segments documents.npy --out pooled.npy
  $ ddcl encode model --text reviews.jsonl --what pooled --out pooled.npy     # a row per document`;

/** `ddcl encode`. */
export function encodeCommand(): Command {
  const command = new Command('encode')
    .description('apply a model to tokens; the model does not change')
    .argument('<model>', 'model folder')
    .argument('[data...]', 'files of tokens or a folder of token shards, as for fit')
    .addOption(textOption())
    .addOption(encoderOption(" (default: the model's; give it where that has moved)"));
  for (const option of [...textUseOptions(), ...encoderUseOptions("the model's, else ")]) command.addOption(option);
  return command
    .addOption(otherEncoderOption())
    .addOption(
      new Option('--what <what>', 'what to write (required), see below')
        .choices([...tokenOutputs, ...segmentOutputs])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <file.npy>', 'file to write (required); one that is there is replaced')
    .option(
      '--segments <file.npy>',
      'for occupancy, pooled, summaries and residuals: segment (document) of each token, whole numbers from 0; without it all tokens are one',
    )
    .option('--columns <names>', "columns that make a token, separated by commas (default: the model's)", nameList)
    .option('--tensor <name>', "which tensor of a safetensors file (default: the model's)")
    .addOption(dtypeOption(" (default: the model's)"))
    .addOption(backendOption())
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', help)
    .action((model: string, files: string[], options: EncodeCommandOptions) => encodeAction(model, files, options));
}

async function encodeAction(folder: string, files: string[], options: EncodeCommandOptions): Promise<void> {
  const began = performance.now();
  if (options.segments !== undefined && tokenOutputs.includes(options.what)) {
    throw new DdclError(
      'argument',
      `--segments goes with ${segmentOutputs.join(', ')}; ${options.what} has one row per token. Leave it out.`,
    );
  }
  const out = resolve(options.out);
  await checkOutFile('--out', out, '.npy', [
    ...files,
    ...(options.text ?? []),
    ...(options.segments === undefined ? [] : [options.segments]),
  ]);
  const loaded = await loadModel(resolve(folder));
  const { model } = loaded;
  const dtype = options.dtype ?? model.dtype;
  const backend = await createBackend(options.backend);
  requireDType(dtype, backend);
  const progress = createProgress();
  const interrupt = interruptSignal();
  const { labels: _labels, ...dataOptions } = options;
  try {
    const { opened, reader } = await openForModel(files, loaded, {
      ...dataOptions,
      command: 'encode',
      signal: interrupt.signal,
      progress,
    });
    try {
      const source = tokensFromReader(reader);
      const common = { dtype, signal: interrupt.signal };
      let shape: number[];
      let rows: AsyncIterable<EncodedRows>;
      if (tokenOutputs.includes(options.what)) {
        const what = options.what as TokenOutput;
        shape =
          what === 'codes' ? [reader.tokens] : [reader.tokens, what === 'outputs' ? model.dimension : model.count];
        rows = encodeTokens(backend, model, source, what, common);
      } else {
        const what = options.what as SegmentOutput | 'residuals';
        const texts = textOf(opened);
        if (texts !== undefined && options.segments !== undefined) {
          throw new DdclError(
            'argument',
            'The segments of text and token shards are the documents. Leave --segments out.',
          );
        }
        const ids =
          texts?.ofRow() ??
          (options.segments === undefined
            ? new Int32Array(reader.tokens)
            : await readSegments(resolve(options.segments), reader.tokens));
        const segments = texts?.counts.documents ?? ids.reduce((most, id) => Math.max(most, id), -1) + 1;
        const tail =
          what === 'occupancy' ? [model.count] : what === 'pooled' ? [model.dimension] : [model.count, model.dimension];
        shape = [segments, ...tail];
        const encoded =
          what === 'residuals'
            ? encodeResiduals(backend, model, source, ids, common)
            : encodeSegments(backend, model, source, ids, what, common);
        rows = withEmptySegments(encoded, shape);
      }
      await writeNpy(
        out,
        shape,
        options.what === 'codes' ? 'int32' : dtype,
        dataOf(rows, (done) => progress.show('encoding    ', done, shape[0])),
      );
      progress.stop();
      const summary = {
        what: options.what,
        shape,
        dtype: options.what === 'codes' ? 'int32' : dtype,
        out,
        seconds: (performance.now() - began) / 1000,
      };
      process.stdout.write(
        options.json
          ? `${JSON.stringify(summary)}\n`
          : `${options.what} of shape [${shape.join(', ')}] written to ${out}\n`,
      );
    } finally {
      await opened.close();
    }
  } finally {
    progress.stop();
    interrupt.dispose();
    backend.dispose();
  }
}

async function* dataOf(
  rows: AsyncIterable<EncodedRows>,
  onProgress: (done: number) => void,
): AsyncGenerator<EncodedRows['data']> {
  let done = 0;
  for await (const block of rows) {
    yield block.data;
    done += block.rows;
    onProgress(done);
  }
}
