import { join } from 'node:path';
import {
  autoencoderToBytes,
  decodeImages,
  encodeImages,
  resolveSpec,
  trainAutoencoder,
  type Autoencoder,
  type AutoencoderEpoch,
  type AutoencoderOptions,
  type ImageCodes,
  type Images,
} from '@ddcl/vq';
import type { Backend } from '@ddcl/core/backend';
import { usageError } from '../output/usage-error.ts';
import type { OpenImages } from '../images/open-images.ts';
import { configFormatVersion, modelFiles, type ModelConfig } from '../model-folder/model-folder.ts';
import { short } from '../measures/measures.ts';
import type { Progress } from '../output/progress.ts';
import { version } from '../output/version.ts';
import { writeWhole } from '../output/write-file.ts';
import { bytesPerVector, codesOf } from './codes-file.ts';

/** Training of an autoencoder, from images in memory to files in a folder. */
export interface AutoencoderRun {
  readonly backend: Backend;
  readonly images: OpenImages;
  readonly options: Pick<
    AutoencoderOptions,
    'quantizer' | 'patch' | 'context' | 'hidden' | 'epochs' | 'stepsPerEpoch' | 'batch' | 'seed'
  >;
  readonly command: string;
  readonly out: string;
  readonly title: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Since the command began. */
  readonly seconds: () => number;
}

/** What `ddcl vq train --json` prints; docs/cli.md explains each key. */
export interface AutoencoderMeasures extends Omit<AutoencoderEpoch, 'use' | 'epoch'> {
  readonly backend: string;
  /** That it learned from, and that were held out. */
  readonly images: number;
  readonly heldOut: number;
  /** Height, width and channels. */
  readonly size: readonly number[];
  readonly codes: number;
  readonly bytesPerImage: number;
  readonly use: number;
  readonly deadCount: number;
  readonly perplexity: number;
  readonly seconds: number;
}

/** Images held out: a tenth, at most this many. */
const mostHeldOut = 500;
/** Pairs of pictures on the page. */
const mostShown = 16;
/** Codes of a codebook that is drawn. */
const mostDrawn = 4096;

/** Trains, then writes `history.jsonl`, `report.html`, `config.json` and last `autoencoder.safetensors`, with which the folder is whole. */
export async function trainFolder(run: AutoencoderRun): Promise<AutoencoderMeasures> {
  const { backend, images, options, out, progress, signal } = run;
  const [count, ...size] = images.shape;
  const heldOut = Math.min(mostHeldOut, Math.floor(count / 10));
  if (heldOut < 1)
    throw usageError(`A tenth of the images is held out, but there are only ${count}. Give at least 10.`);
  const holdOut = cut(images, count - heldOut, count);
  const epochs: { last?: AutoencoderEpoch } = {};
  const { model, history } = await trainAutoencoder(backend, cut(images, 0, count - heldOut), {
    ...options,
    holdOut,
    signal,
    onProgress: (done) =>
      progress.show({
        phase: 'training',
        done: Math.floor(100 * done),
        total: 100,
        unit: 'parts',
        detail: epochs.last && `error ${short(epochs.last.hard)}`,
      }),
    onEpoch: (record) => void (epochs.last = record),
  });
  const { use, epoch: _epoch, ...figures } = history.at(-1)!;
  const spec = resolveSpec(model.quantizer.spec);
  const { patch } = model.sizes;
  const originals = cut(holdOut, 0, Math.min(mostShown, heldOut));
  const codes = await encodeImages(backend, model, originals);
  const measures: AutoencoderMeasures = {
    backend: backend.name,
    images: count - heldOut,
    heldOut,
    size,
    codes: spec.codes,
    bytesPerImage: (bytesPerVector(codesOf(spec)) * size[0]! * size[1]!) / patch ** 2,
    ...figures,
    use: use.use,
    deadCount: use.deadCount,
    perplexity: use.perplexity,
    seconds: run.seconds(),
  };
  const { seconds: _seconds, ...stored } = measures;
  const { quantizer, ...settings } = options;
  const config: ModelConfig = {
    format: 'ddcl.config',
    formatVersion: configFormatVersion,
    command: run.command,
    data: { columns: null, tensor: null, tokens: count, fingerprint: images.fingerprint },
    preprocessing: { standardize: null, normalize: false },
    fit: { ...plain(quantizer), ...plain(settings), ...plain(model.sizes), backend: backend.name },
    measures: { ...stored },
    versions: { ddcl: version, node: process.version },
  };
  // The plotting library takes half a second to load.
  const { renderAutoencoder } = await import('../report/autoencoder-report.ts');
  const page = renderAutoencoder({
    title: run.title,
    about: formatAutoencoder(measures),
    history,
    originals,
    reconstructions: await decodeImages(backend, model, codes),
    codebook: await codebookPicture(backend, model),
    settings: Object.entries(config.fit).map(([name, value]) => [name, String(value)]),
    command: run.command,
    versions: config.versions,
  });
  await writeWhole(join(out, modelFiles.history), history.map((record) => `${JSON.stringify(record)}\n`).join(''));
  await writeWhole(join(out, modelFiles.report), page);
  await writeWhole(join(out, modelFiles.config), `${JSON.stringify(config, null, 2)}\n`);
  await writeWhole(join(out, modelFiles.autoencoder), autoencoderToBytes(model));
  return measures;
}

