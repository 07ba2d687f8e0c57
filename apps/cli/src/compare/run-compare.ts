import type { Backend } from '@ddcl/core/backend';
import { checkAborted } from '../data/data-error.ts';
import { kMeansRow, poolingRows } from './baseline-rows.ts';
import type { CompareData } from './documents.ts';
import { summaryRows, wardRows } from './multi-vector-rows.ts';
import { fitReadout, prototypeRows, type PrototypeSettings } from './prototype-rows.ts';
import { RowTable, type CompareRow } from './rows.ts';
import { sampleTokens } from './sample-tokens.ts';
import type { Judgement, Measure } from './score-vectors.ts';
import { attentionRow, headRow } from './trained-rows.ts';

export interface CompareOptions {
  readonly backend: Backend;
  /** K of each bank of prototypes. */
  readonly prototypes: readonly number[];
  readonly seeds: readonly number[];
  readonly measures: ReadonlySet<Measure>;
  readonly settings: PrototypeSettings;
  /** Tokens of train that prototypes are fitted on, at most. */
  readonly fitTokens: number;
  /** Numbers of vectors for late interaction; none leaves it out. */
  readonly vectors: readonly number[];
  /** Queries for late interaction, at most. */
  readonly queries: number;
  /** K of the readout that is trained together with its head; undefined leaves trained poolings out. */
  readonly trained: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called before each row is made. */
  readonly onRow: (name: string) => void;
}

/** All rows of the table. Deterministic for its seeds. */
export async function runCompare(data: CompareData, options: CompareOptions): Promise<CompareRow[]> {
  const { backend, prototypes, seeds, measures, settings, vectors, queries } = options;
  const onRow = (name: string): void => {
    checkAborted(options.signal);
    options.onRow(name);
  };
  const table = new RowTable();
  const judgement: Judgement = {
    backend,
    trainClasses: data.train.classes,
    testClasses: data.test.classes,
    count: data.names.length,
    measures,
  };
  await poolingRows(judgement, data, seeds, table, onRow);
  for (const seed of seeds) {
    const source = await sampleTokens(data.train.sequences, options.fitTokens, seed);
    for (const count of prototypes) {
      onRow(`k-means occupancy, K = ${count}, seed ${seed}`);
      await kMeansRow(judgement, data, source, count, seed, table);
      onRow(`fit, K = ${count}, seed ${seed}`);
      const readout = await fitReadout(judgement, source, count, seed, settings);
      try {
        await prototypeRows(judgement, data, readout, seed, settings, table, (name) => onRow(`${name}, seed ${seed}`));
        if (options.trained === count && measures.has('probe')) {
          onRow(`trained residuals, K = ${count}, seed ${seed}`);
          await headRow(judgement, data, readout.model, seed, table);
        }
      } finally {
        readout.dispose();
      }
    }
    if (options.trained !== undefined && measures.has('probe')) {
      onRow(`attention pooling, seed ${seed}`);
      await attentionRow(judgement, data, seed, table);
    }
    if (vectors.length > 0 && measures.has('retrieval')) {
      onRow(`prototype summaries, seed ${seed}`);
      await summaryRows(judgement, data, source, vectors, seed, queries, settings, table);
    }
  }
  if (vectors.length > 0 && measures.has('retrieval')) {
    onRow('Ward pooling');
    await wardRows(judgement, data, vectors, seeds, queries, table);
  }
  return table.rows();
}

/** The row that is best on the held-out share of train, mean over seeds; undefined where nothing was probed. */
export function bestOnValidation(rows: readonly CompareRow[], mostNumbers: number = Infinity): CompareRow | undefined {
  const mean = ({ seeds }: CompareRow): number =>
    seeds.reduce((sum, { validationAccuracy }) => sum + (validationAccuracy ?? -1), 0) / seeds.length;
  const probed = rows.filter(
    ({ seeds, numbers }) => typeof seeds[0]?.validationAccuracy === 'number' && numbers <= mostNumbers,
  );
  return probed.reduce<CompareRow | undefined>(
    (best, row) => (best === undefined || mean(row) > mean(best) ? row : best),
    undefined,
  );
}
