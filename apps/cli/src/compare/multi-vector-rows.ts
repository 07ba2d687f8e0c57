import { createRandom } from '@ddcl/core';
import { packVectors, wardPool, type SequenceReader, type VectorSets } from '@ddcl/readout';
import { pickSequences } from './documents.ts';
import { retrieveByVectors } from './retrieval.ts';
import { rowOf, type SummaryForm } from './rows.ts';
import { noScores, type RowContext } from './score-vectors.ts';

/** Test documents that are used as queries: all, or a seeded draw. */
export function drawQueries({ data: { test }, queries, seed }: RowContext): Int32Array {
  const order = createRandom(seed).fork('queries').permutation(test.sequences.sequences);
  return Int32Array.from(order.slice(0, queries)).sort();
}

/** At most `count` vectors per document by Ward clustering of its own tokens. */
export async function wardSets(
  reader: SequenceReader,
  counts: readonly number[],
): Promise<ReadonlyMap<number, VectorSets>> {
  const { dimension, sequences } = reader;
  const sets = new Map<number, Float32Array[]>(counts.map((count) => [count, []]));
  for (let index = 0; index < sequences; index++) {
    const { data, rows } = await reader.read(index);
    const tokens = Float32Array.from(data.subarray(0, rows * dimension));
    for (const count of counts) {
      const pooled = rows === 0 ? new Float32Array(0) : wardPool(tokens, dimension, count).data;
      sets.get(count)!.push(pooled);
    }
  }
  return new Map([...sets].map(([count, list]) => [count, packVectors(list, dimension)]));
}

/**
 * Ward pooling at each number of vectors. The same for every seed but for the draw of queries.
 *
 * @param documents of train, by number of vectors, as {@link wardSets} gives them
 */
export async function wardRows(context: RowContext, documents: ReadonlyMap<number, VectorSets>): Promise<void> {
  const { data, vectors } = context;
  const rows = drawQueries(context);
  const began = performance.now();
  const asked = await wardSets(pickSequences(data.test.sequences, rows), vectors);
  const microseconds = ((performance.now() - began) * 1000) / rows.length / vectors.length;
  for (const count of vectors) {
    const sets = { documents: documents.get(count)!, queries: asked.get(count)! };
    await addVectorsRow(context, 'Ward pooling', count, sets, rows, microseconds);
  }
}

/** Adds the row of a readout that gives each document several vectors: retrieval of train by the test documents `rows`. */
export async function addVectorsRow(
  { backend, data: { train, test }, seed, add }: RowContext,
  readout: string,
  vectors: number,
  { documents, queries }: { readonly documents: VectorSets; readonly queries: VectorSets },
  rows: Int32Array,
  microsecondsPerDocument: number,
  { form, ...more }: { readonly prototypes?: number; readonly form?: SummaryForm } = {},
): Promise<void> {
  const asked = rows.map((row) => test.classes[row]!);
  const retrieval = await retrieveByVectors(backend, documents, train.classes, queries, asked);
  add(rowOf(readout, vectors * train.sequences.dimension, { vectors, ...more }), {
    ...noScores,
    seed,
    retrieval,
    microsecondsPerDocument,
    ...(form === undefined ? {} : { form }),
  });
}
