import { createRandom } from '@ddcl/core';
import {
  meanToken,
  normalizedTokens,
  packVectors,
  summaryVectors,
  type Readout,
  type SequenceReader,
  type VectorSets,
} from '@ddcl/readout';
import { pickSequences, stratifiedShare } from './documents.ts';
import type { FeatureMatrix } from './feature-matrix.ts';
import { encodeDocuments } from './features.ts';
import { addVectorsRow, drawQueries } from './multi-vector-rows.ts';
import { fitReadout } from './prototype-rows.ts';
import { retrieveByVectors } from './retrieval.ts';
import type { SummaryForm } from './rows.ts';
import { sampleTokens } from './sample-tokens.ts';
import type { RowContext } from './score-vectors.ts';

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

/** Summaries of documents, before a form is given to them: [documents, K * m] and [documents, K]. */
type Summaries = Awaited<ReturnType<typeof encodeSummaries>>;

const encodeSummaries = (
  readout: Readout,
  reader: SequenceReader,
): Promise<Readonly<Record<'summaries' | 'occupancy', FeatureMatrix>>> =>
  encodeDocuments(readout, reader, ['summaries', 'occupancy']);

/** The vectors of some documents in one form. */
function vectorSets({ summaries, occupancy }: Summaries, documents: Int32Array, form: SummaryForm): VectorSets {
  const prototypes = occupancy.width;
  const vectorOf = ({ data, width }: FeatureMatrix, row: number): Float32Array =>
    data.subarray(row * width, (row + 1) * width);
  const sets = Array.from(documents, (row) => {
    const own = { summaries: vectorOf(summaries, row), occupancy: vectorOf(occupancy, row) };
    return summaryVectors(own, prototypes, form).data;
  });
  return packVectors(sets, summaries.width / prototypes);
}

/** The form whose vectors find documents of train by 15 % of them best: by nDCG@10, mean over the numbers of vectors. */
async function chooseForm({ backend, data, seed }: RowContext, banks: readonly Summaries[]): Promise<SummaryForm> {
  const trainClasses = data.train.classes;
  const random = createRandom(seed).fork('validation');
  const held = stratifiedShare(trainClasses, data.names.length, 0.15, random);
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
export async function summaryRows(context: RowContext): Promise<void> {
  const { data, vectors, fitTokens, seed } = context;
  const rows = drawQueries(context);
  const centre = await meanToken(data.train.sequences);
  const train = normalizedTokens(data.train.sequences, centre);
  const test = normalizedTokens(pickSequences(data.test.sequences, rows), centre);
  const source = await sampleTokens(train, fitTokens, seed);
  const readouts: Readout[] = [];
  try {
    const banks: Summaries[] = [];
    for (const count of vectors) {
      readouts.push(await fitReadout(context, source, count));
      banks.push(await encodeSummaries(readouts.at(-1)!, train));
    }
    const form = await chooseForm(context, banks);
    for (const [index, count] of vectors.entries()) {
      const documents = vectorSets(banks[index]!, Int32Array.from(data.train.classes.keys()), form);
      const began = performance.now();
      const queries = vectorSets(await encodeSummaries(readouts[index]!, test), Int32Array.from(rows.keys()), form);
      const microseconds = ((performance.now() - began) * 1000) / rows.length;
      const more = { prototypes: count, form };
      await addVectorsRow(context, 'prototype summaries', count, { documents, queries }, rows, microseconds, more);
    }
  } finally {
    for (const readout of readouts) readout.dispose();
  }
}
