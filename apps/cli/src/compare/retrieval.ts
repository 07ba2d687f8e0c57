import { matmul, tensorType, trace } from '@ddcl/core';
import { averagePrecision, normalizedDiscountedGain, precisionAt } from '@ddcl/core/metrics';
import type { Backend } from '@ddcl/core/backend';
import { maxSimScores, normalizeVectors, type VectorSets } from '@ddcl/readout';
import { Ranker } from './ranking.ts';
import type { LabelledFeatures } from './ridge-probe.ts';

/** Means over queries; a document is relevant for a query of the same class. */
export interface RetrievalScores {
  /** nDCG of the first ten, 0..1. */
  readonly ndcg10: number;
  /** Share of the first ten that are relevant. */
  readonly precision10: number;
  /** Mean average precision over all documents. */
  readonly meanAveragePrecision: number;
}

/** Scores of some queries against all documents. */
export interface ScoreBlock {
  /** Number of the first query. */
  readonly first: number;
  readonly queries: number;
  /** [queries, documents]. */
  readonly scores: Float32Array;
}

/** Queries and documents of one product. */
const [queryRows, documentRows] = [256, 4096];

/** Numbers of one block on the device. */
const blockElements = 1 << 26;

/** Ranks all documents for each query. Queries without any relevant document are left out. */
export async function measureRetrieval(
  blocks: AsyncIterable<ScoreBlock>,
  queryClasses: Int32Array,
  documentClasses: Int32Array,
): Promise<RetrievalScores> {
  const ranker = new Ranker(documentClasses.length);
  const relevant = new Map<number, number>();
  for (const own of documentClasses) relevant.set(own, (relevant.get(own) ?? 0) + 1);
  const relevances = new Uint8Array(documentClasses.length);
  const totals = { ndcg10: 0, precision10: 0, meanAveragePrecision: 0 };
  let counted = 0;
  for await (const { first, queries, scores } of blocks) {
    for (let query = 0; query < queries; query++) {
      const wanted = queryClasses[first + query]!;
      const total = relevant.get(wanted) ?? 0;
      if (total === 0) continue;
      const order = ranker.rank(scores.subarray(query * relevances.length, (query + 1) * relevances.length));
      order.forEach((row, place) => (relevances[place] = documentClasses[row] === wanted ? 1 : 0));
      counted++;
      totals.ndcg10 += normalizedDiscountedGain(relevances.subarray(0, 10), 10, total);
      totals.precision10 += precisionAt(relevances.subarray(0, 10), 10);
      totals.meanAveragePrecision += averagePrecision(relevances, total);
    }
  }
  const share = (value: number): number => (counted === 0 ? 0 : value / counted);
  return {
    ndcg10: share(totals.ndcg10),
    precision10: share(totals.precision10),
    meanAveragePrecision: share(totals.meanAveragePrecision),
  };
}

/** Test documents query train documents by the cosine of their vectors. */
export function retrieveByVector(
  backend: Backend,
  train: LabelledFeatures,
  test: LabelledFeatures,
): Promise<RetrievalScores> {
  return measureRetrieval(cosineBlocks(backend, train, test), test.classes, train.classes);
}

async function* cosineBlocks(
  backend: Backend,
  { features: documents }: LabelledFeatures,
  { features: queries }: LabelledFeatures,
): AsyncGenerator<ScoreBlock> {
  const { width } = documents;
  const most = Math.max(1, Math.floor(Math.min(blockElements, backend.capabilities.maxBufferBytes / 4) / width));
  const [rows, columns] = [Math.min(queryRows, most), Math.min(documentRows, most)];
  const program = trace(
    [tensorType('float32', [rows, width]), tensorType('float32', [columns, width])],
    (a, b) => [matmul(a, b, { transposeB: true })],
    'cosines',
  );
  const executable = await backend.compile(program);
  const upload = (data: Float32Array, first: number, count: number): ReturnType<Backend['upload']> => {
    const block = new Float32Array(count * width);
    block.set(data.subarray(first * width, (first + count) * width));
    normalizeVectors(block, width);
    return backend.upload({ dtype: 'float32', shape: [count, width] }, block);
  };
  const held = [];
  try {
    for (let first = 0; first < documents.documents; first += columns)
      held.push(upload(documents.data, first, columns));
    for (let first = 0; first < queries.documents; first += rows) {
      const count = Math.min(rows, queries.documents - first);
      const scores = new Float32Array(count * documents.documents);
      const query = upload(queries.data, first, rows);
      for (const [index, block] of held.entries()) {
        const [result] = await executable.run([query, block]);
        const part = await backend.download(result!);
        backend.free(result!);
        const own = Math.min(columns, documents.documents - index * columns);
        for (let row = 0; row < count; row++)
          scores.set(
            part.subarray(row * columns, row * columns + own) as Float32Array,
            row * documents.documents + index * columns,
          );
      }
      backend.free(query);
      yield { first, queries: count, scores };
    }
  } finally {
    for (const block of held) backend.free(block);
    executable.dispose();
  }
}

/** Late interaction: a query's and a document's vectors by MaxSim. */
export function retrieveByVectors(
  backend: Backend,
  documents: VectorSets,
  documentClasses: Int32Array,
  queries: VectorSets,
  queryClasses: Int32Array,
): Promise<RetrievalScores> {
  async function* blocks(): AsyncGenerator<ScoreBlock> {
    for await (const block of maxSimScores(backend, queries, documents))
      yield { first: block.start, queries: block.queries, scores: block.scores };
  }
  return measureRetrieval(blocks(), queryClasses, documentClasses);
}
