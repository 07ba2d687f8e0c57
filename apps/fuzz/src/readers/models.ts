import { modelFromBytes, modelToBytes, type DdclModel } from '@ddcl/core/fit';
import { hierarchyFromBytes, hierarchyToBytes, shardFromBytes, shardToBytes, type HierarchyModel } from '@ddcl/hier';
import { attentionFromBytes, attentionToBytes, headFromBytes, headToBytes } from '@ddcl/readout';
import {
  autoencoderFromBytes,
  autoencoderToBytes,
  createState,
  stateFromBytes,
  stateToBytes,
  type QuantizerSpec,
} from '@ddcl/vq';
// Not public: only a fit reads and writes them.
import {
  checkpointFromBytes,
  checkpointToBytes,
  type FitCheckpoint,
} from '../../../../packages/core/dist/fit/checkpoint.js';
import { networkShapes } from '../../../../packages/vq/dist/autoencoder/network.js';
import { mutateSafetensors } from '../inputs/mutate-safetensors.ts';
import { requireEqual, type Reader } from './reader.ts';
import { signed } from './sign.ts';

/** A reader of a model's file: what was read, written and read again must be the same. */
function modelReader<Model>(
  name: string,
  seeds: () => readonly Uint8Array[],
  fromBytes: (bytes: Uint8Array) => Model,
  toBytes: (model: Model) => Uint8Array,
): Reader {
  return {
    name,
    seeds,
    mutations: [mutateSafetensors, mutateSafetensors],
    finish: signed,
    read(bytes) {
      // In a Buffer, as files come from the disk, at any place in memory.
      const memory = Buffer.alloc(bytes.length + 3);
      memory.set(bytes, bytes.length % 4);
      const model = fromBytes(memory.subarray(bytes.length % 4, (bytes.length % 4) + bytes.length));
      requireEqual('written and read again', fromBytes(toBytes(model)), model);
    },
  };
}

const count = (length: number): Float64Array => Float64Array.from({ length }, (_, index) => (index % 7) / 4 - 0.5);

function model(dtype: DdclModel['dtype'], prototypes: number, dimension: number): DdclModel {
  return {
    count: prototypes,
    dimension,
    dtype,
    prototypes: count(prototypes * dimension),
    temperature: 0.5,
    criticalTemperature: 2,
    offset: count(dimension),
    scale: 1.5,
    totalVariance: 3,
  };
}

const specs: readonly QuantizerSpec[] = [
  { kind: 'vq', dimension: 4, codes: 3 },
  { kind: 'ddcl', dimension: 4, codes: 4, heads: 2, depth: 2, norm: 'scale' },
  { kind: 'fsq', dimension: 4, levels: [4, 3] },
  { kind: 'lfq', dimension: 3, codes: 4 },
  { kind: 'simvq', dimension: 2, codes: 3 },
  { kind: 'cosine', dimension: 2, codes: 3 },
];

function autoencoders(): Uint8Array[] {
  const sizes = { patch: 1, context: 1, channels: 1, hidden: 2, dimension: 2 };
  const layers = Object.entries(networkShapes(sizes)).map(([name, shape]) => [
    name,
    Float32Array.from(count(shape.reduce((product, size) => product * size, 1))),
  ]);
  const quantizer = createState({ kind: 'vq', dimension: 2, codes: 3 });
  return [
    autoencoderToBytes({
      sizes,
      pixels: { mean: 0.5, deviation: 0.25 },
      weights: Object.fromEntries(layers),
      quantizer,
    }),
  ];
}

function hierarchies(): Uint8Array[] {
  const single: HierarchyModel = {
    spec: { dimension: 2, levels: [{ prototypes: 3 }] },
    levels: [{ model: model('float32', 3, 2), masses: Float64Array.of(1, 2, 3) }],
    documents: 6,
    spareGain: 0.1,
  };
  const both: HierarchyModel = {
    spec: { dimension: 2, levels: [{ prototypes: 3, pass: { what: 'residuals', project: 4 } }, { prototypes: 2 }] },
    levels: [
      {
        model: model('float32', 3, 2),
        masses: Float64Array.of(1, 2, 3),
        projection: { mean: count(8), axes: Float32Array.from(count(32)) },
      },
      { model: model('float64', 2, 4), masses: Float64Array.of(4, 2) },
    ],
    documents: 6,
    spareGain: 0,
  };
  return [hierarchyToBytes(single), hierarchyToBytes(both)];
}

function hierarchyShards(): Uint8Array[] {
  const parts = (length: number): { high: Float64Array; low: Float64Array } => ({
    high: count(length),
    low: new Float64Array(length),
  });
  const level = { items: 5, pulls: parts(6), mass: parts(3), wins: parts(3), losses: parts(2) };
  return [
    shardToBytes({
      parent: '0123456789abcdef',
      content: 'fedcba9876543210',
      documents: 5,
      keys: Float64Array.of(3, 9),
      part: { number: 1, of: 2 },
      levels: [level],
    }),
  ];
}

function checkpoints(): Uint8Array[] {
  const quantities = {
    loss: { lq: 3, lols: 2, v: 1, hard: 1.5, defect: 1e-9 },
    separation: { mean: 2, min: 1 },
    entropy: 0.5,
    used: 3,
    distinct: 3,
    perplexity: 2.5,
  };
  const record = { restart: 0, step: 1, epoch: 1, temperature: 0.5, learningRate: 0.1, ...quantities };
  const during: FitCheckpoint = {
    identity: { prototypes: '3', seed: '1' },
    tokens: { tokens: '30', weight: '30' },
    restart: 0,
    step: 1,
    finished: [],
    history: [record as unknown as FitCheckpoint['history'][number]],
    stopping: { lq: null, isDone: false },
    best: undefined,
    dtype: 'float32',
    state: [Float32Array.from(count(6)), Float32Array.from(count(6)), Float32Array.from(count(3))],
    shape: [3, 2],
  };
  const between: FitCheckpoint = {
    ...during,
    restart: 1,
    step: 0,
    finished: [1.5],
    best: { restart: 0, hard: 1.5, prototypes: count(6) },
    state: [],
  };
  return [during, between].map(checkpointToBytes);
}

const readers: Reader[] = [
  modelReader(
    'model',
    () => [modelToBytes(model('float32', 3, 2)), modelToBytes(model('float64', 1, 5))],
    modelFromBytes,
    modelToBytes,
  ),
  modelReader(
    'head',
    () => [headToBytes({ weights: count(6), bias: count(3), classes: ['a', 'b"', ''] })],
    headFromBytes,
    headToBytes,
  ),
  modelReader(
    'attention',
    () =>
      [0, 2].map((hidden) =>
        attentionToBytes({
          dimension: 3,
          heads: 2,
          hidden,
          dtype: 'float32',
          frame: { offset: count(3), scale: 2 },
          queries: count(hidden === 0 ? 6 : 4),
          projection: count(3 * hidden),
          hiddenBias: count(hidden),
        }),
      ),
    attentionFromBytes,
    attentionToBytes,
  ),
  modelReader('checkpoint', checkpoints, checkpointFromBytes, checkpointToBytes),
  modelReader('quantizer', () => specs.map((spec) => stateToBytes(createState(spec))), stateFromBytes, stateToBytes),
  modelReader('autoencoder', autoencoders, autoencoderFromBytes, autoencoderToBytes),
  modelReader('hierarchy', hierarchies, hierarchyFromBytes, hierarchyToBytes),
  modelReader('hierarchy-shard', hierarchyShards, shardFromBytes, shardToBytes),
];
export default readers;
