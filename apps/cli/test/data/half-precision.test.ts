import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import {
  modelToBytes,
  tokensFromArray,
  tokensFromFloat16,
  tokensFromIterable,
  tokensFromReader,
  tokenStatistics,
  fit,
  type DdclModel,
} from '@ddcl/core/fit';
import { fromFloat16, toFloat16 } from '@ddcl/core/safetensors';
import { compressTokens, documentsFromArrays, principalMap, umapMap } from '@ddcl/hier';
import {
  batchesFromReader,
  maxSim,
  maxSimSearch,
  meanToken,
  normalizeVectors,
  packVectors,
  poolSequence,
  poolSequences,
  quantize,
  Readout,
  sequencesFromBatch,
  summaryVectors,
  trainAttentionPooling,
  trainHead,
  wardPool,
} from '@ddcl/readout';
import { createState, quantize as quantizeLatents } from '@ddcl/vq';
import { describe, expect, it } from 'vitest';

/*
 * fp16 models of ONNX Runtime give their vectors as the bits of half precision in a Uint16Array, and newer ones as a Float16Array. Whatever takes vectors
 * must not take those for whole numbers.
 */

const backend = cpuBackend();
const bits = toFloat16(Float32Array.from({ length: 24 }, (_, index) => Math.sin(index)));
const model: DdclModel = {
  count: 2,
  dimension: 4,
  dtype: 'float32',
  prototypes: Float64Array.from({ length: 8 }, (_, index) => index % 3),
  temperature: 1,
  criticalTemperature: 4,
  offset: new Float64Array(4),
  scale: 1,
  totalVariance: 4,
};
const readout = Readout.fromBytes(modelToBytes(model), { backend });
const batch = (data: never): { data: never; shape: number[] } => ({ data, shape: [6, 4] });
/** Of a caller's own. */
const reader = (data: never): Parameters<typeof meanToken>[0] => ({
  dimension: 4,
  sequences: 1,
  lengths: Int32Array.of(6),
  read: async () => ({ data, rows: 6 }),
});
const source = (data: never): Parameters<typeof fit>[1] =>
  tokensFromIterable({
    dimension: 4,
    async *open() {
      yield { data, rows: 6 };
    },
  });
const drain = async (items: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of items);
};

const entries: readonly [string, (data: never) => unknown][] = [
  ['tokensFromArray', (data) => tokensFromArray(data, 4)],
  ['weights of tokensFromArray', (data) => tokensFromArray(new Float32Array(96), 4, data)],
  ['a source of its own, fitted', (data) => fit(backend, source(data), { prototypes: 2, steps: 2 })],
  [
    'a reader of its own, fitted',
    (data) =>
      fit(backend, tokensFromReader({ dimension: 4, tokens: 6, read: async () => ({ data, rows: 6 }) }), {
        prototypes: 2,
        steps: 2,
      }),
  ],
  ['toFloat16', (data) => toFloat16(data)],
  ['Readout.fit', (data) => Readout.fit(batch(data), { backend, prototypes: 2, steps: 2 })],
  ['Readout.fit of a list', (data) => Readout.fit([batch(data)], { backend, prototypes: 2, steps: 2 })],
  ['Readout.fit of a stream', (data) => Readout.fit([batch(data)].values(), { backend, prototypes: 2, steps: 2 })],
  ['Readout.encode', (data) => readout.encode(batch(data))],
  ['Readout.encode of a stream', (data) => readout.encode([batch(data)].values())],
  ['Readout.partialFit', (data) => readout.partialFit(batch(data))],
  ['sequencesFromBatch', (data) => sequencesFromBatch(batch(data))],
  ['batchesFromReader', (data) => drain(batchesFromReader(reader(data)))],
  ['meanToken', (data) => meanToken(reader(data))],
  ['poolSequence', (data) => poolSequence('mean', data, 6, 4)],
  ['poolSequences', (data) => poolSequences(reader(data), 'mean')],
  [
    'trainHead',
    (data) =>
      trainHead(backend, { ...reader(data), sequences: 2, lengths: Int32Array.of(6, 6) }, ['a', 'b'], {
        model,
        epochs: 1,
        validationShare: 0,
      }),
  ],
  [
    'trainAttentionPooling',
    (data) =>
      trainAttentionPooling(backend, { ...reader(data), sequences: 2, lengths: Int32Array.of(6, 6) }, ['a', 'b'], {
        epochs: 1,
      }),
  ],
  ['wardPool', (data) => wardPool(data, 4, 2)],
  ['maxSim', (data) => maxSim(data, new Float32Array(4), 4)],
  ['packVectors', (data) => packVectors([data], 4)],
  [
    'maxSimSearch',
    (data) => maxSimSearch(backend, { data, offsets: [0, 6], dimension: 4 }, packVectors([new Float32Array(4)], 4), 1),
  ],
  ['summaryVectors', (data) => summaryVectors({ summaries: data, occupancy: [1, 1, 1, 1, 1, 1] }, 2)],
  ['normalizeVectors', (data) => normalizeVectors(data, 4)],
  ['quantize', (data) => quantize(data, [6, 4], 'int8')],
  [
    'quantize of vq',
    (data) => quantizeLatents(backend, createState({ kind: 'ema', dimension: 4, codes: 2 } as never), batch(data)),
  ],
  ['documentsFromArrays', (data) => documentsFromArrays({ data, dimension: 4 })],
  ['compressTokens', (data) => compressTokens(backend, data, 4, 2)],
  ['principalMap', (data) => principalMap(data, 4)],
  ['umapMap', (data) => umapMap((() => {}) as never, data, 4, { topics: [] as never })],
];

describe.each(entries)('%s', (_, run) => {
  it('takes no bits of half precision for numbers, and no list', async () => {
    await expect((async () => run(bits as never))()).rejects.toMatchObject({
      code: 'dtype',
      message: expect.stringMatching(
        / must be a Float32Array or a Float64Array, but came as Uint16Array\. If they are half precision, fromFloat16 of @ddcl\/core\/safetensors gives their numbers\.$/,
      ),
    });
    await expect((async () => run([...fromFloat16(bits)] as never))()).rejects.toMatchObject({
      code: 'dtype',
      message: expect.stringMatching(/ but came as Array\. Float32Array\.from makes one of a list of numbers\.$/),
    });
  });
});

it('bits are what tokensFromFloat16 and fromFloat16 take, and nothing else', () => {
  for (const run of [(data: never) => tokensFromFloat16(data, 4), (data: never) => fromFloat16(data)]) {
    expect(() => run(new Float32Array(24) as never)).toThrow(
      /must be the bits of half precision in a Uint16Array, but came as Float32Array\. toFloat16 of @ddcl\/core\/safetensors makes them\.$/,
    );
  }
});

it('statistics of a source of halves are those of their numbers', async () => {
  const options = { random: createRandom(1), sampleSize: 4 };
  const halves = await tokenStatistics(tokensFromReader(tokensFromFloat16(bits, 4)), options);
  const floats = await tokenStatistics(tokensFromReader(tokensFromArray(fromFloat16(bits), 4)), options);
  expect(halves.totalVariance).toBeCloseTo(floats.totalVariance, 12);
});
