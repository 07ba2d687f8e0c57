import { resolve } from 'node:path';
import type { FloatDType } from '@ddcl/core';
import {
  encodeSegments,
  encodeTokens,
  isSegmentOutput,
  outputShape,
  readoutOutputs,
  segmentOutputs,
  temperatureOf,
  tokensFromReader,
  type EncodedRows,
  type GivenTemperature,
  type ReadoutOutput,
  type TokenReader,
} from '@ddcl/core/fit';
import { createDecoder, encodeCodes } from '@ddcl/vq';
import { Command, Option } from 'commander';
import { backendOption, dtypeOption } from '../backends/backend-options.ts';
import { givenTemperature } from '../command-line/options.ts';
import { addDataOptions, type DataCommandOptions } from '../data/data-options.ts';
import { writeNpy } from '../data/npy-writer.ts';
import { addEncoderOptions, type EncoderCommandOptions } from '../encoder/encoder-options.ts';
import { checkAborted } from '../data/data-error.ts';
import { loadModel } from '../model-folder/model-folder.ts';
import { isQuantizerFolder, loadQuantizer } from '../model-folder/quantizer-folder.ts';
import { checkOutFile } from '../output/check-out-file.ts';
import { usageError } from '../output/usage-error.ts';
import { addTextUseOptions, textOption, type TextCommandOptions } from '../text/text-options.ts';
import { countedReader } from '../tokens/counted-reader.ts';
import { openForModel, textOf } from '../tokens/open-tokens.ts';
import { readSegments, withEmptySegments } from '../tokens/segments.ts';
import { undoStandardize } from '../vq/open-vectors.ts';
import { withCommand, type CommandScope } from './with-command.ts';

interface EncodeCommandOptions extends DataCommandOptions, EncoderCommandOptions, TextCommandOptions {
  readonly outputs: ReadoutOutput;
  readonly segments?: string;
  readonly out: string;
  readonly backend: string;
  readonly temperature?: GivenTemperature;
  readonly dtype?: FloatDType;
  readonly json?: boolean;
}

const help = `
Outputs:
  outputs      [N, m]     each token as its mixture of prototypes
  assignments  [N, K]     soft assignments; rows sum to 1
  codes        [N]        number of the nearest prototype, int32
  occupancy    [S, K]     share of each prototype in a segment
  pooled       [S, m]     mean output of a segment (at most K - 1 degrees of freedom)
  summaries    [S, K, m]  mean token per prototype of a segment
  residuals    [S, K, m]  sums of tokens less their prototype, each of length 1, then a segment's as a whole (VLAD)
of a folder of ddcl vq, P codes per vector:
  codes        [N, P]     numbers of the codes, int32
  outputs      [N, m]     each vector as that of its codes

Examples:
  $ ddcl encode model tokens.npy --outputs outputs --out outputs.npy
  $ ddcl encode model tokens.npy --outputs pooled --segments documents.npy --out pooled.npy
  $ ddcl encode model tokens.npy --outputs assignments --temperature 0.03tc --out soft.npy
  $ ddcl encode model --text reviews.jsonl --outputs pooled --out pooled.npy     # a row per document`;

/** `ddcl encode`. */
export function encodeCommand(): Command {
  const command = new Command('encode')
    .description('apply a model to tokens; the model does not change')
    .argument('<model>', 'model folder')
    .argument('[data...]', 'files of tokens or a folder of token shards, as for fit')
    .addOption(textOption());
  addEncoderOptions(addTextUseOptions(command), true)
    .addOption(
      new Option('--what, --outputs <name>', 'what to write (required), see below')
        .choices(readoutOutputs)
        .makeOptionMandatory(),
    )
    .requiredOption('--out <file.npy>', 'file to write (required); one that is there is replaced')
    .option(
      '--segments <file.npy>',
      'for occupancy, pooled, summaries and residuals: segment (document) of each token, whole numbers from 0; without it all tokens are one',
    );
  return addDataOptions(command, "the model's", "the model's")
    .option(
      '--temperature <T>',
      "another temperature than the model's: a number in units of squared distance, or a share of its critical one such as 0.03tc",
      givenTemperature,
    )
    .addOption(dtypeOption(" (default: the model's)"))
    .addOption(backendOption())
    .option('--json', 'print one JSON object on stdout')
    .addHelpText('after', help)
    .action((model: string, files: string[], options: EncodeCommandOptions) => encodeAction(model, files, options));
}

