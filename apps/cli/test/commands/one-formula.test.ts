import { readFileSync } from 'node:fs';
import { cpuBackend } from '@ddcl/backend-cpu';
import { programToOnnx } from '@ddcl/backend-ort';
import { createRandom, tensorType, trace } from '@ddcl/core';
import type { ConcreteType, TypedArray } from '@ddcl/core/backend';
import {
  modelFromBytes,
  modelToBytes,
  readoutProgram,
  residualFloor,
  segmentOutputs,
  type DdclModel,
  type SegmentOutput,
} from '@ddcl/core/fit';
import { Readout, sequencesFromBatch, type TokenBatch } from '@ddcl/readout';
import * as ort from 'onnxruntime-node';
import { beforeAll, expect, it } from 'vitest';
import { DocumentBatches } from '../../../../packages/readout/src/head/document-batch.ts';
import type { HeadOutput } from '../../../../packages/readout/src/head/readout-features.ts';
import { readoutPart } from '../../../../packages/readout/src/head/readout-part.ts';
import { readNpy } from '../../src/data/npy-reader.ts';
import { ddcl, npy, succeed, testFolder } from './support.ts';

/* One formula: whoever reads sequences out gets the same numbers, and those of the definition. */

const folder = testFolder();
const [m, K] = [5, 3];
/** Tokens of each document: none, one, some, and more than fit into one row of a program. */
const lengths = [4, 1, 0, 9, 530, 2];
const longest = Math.max(...lengths);
const random = createRandom(12);
/** Far from 0, so that the offset comes off. */
const documents = lengths.map((length) =>
  Array.from({ length }, () => Array.from({ length: m }, (_, axis) => Math.fround(3 + axis + random.normal()))),
);
const tokens = documents.flat();
const segments = documents.flatMap((rows, document) => rows.map(() => document));

/** Documents side by side; padding holds NaN. */
function padded(): { data: Float32Array; mask: Uint8Array; shape: [number, number, number] } {
  const data = new Float32Array(lengths.length * longest * m).fill(NaN);
  const mask = new Uint8Array(lengths.length * longest);
  documents.forEach((rows, document) => {
    data.set(rows.flat(), document * longest * m);
    mask.fill(1, document * longest, document * longest + rows.length);
  });
  return { data, mask, shape: [lengths.length, longest, m] };
}

type Numbers = Record<SegmentOutput, number[]>;

const unit = (row: readonly number[], floor = 0): number[] => {
  const length = Math.max(Math.hypot(...row), floor);
  return row.map((x) => (length > 0 ? x / length : 0));
};

/** docs/math.md section 6 by its definitions, in float64, token by token. */
function definition({ prototypes, temperature, totalVariance }: DdclModel): Numbers {
  const p = Array.from({ length: K }, (_, k) => [...prototypes.subarray(k * m, (k + 1) * m)]);
  const all: Numbers = { occupancy: [], pooled: [], summaries: [], residuals: [] };
  for (const rows of documents) {
    const q = rows.map((z) => {
      const powers = p.map((each) => Math.exp(-each.reduce((sum, x, i) => sum + (z[i]! - x) ** 2, 0) / temperature));
      const total = powers.reduce((a, b) => a + b);
      return powers.map((power) => power / total);
    });
    const over = (k: number, of: (z: readonly number[]) => number): number =>
      rows.reduce((sum, z, n) => sum + q[n]![k]! * of(z), 0);
    const mass = p.map((_, k) => over(k, () => 1));
    const occupancy = mass.map((each) => each / Math.max(1, rows.length));
    const axes = Array.from({ length: m }, (_, axis) => axis);
    const residuals = p.map((each, k) => axes.map((i) => over(k, (z) => z[i]! - each[i]!)));
    const floor = residualFloor * rows.length * Math.sqrt(totalVariance);
    all.occupancy.push(...occupancy);
    all.pooled.push(...axes.map((i) => occupancy.reduce((sum, share, k) => sum + share * p[k]![i]!, 0)));
    all.summaries.push(...p.flatMap((_, k) => axes.map((i) => (mass[k]! > 0 ? over(k, (z) => z[i]!) / mass[k]! : 0))));
    all.residuals.push(...unit(residuals.flatMap((each) => unit(each, floor))));
  }
  return all;
}

let model: DdclModel;
let expected: Numbers;

