import * as v from 'valibot';
import { finite, share, whole } from '../data/checked.ts';
import type { ClusteringScores } from './clustering.ts';
import type { RetrievalScores } from './retrieval.ts';

/** What one readout reached with one seed. */
export interface SeedScores {
  readonly seed: number;
  /** Of a linear probe on test, 0..1; null where there is no single vector. */
  readonly accuracy: number | null;
  /** On the share of train that was held out; what choices are made by. */
  readonly validationAccuracy: number | null;
  readonly clustering: ClusteringScores | null;
  readonly retrieval: RetrievalScores | null;
  /** Of pooling a test document's tokens; the encoder not counted. */
  readonly microsecondsPerDocument: number;
  /** Of summary vectors: what was chosen on train. */
  readonly form?: SummaryForm;
}

/** Options of `summaryVectors`. */
export interface SummaryForm {
  readonly withMean: boolean;
  readonly shrinkage: number;
  readonly occupancyPower: number;
}

/** One line of the table. */
export interface CompareRow {
  /** Name of the readout, as `residuals`. */
  readonly readout: string;
  /** K, where there are prototypes (or centroids). */
  readonly prototypes: number | null;
  /** Vectors per document, where there are several for late interaction. */
  readonly vectors: number | null;
  /** T / T_c, where it was chosen among several. */
  readonly temperatureShare: number | null;
  /** Numbers per document. */
  readonly numbers: number;
  readonly seeds: SeedScores[];
}

/** Of rows and scores that come from a file. */
export const rowSchema: v.GenericSchema<unknown, Omit<CompareRow, 'seeds'>> = v.strictObject({
  readout: v.string(),
  prototypes: v.nullable(whole(1)),
  vectors: v.nullable(whole(1)),
  temperatureShare: v.nullable(v.pipe(finite, v.gtValue(0))),
  numbers: whole(),
});

export const scoresSchema: v.GenericSchema<unknown, SeedScores> = v.strictObject({
  seed: whole(),
  accuracy: v.nullable(share),
  validationAccuracy: v.nullable(share),
  clustering: v.nullable(v.strictObject({ accuracy: share, mutualInformation: finite, adjustedRand: finite })),
  retrieval: v.nullable(v.strictObject({ ndcg10: finite, precision10: share, meanAveragePrecision: finite })),
  microsecondsPerDocument: v.pipe(finite, v.minValue(0)),
  form: v.exactOptional(v.strictObject({ withMean: v.boolean(), shrinkage: finite, occupancyPower: finite })),
});

/** A row without its scores; what is not given does not apply to it. */
export const rowOf = (
  readout: string,
  numbers: number,
  more: Partial<Omit<CompareRow, 'readout' | 'seeds'>> = {},
): Omit<CompareRow, 'seeds'> => ({
  readout,
  prototypes: null,
  vectors: null,
  temperatureShare: null,
  numbers,
  ...more,
});

/** Rows by what they are, in the order in which they came. */
export class RowTable {
  readonly #rows = new Map<string, CompareRow>();

  /** Adds a seed's scores to its row. */
  add(row: Omit<CompareRow, 'seeds'>, scores: SeedScores): void {
    const key = JSON.stringify([row.readout, row.prototypes, row.vectors, row.temperatureShare]);
    const found = this.#rows.get(key) ?? { ...row, seeds: [] };
    found.seeds.push(scores);
    this.#rows.set(key, found);
  }

  rows(): CompareRow[] {
    return [...this.#rows.values()];
  }
}
