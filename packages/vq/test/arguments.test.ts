import { readFileSync } from 'node:fs';
import { cpuBackend } from '@ddcl/backend-cpu';
import { f32, isDdclError, reshape, sum, trace, type Tensor } from '@ddcl/core';
import { expect, it } from 'vitest';
import * as vq from '../src/index.ts';
import { stripes } from './autoencoder/images.ts';
import { normals, sourceOf } from './kinds.ts';

/*
 * Every public function, called with what it takes and then with something else in the place of each argument and of each of their fields:
 * it must throw a DdclError that is one sentence after the other, never a TypeError, and never take it.
 */

const backend = cpuBackend();
const spec: vq.QuantizerSpec = { kind: 'ema', dimension: 4, codes: 4 };
const state = vq.createState(spec);
const data = normals(80, 1);
const latents: vq.Latents = { data, shape: [20, 4], channelAxis: -1, weights: new Float32Array(20).fill(1) };
const images = stripes(12, 3);
const training = {
  quantizer: { kind: 'ema', dimension: 3, codes: 4 },
  hidden: 4,
  epochs: 1,
  stepsPerEpoch: 1,
  batch: 4,
} as const;
const { model } = await vq.trainAutoencoder(backend, images, training);
const part = vq.quantizerPart(state);
const source = sourceOf(data, 4);
const schedule = { warmUp: 0, start: 0.05, end: 0.001, coolOver: 0.7, noise: 1, tauStart: 1, tauEnd: 0.05 };

async function* indexBlocks(): AsyncGenerator<number[]> {
  yield [0, 1];
}

const functions = new Map<string, unknown>(Object.entries(vq));

/** Values that nothing takes. */
const nothing = (): unknown => undefined;
const wrong: readonly unknown[] = [null, 'text', -1.5, NaN, true, Symbol('x'), nothing, [null]];

