import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { formatCompareTable, summariseRow } from '@ddcl/cli/dist/compare/format-table.js';
import { FinishedRows } from '@ddcl/cli/dist/compare/finished-rows.js';
import { readConfig } from '@ddcl/cli/dist/model-folder/model-folder.js';
import { findTokenShards, openTokenShards } from '@ddcl/cli/dist/token-shards/open-token-shards.js';
import { metadataTexts } from '@ddcl/cli/dist/token-shards/shard-format.js';
import { writeSafetensors, type SafetensorsTensor } from '@ddcl/core/safetensors';
import { mutateJson } from '../inputs/mutate-json.ts';
import { mutateSafetensors } from '../inputs/mutate-safetensors.ts';
import { mutateText } from '../inputs/mutate-text.ts';
import { requireEqual, ReadsDifferently, type Reader } from './reader.ts';
import { temporaryFile } from './temporary-file.ts';

const record = {
  encoder: 'name/of-it',
  hash: '0123456789abcdef'.repeat(4),
  dtype: 'fp32',
  maxTokens: 64,
  dropSpecial: false,
  textField: null,
  stripHtml: false,
  dimension: 2,
} as const;

const config = {
  format: 'ddcl.config',
  formatVersion: 1,
  command: 'ddcl fit x.npy --prototypes 2',
  data: { columns: ['a', 'b'], tensor: null, tokens: 4, fingerprint: 'ab' },
  text: { encoder: record, documents: 'tokens' },
  preprocessing: { standardize: { mean: [0, 1], deviation: [1, 2] }, normalize: false },
  fit: { prototypes: 2, temperature: 'auto', anneal: true, seed: null },
  identity: { prototypes: '2', seed: '0' },
  measures: { lq: 1, loss: { hard: 2 }, size: [8, 8, 1] },
  versions: { ddcl: '0.0.0', node: 'v22' },
};

function shardSeeds(): Uint8Array[] {
  const tokens: SafetensorsTensor = {
    dtype: 'F16',
    shape: [3, 2],
    data: Uint16Array.of(0, 0x3c00, 0x4000, 0xbc00, 1, 2),
  };
  const wide: SafetensorsTensor = { dtype: 'F32', shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const offsets: SafetensorsTensor = { dtype: 'I64', shape: [3], data: BigInt64Array.of(0n, 1n, 3n) };
  const labels: SafetensorsTensor = { dtype: 'I32', shape: [2], data: Int32Array.of(0, 1) };
  const counts = { documents: 2, tokens: 3, truncated: 0, empty: 0 };
  const about = { shard: 0, last: true, encoder: record, counts };
  const write = (
    tensors: Readonly<Record<string, SafetensorsTensor>>,
    labelNames: string[] | undefined,
  ): Uint8Array => {
    const hash = createHash('sha256');
    for (const { data } of [tensors['tokens']!, offsets, ...(labelNames === undefined ? [] : [labels])])
      hash.update(new Uint8Array(data.buffer));
    const dtype = tensors['tokens']!.dtype === 'F16' ? 'float16' : 'float32';
    hash.update(JSON.stringify([record.dimension, dtype, labelNames ?? null]));
    return writeSafetensors(
      new Map(Object.entries(tensors)),
      metadataTexts({ ...about, sha256: hash.digest('hex'), labelNames }),
    );
  };
  return [write({ tokens, offsets, labels }, ['x', 'y']), write({ tokens: wide, offsets }, undefined)];
}

const comparison = { data: 'ab', seeds: 2 };
const rows = [
  { ddclCompare: 3, ...comparison },
  {
    unit: 'mean',
    cells: [
      {
        row: { readout: 'mean', prototypes: null, vectors: null, temperatureShare: null, numbers: 4 },
        scores: {
          seed: 0,
          accuracy: 0.5,
          validationAccuracy: null,
          clustering: { accuracy: 0.5, mutualInformation: 0.1, adjustedRand: -0.01 },
          retrieval: { ndcg10: 0.5, precision10: 0.25, meanAveragePrecision: 0.75 },
          microsecondsPerDocument: 3,
        },
      },
      {
        row: { readout: 'summaries', prototypes: 8, vectors: 2, temperatureShare: 0.5, numbers: 64 },
        scores: {
          seed: 1,
          accuracy: null,
          validationAccuracy: 0.5,
          clustering: null,
          retrieval: null,
          microsecondsPerDocument: 3,
          form: { withMean: true, shrinkage: 0.5, occupancyPower: 1 },
        },
      },
    ],
  },
];

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

const readers: Reader[] = [
  {
    name: 'config.json',
    seeds: () => [bytesOf(JSON.stringify(config, null, 2)), bytesOf(JSON.stringify({ ...config, text: undefined }))],
    mutations: [mutateJson, mutateJson, mutateText],
    async read(bytes) {
      const path = temporaryFile('config/config.json', bytes);
      const read = await readConfig(dirname(path));
      // What commands take of it without looking again.
      const { data, preprocessing, text, fit } = read!;
      const { standardize, normalize } = preprocessing;
      const isRight =
        (data.columns === null || data.columns.every((name) => typeof name === 'string')) &&
        (data.tensor === null || typeof data.tensor === 'string') &&
        Number.isSafeInteger(data.tokens) &&
        (standardize === null || standardize.deviation.every((value) => value > 0)) &&
        typeof normalize === 'boolean' &&
        (text === undefined || text.encoder.dimension > 0) &&
        Object.values(fit).every((value) => typeof value !== 'object' || value === null);
      if (!isRight) throw new ReadsDifferently(`of a config: ${JSON.stringify(read).slice(0, 400)}`);
    },
  },
  {
    name: 'token-shards',
    seeds: shardSeeds,
    mutations: [mutateSafetensors, mutateSafetensors],
    async read(bytes) {
      const path = temporaryFile('shards/tokens-00000.safetensors', bytes);
      const files = await findTokenShards([dirname(path)]);
      const opened = await openTokenShards(files!, true);
      try {
        const { reader, sequences, offsets, labels, counts } = opened;
        const { rows } = await reader.read(0, reader.tokens);
        requireEqual('tokens', rows, reader.tokens);
        for (let index = 0; index < sequences.sequences; index++) await sequences.read(index);
        requireEqual('documents', [offsets.length - 1, reader.tokens], [counts.documents, counts.tokens]);
        if (labels !== undefined) requireEqual('labels', labels.length, counts.documents);
      } finally {
        await opened.close();
      }
    },
  },
  {
    name: 'finished-rows',
    seeds: () => [bytesOf(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))],
    mutations: [mutateJson, mutateText],
    async read(bytes) {
      const path = temporaryFile('rows.jsonl', bytes);
      const finished = await FinishedRows.open(path, comparison);
      await finished.unit('mean', async () => {});
      const table = formatCompareTable(finished.rows().map((row) => summariseRow(row, 10)));
      if (/NaN|undefined|object/.test(table.replaceAll(/^\| [^|]*/gm, '')))
        throw new ReadsDifferently(`of a table: ${table}`);
    },
  },
];
export default readers;
