import type { Backend } from '@ddcl/core/backend';
import { clusterDocuments } from './clustering.ts';
import type { FeatureMatrix } from './feature-matrix.ts';
import { retrieveByVector } from './retrieval.ts';
import { ridgeProbe } from './ridge-probe.ts';
import type { SeedScores } from './rows.ts';

/** What all readouts are judged on. */
export interface Judgement {
  readonly backend: Backend;
  readonly trainClasses: Int32Array;
  readonly testClasses: Int32Array;
  /** Classes C. */
  readonly count: number;
  /** Which measures are wanted. */
  readonly measures: ReadonlySet<Measure>;
}

/** What `--measures` names. */
export const measures = ['probe', 'clustering', 'retrieval'] as const;
export type Measure = (typeof measures)[number];

/** Probe, clustering and retrieval of documents that are one vector each. */
export async function scoreVectors(
  { backend, trainClasses, testClasses, count, measures: wanted }: Judgement,
  train: FeatureMatrix,
  test: FeatureMatrix,
  seed: number,
  microsecondsPerDocument: number,
): Promise<SeedScores> {
  const [own, other] = [
    { features: train, classes: trainClasses },
    { features: test, classes: testClasses },
  ];
  const probe = wanted.has('probe') ? await ridgeProbe(backend, own, other, { count, seed }) : undefined;
  return {
    seed,
    accuracy: probe?.accuracy ?? null,
    validationAccuracy: probe?.validationAccuracy ?? null,
    clustering: wanted.has('clustering') ? await clusterDocuments(backend, other, count, seed) : null,
    retrieval: wanted.has('retrieval') ? await retrieveByVector(backend, own, other) : null,
    microsecondsPerDocument,
  };
}
