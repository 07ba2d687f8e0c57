import { createRandom } from '@ddcl/core';
import { readoutProgram, type DdclModel, type ReadoutOutput } from '@ddcl/core/fit';
import type { InferenceSession, Tensor, TensorConstructor } from 'onnxruntime-common';
import { tinyBert } from '../../../../tooling/tiny-bert/tiny-bert.ts';
import { appendReadout } from '../../src/index.ts';

/* From token ids to a readout of sentences in one file, for Node and for a page. Nothing here needs either of them. */

const bert = tinyBert({ seed: 5 });
const random = createRandom(11);
const normals = (length: number, scale: number): Float64Array =>
  Float64Array.from({ length }, () => Math.fround(scale * random.normal()));

/** The encoder's own file. */
export const encoderFile: Uint8Array = bert.files['onnx/model.onnx'] as Uint8Array;

/** Prototypes among the encoder's token vectors, which have variance 1 in each of 32 directions. */
export const readout: DdclModel = {
  count: 5,
  dimension: bert.hidden,
  dtype: 'float32',
  prototypes: normals(5 * bert.hidden, 0.7),
  temperature: 6,
  criticalTemperature: 20,
  offset: normals(bert.hidden, 0.1),
  scale: 0.9,
  totalVariance: bert.hidden,
};

/** Ids of three sentences: [CLS] words [SEP]. */
export const sentences: readonly (readonly number[])[] = [
  [2, 9, 11, 30, 45, 60, 3],
  [2, 17, 3],
  [2, ...Array.from({ length: 50 }, (_, index) => 5 + ((index * 7) % 70)), 3],
];

/** The readouts that are compared. */
export const sentenceOutputs = [
  'pooled',
  'occupancy',
  'summaries',
  'residuals',
  'outputs',
] as const satisfies ReadoutOutput[];
export type SentenceOutput = (typeof sentenceOutputs)[number];

/** Encoder and readout as one file. */
export function sentenceModel(what: SentenceOutput): Uint8Array {
  return appendReadout(encoderFile, readoutProgram(readout, { outputs: [what], layout: 'padded' }));
}

/** What the encoder is given: sentences padded to the longest of them, with the mask. */
export function encoderInputs(Type: TensorConstructor, rows: readonly (readonly number[])[]): Record<string, Tensor> {
  const length = Math.max(...rows.map((ids) => ids.length));
  const tensor = (fill: (ids: readonly number[], place: number) => number): Tensor =>
    new Type(
      'int64',
      BigInt64Array.from(
        rows.flatMap((ids) => Array.from({ length }, (_, place) => fill(ids, place))),
        BigInt,
      ),
      [rows.length, length],
    );
  return {
    // Padding of a word that could be one: only the mask says that it is none.
    input_ids: tensor((ids, place) => ids[place] ?? 7),
    attention_mask: tensor((ids, place) => (place < ids.length ? 1 : 0)),
    token_type_ids: tensor(() => 0),
  };
}

/** Numbers of the only output of a file. */
export async function runSentences(
  runtime: { readonly InferenceSession: typeof InferenceSession; readonly Tensor: TensorConstructor },
  file: Uint8Array,
  rows: readonly (readonly number[])[],
): Promise<{ readonly dims: readonly number[]; readonly data: number[] }> {
  const session = await runtime.InferenceSession.create(file);
  const results = await session.run(encoderInputs(runtime.Tensor, rows));
  const { dims, data } = results[session.outputNames[0]!]!;
  await session.release();
  return { dims: [...dims], data: [...(data as Float32Array)] };
}

/** The largest difference. */
export function furthest(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Infinity;
  return a.reduce((most, x, index) => {
    const distance = Math.abs(x - b[index]!);
    return distance <= most ? most : Number.isNaN(distance) ? Infinity : distance;
  }, 0);
}
