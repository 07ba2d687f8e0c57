import { kMeans, type TokenSource } from '@ddcl/core/fit';
import { Readout, type PoolingKind } from '@ddcl/readout';
import { poolFeatures, readoutFeatures } from './features.ts';
import { addVectorRow, type RowContext } from './score-vectors.ts';

/** Names of the rows. */
export const poolingNames: Readonly<Record<PoolingKind, string>> = {
  mean: 'mean',
  cls: 'CLS',
  max: 'max',
  last: 'last token',
  weightedMean: 'weighted mean',
};

/** A pooling that nothing is learned for. Only the split for the probe's penalty and the start of k-means depend on the seed. */
export async function poolingRow(context: RowContext, kind: PoolingKind): Promise<void> {
  await addVectorRow(context, poolingNames[kind], await poolFeatures(context.data, kind));
}

/** The bag of words of k-means centroids. */
export async function kMeansRow(context: RowContext, source: TokenSource, count: number): Promise<void> {
  const { backend, data, seed, tell } = context;
  const onProgress = ({ iteration }: { iteration: number }): void => tell(`iteration ${iteration}`);
  const { model } = await kMeans(backend, source, { count, seed, iterations: 25, onProgress });
  const readout = Readout.fromModel(model, { backend });
  try {
    const features = await readoutFeatures(readout, data, ['occupancy']);
    await addVectorRow(context, 'k-means occupancy', features('occupancy'), { prototypes: count });
  } finally {
    readout.dispose();
  }
}