interface Call {
  /** What is called, where it is not the function alone. */
  readonly through?: (...given: never[]) => unknown;
  readonly given: readonly unknown[];
  /** By place, such as `2.seed`: those of the wrong values that are right there; `all` where what is there is not looked at. */
  readonly free?: Readonly<Record<string, readonly unknown[] | 'all'>>;
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** A tensor of the trace where nothing wrong was given. */
const or = <T>(given: T | undefined, own: T): T => (given === undefined ? own : given);

/** In a trace of [4, 2] and [4, 2]. */
const traced = (run: (a: Tensor, b: Tensor) => unknown): void => {
  trace(
    [f32(4, 2), f32(4, 2)],
    (a, b) => {
      run(a!, b!);
      return [a!];
    },
    'arguments',
  );
};

/** The mean of pixels may be below 0. */
const mean = (at: number): NonNullable<Call['free']> => ({ [`${at}.pixels.mean`]: [-1.5] });

const calls: Readonly<Record<string, Call>> = {
  autoencoderChecksum: { given: [model], free: mean(0) },
  autoencoderFromBytes: { given: [vq.autoencoderToBytes(model)] },
  autoencoderToBytes: { given: [model], free: mean(0) },
  codebookChecksum: { given: [state] },
  createCodeCounter: {
    given: [part.spec],
    free: Object.fromEntries(
      Object.keys(part.spec)
        .filter((name) => !['heads', 'depth', 'codes'].includes(name))
        .map((name) => [`0.${name}`, 'all']),
    ),
  },
  createCodeSearch: { given: [state, [0, 1, 2]] },
  createDecoder: { given: [state] },
  createEvaluator: { given: [backend, model, images], free: mean(1) },
  createState: { given: [spec, { seed: 0 }] },
  decode: { given: [state, [0, 1], { places: [2], channelAxis: -1, weights: [1, 1], levels: 1 }] },
  decodeCodes: {
    through: async (...given: [never, never, never]) => {
      for await (const _ of vq.decodeCodes(...given)) break;
    },
    given: [backend, state, { [Symbol.asyncIterator]: () => indexBlocks() }],
  },
  decodeImages: { given: [backend, model, { indices: new Int32Array(4), shape: [1, 2, 2, 1] }], free: mean(1) },
  decoderProgram: { given: [state, 3, (x: Tensor) => x], free: { 1: ['text'] } },
  encodeCodes: {
    through: async (...given: [never, never, never]) => {
      for await (const _ of vq.encodeCodes(...given)) break;
    },
    given: [backend, state, source],
  },
  encodeImages: { given: [backend, model, images], free: mean(1) },
  encoderProgram: { given: [state, 3, (x: Tensor) => x], free: { 1: ['text'], 2: [nothing] } },
  fitQuantizer: {
    given: [
      backend,
      source,
      spec,
      {
        steps: 1,
        batch: 8,
        codeRate: 0.1,
        learningRate: 0.1,
        schedule,
        start: 'k-means',
        iterations: 2,
        sample: 50,
        seed: 0,
      },
    ],
  },
  imageEncoderProgram: { given: [model, [8, 8]], free: mean(0) },
  initialize: { given: [backend, spec, source, { start: 'tokens', iterations: 2, sample: 50, seed: 0 }] },
  packIndices: { given: [[0, 1], [4], '0123456789abcdef'] },
  packedHeader: { given: [[4], 2, '0123456789abcdef'] },
  packedLength: { given: [[4], 2] },
  quantize: { given: [backend, state, latents] },
  quantizerPart: { given: [state, { prefix: 'q.' }], free: { '1.prefix': ['text'] } },
  readPackedHeader: { given: [vq.packIndices([0], [4])] },
  resolveSpec: {
    given: [
      {
        ...spec,
        kind: 'gumbel',
        heads: 2,
        sharedHeads: false,
        depth: 1,
        decay: 0.5,
        commitment: 1,
        codeWeight: 1,
        norm: 'none',
        projection: 'learned',
        frozen: false,
        hardOutput: true,
        reviveBelow: 0,
      },
    ],
  },
  rotateTo: {
    through: (a?: Tensor, b?: Tensor) => traced((x, y) => vq.rotateTo(or(a, x), or(b, y))),
    given: [undefined, undefined],
  },
  scaleNorm: {
    through: (...[z, column, running, momentum]: [Tensor?, Tensor?, vq.ScaleStatistics?, number?]) =>
      traced((x) => {
        const statistics = { mean: sum(x, [0]), variance: sum(x) };
        vq.scaleNorm(or(z, x), or(column, reshape(sum(x, [1]), [4, 1])), or(running, statistics), momentum);
      }),
    given: [undefined, undefined, undefined, 0.1],
  },
  stateFromBytes: { given: [vq.stateToBytes(state)] },
  stateToBytes: { given: [state] },
  straightThrough: {
    through: (a?: Tensor, b?: Tensor) => traced((x, y) => vq.straightThrough(or(a, x), or(b, y))),
    given: [undefined, undefined],
  },
  topCodes: { given: [backend, state, latents, 2] },
  trainAutoencoder: {
    given: [
      backend,
      images,
      { ...training, patch: 4, context: 1, learningRate: 0.1, codeRate: 0.1, schedule, start: 'k-means', seed: 0 },
    ],
  },
  unpackIndices: { given: [vq.packIndices([0], [4])] },
  update: { given: [backend, state, latents, { progress: 1, seed: 0, ...schedule }] },
};

/** Argument lists with one wrong value each, with the place where it is. */
function* changes(given: readonly unknown[]): Generator<[place: string, value: unknown, given: unknown[]]> {
  for (const [index, argument] of given.entries()) {
    const put = (value: unknown): unknown[] => given.map((each, at) => (at === index ? value : each));
    for (const value of wrong) yield [String(index), value, put(value)];
    // Methods of backends and sources are theirs.
    if (!isPlain(argument) || Object.values(argument).some((each) => typeof each === 'function')) continue;
    for (const [name, field] of Object.entries(argument)) {
      for (const value of wrong) {
        if (typeof field === 'boolean' && value === true) continue;
        yield [`${index}.${name}`, value, put({ ...argument, [name]: value })];
      }
      if (!isPlain(field)) continue;
      for (const inner of Object.keys(field))
        for (const value of wrong)
          yield [`${index}.${name}.${inner}`, value, put({ ...argument, [name]: { ...field, [inner]: value } })];
    }
  }
}

it('has all public functions in its table', () => {
  const surface = readFileSync(new URL('../../../docs/surface/vq.txt', import.meta.url), 'utf8');
  const functions = Array.from(surface.matchAll(/^function (\w+)/gm), ([, name]) => name!);
  expect(Object.keys(calls).sort()).toEqual(functions.sort());
});

it.each(Object.entries(calls))('%s', async (name, { given, free = {}, through }) => {
  const run = (through ?? functions.get(name)) as (...args: unknown[]) => unknown;
  await run(...given);
  const taken: string[] = [];
  for (const [place, value, args] of changes(given)) {
    const right = free[place] ?? [];
    if (right === 'all' || right.includes(value)) continue;
    const what = `${name} with ${String(value)} (${typeof value}) at ${place}`;
    try {
      await run(...args);
      taken.push(`${what}: taken`);
    } catch (error) {
      if (!isDdclError(error)) taken.push(`${what}: ${String(error).slice(0, 100)}`);
      else if (/[^.\d]\.\.(?![.\d])|undefined|\[object/.test(error.message)) taken.push(`${what}: ${error.message}`);
    }
  }
  expect(taken).toEqual([]);
});
