import type { TokenSource } from '@ddcl/core/fit';
import { poolingKinds } from '@ddcl/readout';
import { checkAborted } from '../data/data-error.ts';
import { kMeansRow, poolingRow } from './baseline-rows.ts';
import type { CompareRequest } from './compare-request.ts';
import type { CompareData } from './documents.ts';
import type { FinishedRows } from './finished-rows.ts';
import { wardRows, wardSets } from './multi-vector-rows.ts';
import { fitReadout, prototypeRows } from './prototype-rows.ts';
import type { CompareRow, RowTable } from './rows.ts';
import { sampleTokens } from './sample-tokens.ts';
import type { Judgement } from './score-vectors.ts';
import { summaryRows } from './summary-rows.ts';
import { attentionRow, headRow } from './trained-rows.ts';

/** Residuals of more numbers than this are left out. */
const mostNumbers = 1 << 15;

/** All rows of the table. Deterministic for its seeds. Units that `finished` holds are not made again. */
export async function runCompare(
  data: CompareData,
  options: CompareRequest,
  finished: FinishedRows,
): Promise<CompareRow[]> {
  const { backend, prototypes, vectors, queries, signal, progress } = options;
  const seeds = Array.from({ length: options.seeds }, (_, seed) => seed);
  const measures = new Set(options.measures);
  const settings = { steps: options.steps, temperatureShares: options.temperatures, mostNumbers };
  const judgement: Judgement = {
    backend,
    trainClasses: data.train.classes,
    testClasses: data.test.classes,
    count: data.names.length,
    measures,
  };
  let begun = 0;
  const begin = (name: string): void => {
    checkAborted(signal);
    progress.show(name, ++begun, undefined);
  };
  const unit = async (name: string, make: (table: Pick<RowTable, 'add'>) => Promise<void>): Promise<void> => {
    begin(name);
    await finished.unit(name, make);
  };
  for (const kind of poolingKinds) {
    for (const seed of seeds) {
      await unit(`${kind} pooling, seed ${seed}`, (table) => poolingRow(judgement, data, kind, seed, table));
    }
  }
  const withVectors = vectors.length > 0 && measures.has('retrieval');
  for (const seed of seeds) {
    let sample: Promise<TokenSource> | undefined;
    const source = (): Promise<TokenSource> => (sample ??= sampleTokens(data.train.sequences, options.fitTokens, seed));
    for (const count of prototypes) {
      await unit(`k-means, K = ${count}, seed ${seed}`, async (table) =>
        kMeansRow(judgement, data, await source(), count, seed, table),
      );
      const trained = options.trained === count && measures.has('probe');
      await unit(`prototypes, K = ${count}${trained ? ', trained too' : ''}, seed ${seed}`, async (table) => {
        const readout = await fitReadout(judgement, await source(), count, seed, settings);
        try {
          const onRow = (row: string): void => begin(`${row}, seed ${seed}`);
          await prototypeRows(judgement, data, readout, seed, settings, table, onRow);
          if (trained) await headRow(judgement, data, readout.model, settings.temperatureShares[0]!, seed, table);
        } finally {
          readout.dispose();
        }
      });
    }
    if (options.trained !== undefined && measures.has('probe')) {
      await unit(`attention pooling, seed ${seed}`, (table) => attentionRow(judgement, data, seed, table));
    }
    if (!withVectors) continue;
    await unit(`prototype summaries, ${vectors.join(', ')} vectors, seed ${seed}`, (table) =>
      summaryRows(judgement, data, vectors, seed, queries, options.fitTokens, settings, table),
    );
  }
  if (!withVectors) return finished.rows();
  let documents: ReturnType<typeof wardSets> | undefined;
  for (const seed of seeds) {
    await unit(`Ward pooling, ${vectors.join(', ')} vectors, seed ${seed}`, async (table) => {
      documents ??= wardSets(data.train.sequences, vectors);
      await wardRows(judgement, data, await documents, vectors, seed, queries, table);
    });
  }
  return finished.rows();
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
