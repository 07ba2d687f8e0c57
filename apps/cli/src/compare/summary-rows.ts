import { createRandom } from '@ddcl/core';
import {
  batchesFromReader,
  meanToken,
  normalisedTokens,
  packVectors,
  summaryVectors,
  type Readout,
  type SequenceReader,
  type VectorSets,
} from '@ddcl/readout';
import type { CompareData } from './documents.ts';
import { drawQueries, multiVectorRow, noVector, pickSequences } from './multi-vector-rows.ts';
import { fitReadout, type PrototypeSettings } from './prototype-rows.ts';
import { retrieveByVectors } from './retrieval.ts';
import { stratifiedShare } from './ridge-probe.ts';
import type { RowTable, SummaryForm } from './rows.ts';
import { sampleTokens } from './sample-tokens.ts';
import type { Judgement } from './score-vectors.ts';

/**
 * Forms of summaries, of which train chooses one: weighted by occupancy, that beside the document's mean, and also pulled to it.
 * docs/decisions/0041 has what else was tried.
 */
const forms: readonly SummaryForm[] = [
  { withMean: false, shrinkage: 0, occupancyPower: 0.25 },
  { withMean: true, shrinkage: 0, occupancyPower: 0.25 },
  { withMean: true, shrinkage: 0.1, occupancyPower: 0.25 },
];

/** Queries that a form is chosen by, at most. */
const validationQueries = 500;

/** Summaries of documents, before a form is given to them. */
interface Summaries {
  readonly prototypes: number;
  readonly dimension: number;
  /** [documents, K, m] */
  readonly summaries: Float32Array;
  /** [documents, K] */
  readonly occupancy: Float32Array;
}

/** @param reader of tokens as the prototypes were fitted on */
async function encodeSummaries(readout: Readout, reader: SequenceReader): Promise<Summaries> {
  const { count: prototypes, dimension } = readout.model;
  const summaries = new Float32Array(reader.sequences * prototypes * dimension);
  const occupancy = new Float32Array(reader.sequences * prototypes);
  let row = 0;
  const outputs = ['summaries', 'occupancy'] as const;
  for await (const encoded of readout.encodeStream(batchesFromReader(reader), { outputs })) {
    summaries.set(encoded.summaries!.data as Float32Array, row * prototypes * dimension);
    occupancy.set(encoded.occupancy!.data as Float32Array, row * prototypes);
    row += encoded.sequences;
  }
  return { prototypes, dimension, summaries, occupancy };
}

/** The vectors of some documents in one form. */
function vectorSets(
  { prototypes, dimension, summaries, occupancy }: Summaries,
  documents: Int32Array,
  form: SummaryForm,
): VectorSets {
  const sets = Array.from(documents, (row) => {
    const width = prototypes * dimension;
    const own = {
      summaries: summaries.subarray(row * width, (row + 1) * width),
      occupancy: occupancy.subarray(row * prototypes, (row + 1) * prototypes),
    };
    return summaryVectors(own, prototypes, form).data;
  });
  return packVectors(sets, dimension);
}

/** The form whose vectors find documents of train by 15 % of them best: by nDCG@10, mean over the numbers of vectors. */
async function chooseForm(
  { backend, trainClasses, count }: Judgement,
  banks: readonly Summaries[],
  seed: number,
): Promise<SummaryForm> {
  const random = createRandom(seed).fork('validation');
  const held = stratifiedShare(trainClasses, count, 0.15, random);
  const isHeld = new Set(held);
  const documents = Int32Array.from(trainClasses.keys()).filter((row) => !isHeld.has(row));
  const order = random.fork('queries').permutation(held.length);
  const queries = Int32Array.from(order.slice(0, validationQueries), (place) => held[place]!);
  const classesOf = (rows: Int32Array): Int32Array => rows.map((row) => trainClasses[row]!);
  let best = forms[0]!;
  let highest = -Infinity;
  for (const form of forms) {
    let sum = 0;
    for (const train of banks) {
      const [own, asked] = [vectorSets(train, documents, form), vectorSets(train, queries, form)];
      sum += (await retrieveByVectors(backend, own, classesOf(documents), asked, classesOf(queries))).ndcg10;
    }
    if (sum > highest) [best, highest] = [form, sum];
  }
  return best;
}

/**
 * Summaries of as many learned prototypes as there may be vectors, at each number of vectors; their form is chosen on train.
 * Tokens are taken relative to train's mean token and at length 1.
 */
export async function summaryRows(
  judgement: Judgement,
  data: CompareData,
  counts: readonly number[],
  seed: number,
  queries: number,
  fitTokens: number,
  settings: PrototypeSettings,
  table: Pick<RowTable, 'add'>,
): Promise<void> {
  const { backend, trainClasses, testClasses } = judgement;
  const rows = drawQueries(data, queries, seed);
  const classes = rows.map((row) => testClasses[row]!);
  const centre = await meanToken(data.train.sequences);
  const train = normalisedTokens(data.train.sequences, centre);
  const test = normalisedTokens(pickSequences(data.test.sequences, rows), centre);
  const source = await sampleTokens(train, fitTokens, seed);
  const readouts: Readout[] = [];
  try {
    const banks: Summaries[] = [];
    for (const count of counts) {
      readouts.push(await fitReadout(judgement, source, count, seed, settings));
      banks.push(await encodeSummaries(readouts.at(-1)!, train));
    }
    const form = await chooseForm(judgement, banks, seed);
    for (const [index, count] of counts.entries()) {
      const documents = vectorSets(banks[index]!, Int32Array.from(trainClasses.keys()), form);
      const began = performance.now();
      const asked = vectorSets(await encodeSummaries(readouts[index]!, test), Int32Array.from(rows.keys()), form);
      const microseconds = ((performance.now() - began) * 1000) / rows.length;
      table.add(multiVectorRow('prototype summaries', count, count, data), {
        ...noVector,
        seed,
        retrieval: await retrieveByVectors(backend, documents, trainClasses, asked, classes),
        microsecondsPerDocument: microseconds,
        form,
      });
    }
  } finally {
    for (const readout of readouts) readout.dispose();
  }
}
