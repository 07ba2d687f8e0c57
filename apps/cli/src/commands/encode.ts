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
import { addEncoderOptions, type EncoderCommandOptions } from '../encoder/encoder-options.ts';
import { checkAborted } from '../data/data-error.ts';
import { loadModel, type AppliedModel } from '../model-folder/model-folder.ts';
import { isQuantizerFolder, loadQuantizer } from '../model-folder/quantizer-folder.ts';
import { checkEncodedFile, writeEncoded } from '../tokens/encoded-file.ts';
import { usageError } from '../output/usage-error.ts';
import { addTextUseOptions, textOption, type TextCommandOptions } from '../text/text-options.ts';
import { countedReader } from '../tokens/counted-reader.ts';
import { openForModel, textOf } from '../tokens/open-tokens.ts';
import { idColumns, withIdWords } from '../tokens/row-ids.ts';
import { readSegments, withEmptySegments } from '../tokens/segments.ts';
import { withDistances } from '../tokens/squared-distances.ts';
import { undoStandardize } from '../vq/open-vectors.ts';
import { withCommand, type CommandScope } from './with-command.ts';

interface EncodeCommandOptions extends DataCommandOptions, EncoderCommandOptions, TextCommandOptions {
  readonly outputs: ReadoutOutput;
  readonly segments?: string;
  readonly id?: string;
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
  codes        [N]        number of the nearest prototype, int32; in .parquet and .jsonl beside the squaredDistance to it
  occupancy    [S, K]     share of each prototype in a segment
  pooled       [S, m]     mean output of a segment (at most K - 1 degrees of freedom)
  summaries    [S, K, m]  mean token per prototype of a segment
  residuals    [S, K, m]  sums of tokens less their prototype, each of length 1, then a segment's as a whole (VLAD)
of a folder of ddcl vq, P codes per vector:
  codes        [N, P]     numbers of the codes, int32
  outputs      [N, m]     each vector as that of its codes

Rows come in the order of the data: row i is token i, document i or segment i. With --id a .parquet or .jsonl file has its value in each row.

Examples:
  $ ddcl encode model tokens.npy --outputs outputs --out outputs.npy
  $ ddcl encode model tokens.npy --outputs pooled --segments documents.npy --out pooled.npy
  $ ddcl encode model tokens.npy --outputs assignments --temperature 0.03tc --out soft.npy
  $ ddcl encode model --text reviews.jsonl --outputs pooled --out pooled.npy     # a row per document
  $ ddcl encode model points.csv --id name --outputs codes --out codes.parquet`;

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
    .requiredOption('--out <file>', 'file to write, .npy, .parquet or .jsonl (required); one that is there is replaced')
    .option(
      '--id <column|file>',
      'column or field whose values say which row is which, or a file with one a token, for .parquet and .jsonl',
    )
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
    const { segments, encoder, id } = options;
    const withColumns = await checkEncodedFile(out, [folder, ...files, ...(options.text ?? []), segments, encoder]);
    checkId(options, withColumns);
    if (await isQuantizerFolder(resolve(folder))) return encodeByCodes(folder, files, options, out, scope);
    const loaded = await loadModel(resolve(folder));
    const { model } = loaded;
    const dtype = options.dtype ?? model.dtype;
    const chosen = await scope.backend(options.backend, dtype);
    const { backend } = chosen;
    const { signal } = scope;
    const { opened, reader } = await openWithIds(files, loaded, options, scope);
    scope.announce(chosen, reader.tokens * model.dimension * model.count);
    const source = tokensFromReader(shown(reader, scope));
    const temperature = temperatureOf(options.temperature ?? model.temperature, model.criticalTemperature);
    const common = { temperature, dtype, signal };
    let shape: number[];
    let encoded: AsyncIterable<EncodedRows>;
    const { outputs } = options;
    const texts = textOf(opened);
    const tail = outputShape(outputs, model);
    if (!isSegmentOutput(outputs)) {
      shape = [reader.tokens, ...tail];
      encoded = encodeTokens(backend, model, source, outputs, common);
    } else {
      if (texts !== undefined && options.segments !== undefined)
        throw usageError('The segments of text and token shards are the documents. Leave --segments out.');
      const ids =
        texts?.ofRow() ??
        (options.segments === undefined
          ? new Int32Array(reader.tokens)
          : await readSegments(resolve(options.segments), reader.tokens));
      const segments = texts?.counts.documents ?? ids.reduce((most, id) => Math.max(most, id), -1) + 1;
      shape = [segments, ...tail];
      if (texts === undefined && id !== undefined)
        throw usageError(`--id names rows of the data, but rows of ${outputs} are segments of them. Leave it out.`);
      const segmented = encodeSegments(backend, model, source, ids, outputs, { ...common, normalize: true });
      encoded = withEmptySegments(segmented, shape);
    }
    const written = options.outputs === 'codes' ? 'int32' : dtype;
    const columns = id === undefined ? [] : idColumns(opened.labels, texts, isSegmentOutput(outputs));
    let rows: AsyncIterable<ArrayLike<number>> = dataOf(encoded);
    if (outputs === 'codes' && withColumns) {
      const { dimension, prototypes } = model;
      const nearest = (codes: ArrayLike<number>): Float64Array =>
        Float64Array.from(
          { length: codes.length * dimension },
          (_, index) => prototypes[codes[Math.floor(index / dimension)]! * dimension + (index % dimension)]!,
        );
      const measured = withDistances(rows, 1, reader, nearest);
      rows = measured.rows;
      columns.push(measured.column);
    }
    await writeEncoded(out, { name: outputs, shape, dtype: written, columns, rows });
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

/** @throws DdclError `argument` for an id that the file has no room for, or that nothing has */
function checkId({ id, out, columns }: EncodeCommandOptions, withColumns: boolean): void {
  if (id === undefined) return;
  if (!withColumns)
    throw usageError(`${out} is one array and has no room for --id. Give another --out FILE.parquet or FILE.jsonl.`);
  if (columns?.includes(id))
    throw usageError(`--id ${id} is among --columns, but ids are not tokens. Leave it out there.`);
}

/** Opens data for a model, with their ids as labels. */
function openWithIds(
  files: string[],
  loaded: AppliedModel,
  { id, labels: _labels, ...options }: EncodeCommandOptions,
  scope: CommandScope,
): ReturnType<typeof openForModel> {
  const ids = id === undefined ? {} : { labels: id };
  return withIdWords(id, () => openForModel(files, loaded, { ...options, ...ids, command: 'encode', ...scope }));
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
  const { opened, reader } = await openWithIds(files, loaded, options, scope);
  scope.announce(chosen, reader.tokens * model.dimension * model.codes * model.depth);
  const blocks = encodeCodes(chosen.backend, state, tokensFromReader(shown(reader, scope)));
  const decoder = createDecoder(state);
  async function* made(): AsyncGenerator<ArrayLike<number>> {
    for await (const { indices } of blocks) {
      checkAborted(scope.signal);
      yield outputs === 'codes' ? indices : undoStandardize(decoder.decode(indices), config.preprocessing);
    }
  }
  const width = outputs === 'codes' ? model.heads * model.depth : model.dimension;
  const shape = [reader.tokens, width];
  const written = outputs === 'codes' ? 'int32' : 'float32';
  const columns = options.id === undefined ? [] : idColumns(opened.labels, textOf(opened), false);
  let rows: AsyncIterable<ArrayLike<number>> = made();
  if (outputs === 'codes' && !out.toLowerCase().endsWith('.npy')) {
    const measured = withDistances(rows, width, reader, (codes) => decoder.decode(codes));
    rows = measured.rows;
    columns.push(measured.column);
  }
  await writeEncoded(out, { name: outputs, shape, dtype: written, columns, rows });
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
