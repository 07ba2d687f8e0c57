import type { CompareRequest } from './compare-request.ts';
import { clusterDocuments } from './clustering.ts';
import type { CompareData } from './documents.ts';
import type { FeatureMatrix } from './feature-matrix.ts';
import { retrieveByVector } from './retrieval.ts';
import { ridgeProbe } from './ridge-probe.ts';
import { rowOf, type RowTable, type SeedScores } from './rows.ts';

/** What the rows of one seed are made with. */
export interface RowContext extends CompareRequest {
  readonly data: CompareData;
  readonly seed: number;
  readonly add: RowTable['add'];
  /** Shows what is being done. */
  readonly tell: (doing: string) => void;
}

/** Scores of what has no single vector, or was not asked for. */
export const noScores: Omit<SeedScores, 'seed' | 'microsecondsPerDocument'> = {
  accuracy: null,
  validationAccuracy: null,
  clustering: null,
  retrieval: null,
};

/** Adds the row of a readout that gives each document one vector: probe, clustering and retrieval, as far as they are asked for. */
export async function addVectorRow(
  { backend, measures, readouts, data: { train, test, names }, seed, add }: RowContext,
  readout: string,
  features: { readonly train: FeatureMatrix; readonly test: FeatureMatrix; readonly microsecondsPerDocument: number },
  more: Parameters<typeof rowOf>[2] = {},
): Promise<void> {
  if (readouts !== undefined && !readouts.includes(readout)) return;
  const own = { features: features.train, classes: train.classes };
  const other = { features: features.test, classes: test.classes };
  const count = names.length;
  const probe = measures.includes('probe') ? await ridgeProbe(backend, own, other, { count, seed }) : undefined;
  add(rowOf(readout, own.features.width, more), {
    seed,
    accuracy: probe?.accuracy ?? null,
    validationAccuracy: probe?.validationAccuracy ?? null,
    clustering: measures.includes('clustering') ? await clusterDocuments(backend, other, count, seed) : null,
    retrieval: measures.includes('retrieval') ? await retrieveByVector(backend, own, other) : null,
    microsecondsPerDocument: features.microsecondsPerDocument,
  });
}
