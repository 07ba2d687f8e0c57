import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Backend } from '@ddcl/core/backend';
import {
  decodeImages,
  encodeImages,
  trainAutoencoder,
  type AutoencoderOptions,
  type Images,
  type QuantizerSpec,
} from '@ddcl/vq';

/** A quantizer in the comparison: its spec and what it wants beside it. */
export interface Contestant {
  readonly name: string;
  readonly spec: (codes: number) => QuantizerSpec;
  readonly options?: (codes: number) => Partial<AutoencoderOptions>;
}

const latents = 16;
const fsqLevels: Readonly<Record<number, readonly number[]>> = { 64: [4, 4, 4], 1024: [8, 8, 4, 4] };

/** One budget and one network for all; kinds that round components have as many latents as they need. */
export const contestants: readonly Contestant[] = [
  {
    name: 'ddcl',
    spec: (codes) => ({ kind: 'ddcl', dimension: latents, codes }),
    options: (codes) => ({
      schedule: { warmUp: 1 / 30, start: codes > 256 ? 0.02 : 0.05, end: 0.001 },
      codeRate: codes > 256 ? 0.02 : 0.05,
    }),
  },
  {
    name: 'ema, revival',
    spec: (codes) => ({ kind: 'ema', dimension: latents, codes, reviveBelow: 0.1 }),
  },
  { name: 'ema', spec: (codes) => ({ kind: 'ema', dimension: latents, codes }) },
  {
    name: 'rotation, revival',
    spec: (codes) => ({ kind: 'rotation', dimension: latents, codes, reviveBelow: 0.1 }),
  },
  { name: 'vq', spec: (codes) => ({ kind: 'vq', dimension: latents, codes }), options: () => ({ codeRate: 1e-3 }) },
  { name: 'simvq', spec: (codes) => ({ kind: 'simvq', dimension: latents, codes }) },
  {
    name: 'cosine, revival',
    spec: (codes) => ({ kind: 'cosine', dimension: latents, codes, reviveBelow: 0.1 }),
  },
  {
    name: 'fsq',
    spec: (codes) => ({ kind: 'fsq', dimension: fsqLevels[codes]!.length, levels: fsqLevels[codes]! }),
  },
  { name: 'lfq', spec: (codes) => ({ kind: 'lfq', dimension: Math.log2(codes), codes }) },
  { name: 'gumbel', spec: (codes) => ({ kind: 'gumbel', dimension: latents, codes }) },
  { name: 'smoothed', spec: (codes) => ({ kind: 'smoothed', dimension: latents, codes }) },
];

/** One training. */
export interface CodebookRun {
  readonly name: string;
  readonly codes: number;
  readonly context: number;
  readonly seed: number;
  /** By epoch: mean squared errors of pixels in 0..1, and use of codes, on the images held out. */
  readonly epochs: readonly {
    readonly hard: number;
    readonly soft?: number;
    readonly use: number;
    readonly perplexity: number;
  }[];
  /** Of processor time. */
  readonly seconds: number;
  /** The first images held out, rebuilt from codes: bytes in base64, [8, 32, 32, 3]. */
  readonly pictures: string;
}

export const pictureCount = 8;
export const epochs = 20;
export const stepsPerEpoch = 150;
const held = 1000;

/** CIFAR-10's exact images: all but the last 1,000 to train on, those to hold out. */
export function readCifar(file: string): { readonly train: Images; readonly holdOut: Images } {
  const raw = gunzipSync(readFileSync(file));
  const record = 1 + 3072;
  const count = raw.length / record;
  const images = (from: number, to: number): Images => {
    const data = new Uint8Array((to - from) * 3072);
    for (let image = from; image < to; image++) {
      for (let pixel = 0; pixel < 1024; pixel++) {
        for (let channel = 0; channel < 3; channel++)
          data[(image - from) * 3072 + pixel * 3 + channel] = raw[image * record + 1 + channel * 1024 + pixel]!;
      }
    }
    return { data, shape: [to - from, 32, 32, 3] };
  };
  return { train: images(0, count - held), holdOut: images(count - held, count) };
}

export const firstPictures = ({ data }: Images): Images => ({
  data: (data as Uint8Array).subarray(0, pictureCount * 3072),
  shape: [pictureCount, 32, 32, 3],
});

/** What is asked for. */
export interface RunPlan {
  readonly names: readonly string[];
  readonly codes: readonly number[];
  readonly contexts: readonly number[];
  readonly seeds: number;
  readonly cache: string;
}

export const readRuns = (cache: string): CodebookRun[] =>
  existsSync(cache)
    ? readFileSync(cache, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as CodebookRun)
    : [];

/** Trains what the cache does not have, seed by seed, and adds it there. */
export async function runCodebooks(
  backend: Backend,
  { train, holdOut }: ReturnType<typeof readCifar>,
  { names, codes, contexts, seeds, cache }: RunPlan,
  progress: (text: string) => void,
): Promise<readonly CodebookRun[]> {
  for (const size of codes) {
    for (const context of contexts) {
      for (let seed = 0; seed < seeds; seed++) {
        for (const contestant of contestants.filter(({ name }) => names.includes(name))) {
          const { name } = contestant;
          const isKnown = readRuns(cache).some(
            (run) => run.name === name && run.codes === size && run.context === context && run.seed === seed,
          );
          if (isKnown) continue;
          const start = process.cpuUsage();
          const { model, history } = await trainAutoencoder(backend, train, {
            quantizer: contestant.spec(size),
            ...contestant.options?.(size),
            context,
            epochs,
            stepsPerEpoch,
            seed,
            holdOut,
          });
          const rebuilt = await decodeImages(
            backend,
            model,
            await encodeImages(backend, model, firstPictures(holdOut)),
          );
          const { user, system } = process.cpuUsage(start);
          const run: CodebookRun = {
            name,
            codes: size,
            context,
            seed,
            epochs: history.map(({ hard, soft, use: { use, perplexity } }) => ({
              hard,
              ...(soft !== undefined && { soft }),
              use,
              perplexity,
            })),
            seconds: (user + system) / 1e6,
            pictures: Buffer.from(Uint8Array.from(rebuilt.data, (value) => Math.round(255 * value))).toString('base64'),
          };
          appendFileSync(cache, `${JSON.stringify(run)}\n`);
          const last = run.epochs.at(-1)!;
          progress(
            `${name}, K = ${size}, context ${context}, seed ${seed}: ${(1000 * last.hard).toFixed(3)}, use ${run.epochs[0]!.use.toFixed(3)} to ${last.use.toFixed(3)}, ${run.seconds.toFixed(0)} s`,
          );
        }
      }
    }
  }
  return readRuns(cache);
}
