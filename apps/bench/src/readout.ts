import { createRandom } from '@ddcl/core';
import type { DdclModel, ReadoutOutput } from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';
import { Readout, type TokenBatch } from '@ddcl/readout';
import type { InferenceSession, Tensor, TypedTensor } from 'onnxruntime-node';
import { median } from './measure/median.ts';

/** Sizes of an encode: documents of `length` tokens of dimension m, K prototypes. */
export interface ReadoutShape {
  readonly documents: number;
  readonly length: number;
  readonly dimension: number;
  readonly prototypes: number;
}

export interface ReadoutTiming extends ReadoutShape {
  readonly rounds: number;
  /** Microseconds per document, medians over rounds. */
  readonly outputs: Readonly<Partial<Record<ReadoutOutput, number>>>;
  /** Mean pooling in plain loops over the same tokens and mask. */
  readonly meanLoop: number;
  /** The encoder that makes such tokens; undefined where none was given. */
  readonly encoder: number | undefined;
}

const timed: readonly ReadoutOutput[] = ['pooled', 'occupancy', 'summaries', 'residuals'];

/** Documents per run of the encoder. */
const encoderBatch = 16;

/** What people write today: mask-aware mean pooling. */
export function meanPooling({ data, shape, mask }: TokenBatch): Float32Array {
  const [documents, length, dimension] = shape as [number, number, number];
  const pooled = new Float32Array(documents * dimension);
  for (let document = 0; document < documents; document++) {
    let count = 0;
    for (let token = 0; token < length; token++) {
      if (mask![document * length + token] === 0) continue;
      count++;
      const start = (document * length + token) * dimension;
      for (let axis = 0; axis < dimension; axis++) pooled[document * dimension + axis]! += data[start + axis]!;
    }
    for (let axis = 0; axis < dimension; axis++) pooled[document * dimension + axis]! /= Math.max(1, count);
  }
  return pooled;
}

/** Readouts and mean pooling on documents of one length, turn by turn; then the encoder. */
export async function timeReadout(
  backend: Backend,
  shape: ReadoutShape,
  rounds: number,
  encoder?: { readonly session: InferenceSession; readonly tensor: (ids: BigInt64Array, dims: number[]) => Tensor },
): Promise<ReadoutTiming> {
  const { documents, length, dimension } = shape;
  const random = createRandom(1);
  const readout = Readout.fromModel(makeModel(shape), { backend });
  const batch: TokenBatch = {
    data: Float32Array.from({ length: documents * length * dimension }, () => 0.35 * random.normal()),
    shape: [documents, length, dimension],
    mask: new Uint8Array(documents * length).fill(1),
  };
  const times = new Map<string, number[]>();
  const time = async (name: string, count: number, work: () => unknown): Promise<void> => {
    const began = performance.now();
    await work();
    const own = times.get(name) ?? [];
    times.set(name, own);
    own.push(((performance.now() - began) * 1000) / count);
  };
  // The first two rounds compile programs and fill caches.
  for (let round = -2; round < rounds; round++) {
    if (round === 0) times.clear();
    for (const output of timed) {
      const options = { outputs: [output], normalize: output === 'residuals' };
      await time(output, documents, () => readout.encode(batch, options));
    }
    await time('mean', documents, () => meanPooling(batch));
  }
  // Apart: after a run its threads spin for a while, in the turn of whoever comes next.
  if (encoder !== undefined) {
    await runEncoder(encoder, length);
    for (let round = 0; round < rounds; round++) await time('encoder', encoderBatch, () => runEncoder(encoder, length));
  }
  readout.dispose();
  const middle = (name: string): number => median(times.get(name)!);
  return {
    ...shape,
    rounds,
    outputs: Object.fromEntries(timed.map((output) => [output, middle(output)])),
    meanLoop: middle('mean'),
    encoder: encoder === undefined ? undefined : middle('encoder'),
  };
}

async function runEncoder(
  { session, tensor }: NonNullable<Parameters<typeof timeReadout>[3]>,
  length: number,
): Promise<void> {
  const dims = [encoderBatch, length];
  const ids = BigInt64Array.from({ length: encoderBatch * length }, (_, index) => BigInt(1000 + (index % 900)));
  const feeds: Record<string, TypedTensor<'int64'>> = {};
  for (const name of session.inputNames) {
    const values = name === 'input_ids' ? ids : ids.map(() => (name === 'attention_mask' ? 1n : 0n));
    feeds[name] = tensor(values, dims) as TypedTensor<'int64'>;
  }
  await session.run(feeds);
}

function makeModel({ prototypes, dimension }: ReadoutShape): DdclModel {
  const random = createRandom(2);
  return {
    count: prototypes,
    dimension,
    dtype: 'float32',
    prototypes: Float64Array.from({ length: prototypes * dimension }, () => Math.fround(0.3 * random.normal())),
    temperature: 0.03,
    criticalTemperature: 10,
    offset: new Float64Array(dimension).fill(0.01),
    scale: 0.35,
    totalVariance: 0.35 ** 2 * dimension,
  };
}

/** Lines of text. */
export function formatReadout({ outputs, meanLoop, encoder, ...shape }: ReadoutTiming): string {
  const against = (microseconds: number): string =>
    `${microseconds.toFixed(0).padStart(7)}   ${(microseconds / meanLoop).toFixed(2).padStart(5)} of the mean loop${
      encoder === undefined ? '' : `, ${((100 * microseconds) / encoder).toFixed(2)} % of the encoder`
    }`;
  return [
    `microseconds per document of ${shape.length} tokens, m = ${shape.dimension}, K = ${shape.prototypes}; medians of ${shape.rounds} rounds`,
    ...Object.entries(outputs).map(([name, value]) => `${name.padEnd(12)}${against(value)}`),
    `${'mean loop'.padEnd(12)}${against(meanLoop)}`,
    ...(encoder === undefined ? [] : [`${'encoder'.padEnd(12)}${encoder.toFixed(0).padStart(7)}`]),
  ].join('\n');
}