const plain = (options: object): Record<string, string | number | boolean> =>
  Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]: [string, unknown]) => [name, typeof value === 'number' ? value : String(value)]),
  );

/** Some of the images. */
function cut<Pixels extends Uint8Array | Float32Array>(
  { data, shape }: { readonly data: Pixels; readonly shape: Images['shape'] },
  first: number,
  end: number,
): { readonly data: Pixels; readonly shape: Images['shape'] } {
  const [, height, width, channels] = shape;
  const size = height * width * channels;
  return { data: data.subarray(first * size, end * size) as Pixels, shape: [end - first, height, width, channels] };
}

/** An image whose blocks are the codes in order, 16 or more a row; those after the last are the first again. */
async function codebookPicture(backend: Backend, model: Autoencoder): Promise<Images | undefined> {
  const { codes, heads, depth } = resolveSpec(model.quantizer.spec);
  if (heads * depth > 1 || codes > mostDrawn) return undefined;
  const { context } = model.sizes;
  const across = Math.max(16, Math.ceil(Math.sqrt(codes)));
  const [rows, columns] = [Math.ceil(codes / across) * context, across * context];
  const indices = Int32Array.from({ length: rows * columns }, (_, place) => {
    const [row, column] = [Math.floor(place / columns / context), Math.floor((place % columns) / context)];
    return (row * across + column) % codes;
  });
  return decodeImages(backend, model, { indices, shape: [1, rows, columns, 1] } satisfies ImageCodes);
}

/** Names and values of the measures for people. */
export function formatAutoencoder(measures: AutoencoderMeasures): [string, string][] {
  const { size, soft, temperatureShare } = measures;
  return [
    [
      'images',
      `${measures.images} of ${size.join(' x ')}, ${measures.heldOut} more held out, backend ${measures.backend}`,
    ],
    ['codes', `${measures.codes}: ${measures.bytesPerImage} bytes an image`],
    [
      'error',
      `${short(measures.hard)} held out${soft === undefined ? '' : `, of mixtures ${short(soft)}`}, training ${short(measures.train)}`,
    ],
    [
      'codes used',
      `${short(100 * measures.use)} %, ${measures.deadCount} dead, perplexity ${short(measures.perplexity)} of ${measures.codes}`,
    ],
    ...(temperatureShare === undefined ? [] : [['T / T_c', short(temperatureShare)] as [string, string]]),
    ['seconds', short(measures.seconds)],
  ];
}