beforeAll(async () => {
  folder.write('tokens.npy', npy([tokens.length, m], 'float32', tokens.flat()));
  folder.write('segments.npy', npy([segments.length], 'int32', segments));
  const fit = ['fit', folder.at('tokens.npy'), '--prototypes', String(K), '--epochs', '2', '--out', folder.at('model')];
  expect((await ddcl(fit)).status).toBe(0);
  const fitted = modelFromBytes(readFileSync(folder.at('model/model.safetensors')));
  // Prototypes among the tokens, and warm, so that all prototypes have mass and float32's logits are exact enough to tell 1e-6.
  const prototypes = Float64Array.from({ length: K * m }, (_, at) => Math.fround(3 + (at % m) + random.normal()));
  model = { ...fitted, prototypes, temperature: 2 * m };
  folder.write('model/model.safetensors', modelToBytes(model));
  expected = definition(model);
}, 60_000);

/** float32: 1e-6 of the largest number, which is what 16 roundings of it and some cancellation leave. */
function compare(output: SegmentOutput, actual: ArrayLike<number | bigint>): void {
  const wanted = expected[output];
  expect(actual).toHaveLength(wanted.length);
  const largest = Math.max(1, ...wanted.map(Math.abs));
  const worst = Math.max(...wanted.map((value, index) => Math.abs(value - Number(actual[index]))));
  expect(worst, output).toBeLessThan(1e-6 * largest);
}

it('Readout.encode', async () => {
  const batch: TokenBatch = padded();
  const readout = Readout.fromModel(model, { backend: cpuBackend() });
  const encoded = await readout.encode(batch, { outputs: segmentOutputs, normalize: ['residuals'] });
  for (const output of segmentOutputs) compare(output, encoded[output]!.data);
});

it('ddcl encode', async () => {
  for (const output of segmentOutputs) {
    const out = folder.at(`${output}.npy`);
    const data = [folder.at('tokens.npy'), '--segments', folder.at('segments.npy')];
    await succeed(['encode', folder.at('model'), ...data, '--outputs', output, '--out', out]);
    compare(output, (await readNpy(out)).data as Float32Array);
  }
});

it('features of a head', async () => {
  const reader = sequencesFromBatch(padded());
  const { offset, scale, dtype } = model;
  const batches = new DocumentBatches(reader, { offset, scale }, dtype, lengths.length);
  const { tokens: framed, weights } = await batches.read({ length: longest, documents: [...lengths.keys()] } as never);
  for (const output of ['occupancy', 'pooled', 'residuals'] as const satisfies HeadOutput[]) {
    const part = readoutPart(model, [output]);
    const program = trace(
      [
        tensorType(dtype, [lengths.length, longest, m]),
        tensorType(dtype, [lengths.length, longest]),
        ...part.parameters.map(({ shape }) => tensorType(dtype, shape)),
      ],
      (x, a, ...parameters) => [part.compute(x!, a!, parameters).features],
    );
    const backend = cpuBackend();
    const inputs: TypedArray[] = [framed, weights, ...part.parameters.map(({ values }) => Float32Array.from(values))];
    const buffers = inputs.map((values, index) => backend.upload(program.parameters[index] as ConcreteType, values));
    const [features] = await (await backend.compile(program)).run(buffers);
    const width = part.slope.length;
    const made = Array.from(await backend.download(features!), (value, index) => {
      // As users see them; a document without tokens has the features 0 of the frame.
      const isEmpty = lengths[Math.floor(index / width)] === 0;
      return value * part.slope[index % width]! + (isEmpty ? 0 : part.shift[index % width]!);
    });
    compare(output, made);
  }
});

it.each(['padded', 'packed'] as const)('the ONNX file of %s tokens', async (layout) => {
  const file = programToOnnx(readoutProgram(model, { outputs: segmentOutputs, layout }));
  const session = await ort.InferenceSession.create(file);
  const { data, mask, shape } = padded();
  const feeds =
    layout === 'padded'
      ? {
          tokens: new ort.Tensor('float32', data, shape),
          mask: new ort.Tensor('float32', Float32Array.from(mask), shape.slice(0, 2)),
        }
      : {
          tokens: new ort.Tensor('float32', Float32Array.from(tokens.flat()), [tokens.length, m]),
          segments: new ort.Tensor('int64', BigInt64Array.from(segments, BigInt)),
        };
  const results = await session.run(feeds);
  for (const output of segmentOutputs) compare(output, results[output]!.data as Float32Array);
  await session.release();
});
