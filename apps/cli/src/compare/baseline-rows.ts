import { kMeans, type TokenSource } from '@ddcl/core/fit';
import { Readout, type PoolingKind } from '@ddcl/readout';
import type { CompareData } from './documents.ts';
import { poolFeatures, readoutFeatures } from './features.ts';
import type { RowTable } from './rows.ts';
import { scoreVectors, type Judgement } from './score-vectors.ts';

const names: Readonly<Record<PoolingKind, string>> = {
  mean: 'mean',
  cls: 'CLS',
  max: 'max',
  last: 'last token',
  weightedMean: 'weighted mean',
};

/** A pooling that nothing is learned for. Only the split for the probe's penalty and the start of k-means depend on the seed. */
export async function poolingRow(
  judgement: Judgement,
  { train, test }: CompareData,
  kind: PoolingKind,
  seed: number,
  table: Pick<RowTable, 'add'>,
): Promise<void> {
  const own = await poolFeatures(train.sequences, kind);
  const other = await poolFeatures(test.sequences, kind);
  const scores = await scoreVectors(judgement, own.features, other.features, seed, other.microsecondsPerDocument);
  table.add(
    { readout: names[kind], prototypes: null, vectors: null, temperatureShare: null, numbers: own.features.width },
    scores,
  );
}

/** The bag of words of k-means centroids. */
export async function kMeansRow(
  judgement: Judgement,
  { train, test }: CompareData,
  source: TokenSource,
  count: number,
  seed: number,
  table: Pick<RowTable, 'add'>,
): Promise<void> {
  const { model } = await kMeans(judgement.backend, source, { count, seed, iterations: 25 });
  const readout = Readout.fromModel(model, { backend: judgement.backend });
  try {
    const own = (await readoutFeatures(readout, train.sequences, ['occupancy'])).get('occupancy')!;
    const other = (await readoutFeatures(readout, test.sequences, ['occupancy'])).get('occupancy')!;
    const scores = await scoreVectors(judgement, own.features, other.features, seed, other.microsecondsPerDocument);
    table.add(
      { readout: 'k-means occupancy', prototypes: count, vectors: null, temperatureShare: null, numbers: count },
      scores,
    );
  } finally {
    readout.dispose();
  }
}
