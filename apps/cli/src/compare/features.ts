import type { ReadoutOutput } from '@ddcl/core/fit';
import { batchesFromReader, poolSequences, type PoolingKind, type Readout, type SequenceReader } from '@ddcl/readout';
import type { FeatureMatrix } from './feature-matrix.ts';

/** Vectors of all documents, and how long they took. */
export interface TimedFeatures {
  readonly features: FeatureMatrix;
  /** Of reading the tokens and pooling them. */
  readonly microsecondsPerDocument: number;
}

/** Documents by a pooling without prototypes. */
export async function poolFeatures(reader: SequenceReader, kind: PoolingKind): Promise<TimedFeatures> {
  const began = performance.now();
  const { data } = await poolSequences(reader, kind);
  return timed(began, { data, documents: reader.sequences, width: reader.dimension });
}

/** Documents by a readout, several outputs in one pass. Residuals come as VLAD: each of length 1, then the whole. */
export async function readoutFeatures(
  readout: Readout,
  reader: SequenceReader,
  outputs: readonly ReadoutOutput[],
  { temperature }: { readonly temperature?: number } = {},
): Promise<Map<ReadoutOutput, TimedFeatures>> {
  const began = performance.now();
  const { count, dimension } = readout.model;
  const documents = reader.sequences;
  const matrices = outputs.map((output) => {
    const width = output === 'occupancy' ? count : output === 'pooled' ? dimension : count * dimension;
    return { data: new Float32Array(documents * width), documents, width };
  });
  const options = temperature === undefined ? {} : { temperature };
  let row = 0;
  for await (const encoded of readout.encodeStream(batchesFromReader(reader), {
    outputs,
    normalise: ['residuals'],
    ...options,
  })) {
    outputs.forEach((output, index) =>
      matrices[index]!.data.set(encoded[output]!.data as Float32Array, row * matrices[index]!.width),
    );
    row += encoded.sequences;
  }
  return new Map(outputs.map((output, index) => [output, timed(began, matrices[index]!)]));
}

function timed(began: number, features: FeatureMatrix): TimedFeatures {
  return { features, microsecondsPerDocument: ((performance.now() - began) * 1000) / features.documents };
}
