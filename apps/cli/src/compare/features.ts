import { outputShape, type ReadoutOutput } from '@ddcl/core/fit';
import { batchesFromReader, poolSequences, type PoolingKind, type Readout, type SequenceReader } from '@ddcl/readout';
import type { CompareData } from './documents.ts';
import type { FeatureMatrix } from './feature-matrix.ts';

/** Vectors of all documents of train and of test. */
export interface Features {
  readonly train: FeatureMatrix;
  readonly test: FeatureMatrix;
  /** Of reading the tokens of test and pooling them. */
  readonly microsecondsPerDocument: number;
}

type Matrices<Name extends string> = Readonly<Record<Name, FeatureMatrix>>;

/** Matrices of train, then of test, by name. */
async function ofBoth<Name extends string>(
  { train, test }: CompareData,
  make: (reader: SequenceReader) => Promise<Matrices<Name>>,
): Promise<(name: Name) => Features> {
  const own = await make(train.sequences);
  const began = performance.now();
  const other = await make(test.sequences);
  const microsecondsPerDocument = ((performance.now() - began) * 1000) / test.sequences.sequences;
  return (name) => ({ train: own[name], test: other[name], microsecondsPerDocument });
}

/** Documents by a pooling without prototypes. */
export async function poolFeatures(data: CompareData, kind: PoolingKind): Promise<Features> {
  const features = await ofBoth(data, async (reader) => {
    const pooled = await poolSequences(reader, kind);
    return { pooled: { data: pooled.data, documents: reader.sequences, width: reader.dimension } };
  });
  return features('pooled');
}

/** Documents by a readout, several outputs in one pass, as {@link encodeDocuments} does it. */
export function readoutFeatures<Output extends ReadoutOutput>(
  readout: Readout,
  data: CompareData,
  outputs: readonly Output[],
  temperature?: number,
): Promise<(output: Output) => Features> {
  return ofBoth(data, (reader) => encodeDocuments(readout, reader, outputs, temperature));
}

/** Outputs of a readout for all documents. Residuals come as VLAD: each of length 1, then the whole. */
export async function encodeDocuments<Output extends ReadoutOutput>(
  readout: Readout,
  reader: SequenceReader,
  outputs: readonly Output[],
  temperature: number = readout.model.temperature,
): Promise<Matrices<Output>> {
  const documents = reader.sequences;
  const matrices = Object.fromEntries(
    outputs.map((output) => {
      const width = outputShape(output, readout.model).reduce((product, size) => product * size, 1);
      return [output, { data: new Float32Array(documents * width), documents, width }];
    }),
  ) as Record<Output, FeatureMatrix>;
  const options = { outputs, normalize: ['residuals'], temperature } as const;
  let row = 0;
  for await (const encoded of readout.encodeStream(batchesFromReader(reader), options)) {
    for (const output of outputs) {
      const { data, width } = matrices[output];
      data.set(encoded[output]!.data as Float32Array, row * width);
    }
    row += encoded.sequences;
  }
  return matrices;
}
