import { createRandom } from '@ddcl/core';
import { packVectors, wardPool, type SequenceReader, type VectorSets } from '@ddcl/readout';
import type { CompareData } from './documents.ts';
import { retrieveByVectors } from './retrieval.ts';
import type { RowTable } from './rows.ts';
import type { Judgement } from './score-vectors.ts';

/** Some documents of a reader, in the order given. */
export function pickSequences(reader: SequenceReader, rows: Int32Array): SequenceReader {
  return {
    dimension: reader.dimension,
    sequences: rows.length,
    lengths: Int32Array.from(rows, (row) => reader.lengths[row]!),
    read: (index) => reader.read(rows[index]!),
  };
}

/** Test documents that are used as queries: all, or a seeded draw. */
export function drawQueries({ test }: CompareData, most: number, seed: number): Int32Array {
  const order = createRandom(seed).fork('queries').permutation(test.sequences.sequences);
  return Int32Array.from(order.slice(0, most)).sort();
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

/** Scores that need a single vector. */
export const noVector = { accuracy: null, validationAccuracy: null, clustering: null };

/**
 * Ward pooling at each number of vectors. The same for every seed but for the draw of queries.
 *
 * @param documents of train, by number of vectors, as {@link wardSets} gives them
 */
export async function wardRows(
  { backend, trainClasses, testClasses }: Judgement,
  data: CompareData,
  documents: ReadonlyMap<number, VectorSets>,
  counts: readonly number[],
  seed: number,
  queries: number,
  table: Pick<RowTable, 'add'>,
): Promise<void> {
  const rows = drawQueries(data, queries, seed);
  const began = performance.now();
  const asked = await wardSets(pickSequences(data.test.sequences, rows), counts);
  const microseconds = ((performance.now() - began) * 1000) / rows.length / counts.length;
  const classes = rows.map((row) => testClasses[row]!);
  for (const count of counts) {
    const retrieval = await retrieveByVectors(backend, documents.get(count)!, trainClasses, asked.get(count)!, classes);
    table.add(multiVectorRow('Ward pooling', count, null, data), {
      ...noVector,
      seed,
      retrieval,
      microsecondsPerDocument: microseconds,
    });
  }
}

/** What a row of several vectors is. */
export const multiVectorRow = (
  readout: string,
  vectors: number,
  prototypes: number | null,
  { train }: CompareData,
): Parameters<RowTable['add']>[0] => ({
  readout,
  prototypes,
  vectors,
  temperatureShare: null,
  numbers: vectors * train.sequences.dimension,
});
