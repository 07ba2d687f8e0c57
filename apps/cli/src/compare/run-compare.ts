import type { TokenSource } from '@ddcl/core/fit';
import { poolingKinds } from '@ddcl/readout';
import { checkAborted } from '../data/data-error.ts';
import { kMeansRow, poolingNames, poolingRow } from './baseline-rows.ts';
import type { CompareRequest } from './compare-request.ts';
import { drawDocuments, type CompareData } from './documents.ts';
import type { FinishedRows } from './finished-rows.ts';
import { wardRows, wardSets } from './multi-vector-rows.ts';
import { prototypeReadouts } from './readout-names.ts';
import { fitReadout, prototypeRows } from './prototype-rows.ts';
import type { CompareRow } from './rows.ts';
import { sampleTokens } from './sample-tokens.ts';
import type { RowContext } from './score-vectors.ts';
import { summaryRows } from './summary-rows.ts';
import { attentionRow, headRow } from './trained-rows.ts';

/** Work whose rows are kept together. */
interface Unit {
  readonly name: string;
  readonly seed: number;
  make(context: RowContext): Promise<void>;
}

/** All rows of the table. Deterministic for its seeds. Units that `finished` holds are not made again. */
export async function runCompare(
  data: CompareData,
  request: CompareRequest,
  finished: FinishedRows,
): Promise<CompareRow[]> {
  const { prototypes, measures, vectors, signal, progress } = request;
  const seeds = Array.from({ length: request.seeds }, (_, seed) => seed);
  const { trainDocuments = Infinity, readouts } = request;
  const wanted = (name: string): boolean => readouts === undefined || readouts.includes(name);
  const units: Unit[] = [];
  const unit = (name: string, seed: number, make: Unit['make']): void =>
    void units.push({ name: `${name}, seed ${seed}`, seed, make });
  for (const kind of poolingKinds) {
    for (const seed of wanted(poolingNames[kind]) ? seeds : [])
      unit(`${kind} pooling`, seed, (context) => poolingRow(context, kind));
  }
  const probed = measures.includes('probe');
  const withVectors = vectors.length > 0 && measures.includes('retrieval');
  const dataOf = (seed: number): CompareData => drawDocuments(data, trainDocuments, seed);
  // One sample at a time is kept: it is large.
  let drawn: { readonly seed: number; readonly tokens: Promise<TokenSource> } | undefined;
  const source = (seed: number): Promise<TokenSource> => {
    if (drawn?.seed !== seed)
      drawn = { seed, tokens: sampleTokens(dataOf(seed).train.sequences, request.fitTokens, seed) };
    return drawn.tokens;
  };
  for (const seed of seeds) {
    for (const count of prototypes) {
      if (wanted('k-means occupancy'))
        unit(`k-means, K = ${count}`, seed, async (context) => kMeansRow(context, await source(seed), count));
      const trained = request.trained === count && probed;
      // A fit is the most of the work.
      if (!trained && !prototypeReadouts.some(wanted)) continue;
      unit(`prototypes, K = ${count}${trained ? ', trained too' : ''}`, seed, async (context) => {
        const readout = await fitReadout(context, await source(seed), count);
        try {
          await prototypeRows(context, readout);
          if (trained) await headRow(context, readout.model);
        } finally {
          readout.dispose();
        }
      });
    }
    if (request.trained !== undefined && probed) unit('attention pooling', seed, attentionRow);
    if (withVectors && wanted('prototype summaries'))
      unit(`prototype summaries, ${vectors.join(', ')} vectors`, seed, summaryRows);
  }
  let documents: ReturnType<typeof wardSets> | undefined;
  for (const seed of withVectors && wanted('Ward pooling') ? seeds : []) {
    unit(`Ward pooling, ${vectors.join(', ')} vectors`, seed, async (context) => {
      // All documents of train are the same for every seed.
      if (trainDocuments < data.train.classes.length) documents = undefined;
      documents ??= wardSets(context.data.train.sequences, vectors);
      await wardRows(context, await documents);
    });
  }
  for (const [done, { name, seed, make }] of units.entries()) {
    const tell = (doing?: string): void => {
      checkAborted(signal);
      const detail = doing === undefined ? name : `${name}: ${doing}`;
      progress.show({ phase: 'comparing', done, total: units.length, unit: 'units', detail });
    };
    tell();
    await finished.unit(name, ({ add }) => make({ ...request, data: dataOf(seed), seed, add, tell }));
  }
  return finished.rows();
}