function encodeAction(folder: string, files: string[], options: EncodeCommandOptions): Promise<void> {
  return withCommand(options, async (scope) => {
    if (options.segments !== undefined && !isSegmentOutput(options.outputs)) {
      throw usageError(
        `--segments goes with ${segmentOutputs.join(', ')}; ${options.outputs} has one row per token. Leave it out.`,
      );
    }
    const out = resolve(options.out);
    const { segments, encoder } = options;
    await checkOutFile('--out', out, '.npy', [folder, ...files, ...(options.text ?? []), segments, encoder]);
    if (await isQuantizerFolder(resolve(folder))) return encodeByCodes(folder, files, options, out, scope);
    const loaded = await loadModel(resolve(folder));
    const { model } = loaded;
    const dtype = options.dtype ?? model.dtype;
    const chosen = await scope.backend(options.backend, dtype);
    const { backend } = chosen;
    const { labels: _labels, ...dataOptions } = options;
    const { signal } = scope;
    const { opened, reader } = await openForModel(files, loaded, { ...dataOptions, command: 'encode', ...scope });
    scope.announce(chosen, reader.tokens * model.dimension * model.count);
    const source = tokensFromReader(shown(reader, scope));
    const temperature = temperatureOf(options.temperature ?? model.temperature, model.criticalTemperature);
    const common = { temperature, dtype, signal };
    let shape: number[];
    let rows: AsyncIterable<EncodedRows>;
    const { outputs } = options;
    const tail = outputShape(outputs, model);
    if (!isSegmentOutput(outputs)) {
      shape = [reader.tokens, ...tail];
      rows = encodeTokens(backend, model, source, outputs, common);
    } else {
      const texts = textOf(opened);
      if (texts !== undefined && options.segments !== undefined)
        throw usageError('The segments of text and token shards are the documents. Leave --segments out.');
      const ids =
        texts?.ofRow() ??
        (options.segments === undefined
          ? new Int32Array(reader.tokens)
          : await readSegments(resolve(options.segments), reader.tokens));
      const segments = texts?.counts.documents ?? ids.reduce((most, id) => Math.max(most, id), -1) + 1;
      shape = [segments, ...tail];
      const encoded = encodeSegments(backend, model, source, ids, outputs, { ...common, normalize: true });
      rows = withEmptySegments(encoded, shape);
    }
    const written = options.outputs === 'codes' ? 'int32' : dtype;
    await writeNpy(out, shape, written, dataOf(rows));
    scope.print(
      {
        outputs: options.outputs,
        shape,
        dtype: written,
        temperature,
        backend: backend.name,
        out,
        seconds: scope.seconds(),
      },
      `${options.outputs} of shape [${shape.join(', ')}] written to ${out}`,
    );
  });
}

/** The same of a folder of `ddcl vq`: numbers of the codes, or their vectors. */
async function encodeByCodes(
  folder: string,
  files: string[],
  options: EncodeCommandOptions,
  out: string,
  scope: CommandScope,
): Promise<void> {
  const { outputs, temperature, dtype = 'float32' } = options;
  if (outputs !== 'codes' && outputs !== 'outputs') {
    throw usageError(
      `${folder} holds a quantizer, which has codes (their numbers) and outputs (their vectors), but no ${outputs}. Give --outputs codes or outputs.`,
    );
  }
  if (temperature !== undefined || dtype !== 'float32') {
    const option = temperature === undefined ? '--dtype float64' : '--temperature';
    throw usageError(
      `${option} does not go with a quantizer, whose codes are the nearest ones in float32. Leave it out.`,
    );
  }
  const loaded = await loadQuantizer(resolve(folder));
  const { state, model, config } = loaded;
  const chosen = await scope.backend(options.backend, dtype);
  const { labels: _labels, ...dataOptions } = options;
  const { reader } = await openForModel(files, loaded, { ...dataOptions, command: 'encode', ...scope });
  scope.announce(chosen, reader.tokens * model.dimension * model.codes * model.depth);
  const blocks = encodeCodes(chosen.backend, state, tokensFromReader(shown(reader, scope)));
  const decoder = createDecoder(state);
  async function* rows(): AsyncGenerator<ArrayLike<number>> {
    for await (const { indices } of blocks) {
      checkAborted(scope.signal);
      yield outputs === 'codes' ? indices : undoStandardize(decoder.decode(indices), config.preprocessing);
    }
  }
  const shape = [reader.tokens, outputs === 'codes' ? model.heads * model.depth : model.dimension];
  const written = outputs === 'codes' ? 'int32' : 'float32';
  await writeNpy(out, shape, written, rows());
  scope.print(
    { outputs, shape, dtype: written, backend: chosen.backend.name, out, seconds: scope.seconds() },
    `${outputs} of shape [${shape.join(', ')}] written to ${out}`,
  );
}

const shown = (reader: TokenReader, { progress }: CommandScope): TokenReader =>
  countedReader(reader, (done) => progress.show({ phase: 'encoding', done, total: reader.tokens, unit: 'tokens' }));

async function* dataOf(rows: AsyncIterable<EncodedRows>): AsyncGenerator<EncodedRows['data']> {
  for await (const { data } of rows) yield data;
}
