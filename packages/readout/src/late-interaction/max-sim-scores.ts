import { DdclError, f32, matmul, max, reshape, trace, type Program } from '@ddcl/core';
import type { Backend, DeviceBuffer, Executable } from '@ddcl/core/backend';
import {
  padDocuments,
  planDocumentBlocks,
  planQueryRuns,
  type DocumentBlock,
  type QueryRun,
} from './max-sim-blocks.ts';
import type { MaxSimReduction } from './max-sim.ts';
import { countOf, requireSets, type VectorSets } from './vector-sets.ts';

export interface MaxSimOptions {
  /** Default 'sum'. */
  readonly reduction?: MaxSimReduction;
  /** Most scores of one block, in numbers; a block has at least one run of queries. Default 2^24 (64 MiB). */
  readonly scoresPerBlock?: number;
}

/** Scores of the queries `start` to `start + queries - 1` with all documents. */
export interface MaxSimBlock {
  readonly start: number;
  readonly queries: number;
  /** [queries, documents]; new for each block. */
  readonly scores: Float32Array;
}

/** Query vectors of one run, and document vectors: their product is 8 MiB, and large enough to keep a matmul busy. */
const queryRows = 512;
const documentColumns = 4096;

interface Sizes {
  readonly rows: number;
  readonly queries: number;
  readonly dimension: number;
}

/** Scores of one run with one block of documents, [queries, places]: all that is ever downloaded. */
function scoreProgram({ rows, queries, dimension }: Sizes, { width, places }: DocumentBlock): Program {
  return trace(
    [f32(rows, dimension), f32(places * width, dimension), f32(queries, rows)],
    (vectors, documents, members) => {
      const products = matmul(vectors, documents, { transposeB: true });
      const best = max(reshape(products, [rows, places, width]), [2]);
      // The sum over a query's vectors as a product: queries of any length lie side by side, without padding.
      return [matmul(members, best)];
    },
    'max sim',
  );
}

/** Vectors of a run, [rows, m], and how much each counts for each query, [queries, rows]. */
function padQueries(queries: VectorSets, run: QueryRun, sizes: Sizes, reduction: MaxSimReduction): Float32Array[] {
  const { data, offsets, dimension } = queries;
  const vectors = new Float32Array(sizes.rows * dimension);
  const base = offsets[run.start]!;
  vectors.set(data.subarray(base * dimension, offsets[run.end]! * dimension));
  const members = new Float32Array(sizes.queries * sizes.rows);
  for (let query = run.start; query < run.end; query++) {
    const row = (query - run.start) * sizes.rows - base;
    const share = reduction === 'sum' ? 1 : 1 / countOf(queries, query);
    members.fill(share, row + offsets[query]!, row + offsets[query + 1]!);
  }
  return [vectors, members];
}

/**
 * Late interaction scores (see {@link maxSim}) of all queries with all documents, in float32, some queries at a time. Documents
 * and queries may have any number of vectors; without any, all scores are 0. Time goes into matrix products of 512 by 4096
 * vectors on the backend.
 *
 * @throws DdclError `shape` for offsets that do not fit and other lengths of vectors; `data` for numbers that are not finite, or
 *   scores too large for float32; `argument` for other options; `limit` if the backend cannot hold one document
 */
export async function* maxSimScores(
  backend: Backend,
  queries: VectorSets,
  documents: VectorSets,
  { reduction = 'sum', scoresPerBlock = 2 ** 24 }: MaxSimOptions = {},
): AsyncGenerator<MaxSimBlock> {
  requireSets(queries, 'queries');
  requireSets(documents, 'documents');
  const { dimension } = documents;
  if (queries.dimension !== dimension) {
    throw new DdclError(
      'shape',
      `Queries and documents need vectors of one length, but theirs are ${queries.dimension} and ${dimension}. Make them with the same encoder.`,
    );
  }
  if (!(scoresPerBlock >= 1)) {
    throw new DdclError('argument', `A block holds a number of scores >= 1, but ${scoresPerBlock} came.`);
  }
  const total = documents.offsets.length - 1;
  const runs = planQueryRuns(queries, queryRows);
  const sizes: Sizes = {
    rows: Math.max(1, ...runs.map(({ start, end }) => queries.offsets[end]! - queries.offsets[start]!)),
    queries: Math.max(1, ...runs.map(({ start, end }) => end - start)),
    dimension,
  };
  const fitting = Math.floor(backend.capabilities.maxBufferBytes / 4 / Math.max(sizes.rows, dimension));
  const blocks = planDocumentBlocks(documents, Math.min(documentColumns, fitting));
  const executables = new Map<number, Executable>();
  try {
    for (let first = 0; first < runs.length;) {
      const start = runs[first]!.start;
      let last = first + 1;
      while (last < runs.length && (runs[last]!.end - start) * total <= scoresPerBlock) last++;
      const own = runs.slice(first, last);
      const scores = new Float32Array((own.at(-1)!.end - start) * total);
      await score(own, start, scores);
      yield { start, queries: own.at(-1)!.end - start, scores };
      first = last;
    }
  } finally {
    for (const executable of executables.values()) executable.dispose();
  }

  async function executableFor(block: DocumentBlock): Promise<Executable> {
    const known = executables.get(block.width);
    if (known !== undefined) return known;
    const made = await backend.compile(scoreProgram(sizes, block));
    executables.set(block.width, made);
    return made;
  }

  /** Fills in the scores of some runs; documents go to the device once. */
  async function score(own: readonly QueryRun[], start: number, scores: Float32Array): Promise<void> {
    const held: DeviceBuffer[] = [];
    const upload = (shape: readonly number[], data: Float32Array): DeviceBuffer => {
      const buffer = backend.upload({ dtype: 'float32', shape }, data);
      held.push(buffer);
      return buffer;
    };
    try {
      const uploaded = own.map((run) => {
        const [vectors, members] = padQueries(queries, run, sizes, reduction);
        return [upload([sizes.rows, dimension], vectors!), upload([sizes.queries, sizes.rows], members!)] as const;
      });
      for (const block of blocks) {
        const executable = await executableFor(block);
        const columns = upload([block.places * block.width, dimension], padDocuments(documents, block));
        for (const [index, run] of own.entries()) {
          const [vectors, members] = uploaded[index]!;
          const [result] = await executable.run([vectors, columns, members]);
          held.push(result!);
          const made = await backend.download(result!);
          backend.free(held.pop()!);
          scatter(made, run, block, start, scores);
        }
        backend.free(held.pop()!);
      }
    } finally {
      for (const buffer of held) backend.free(buffer);
    }
  }

  function scatter(
    made: ArrayLike<number>,
    run: QueryRun,
    { documents: indices, places }: DocumentBlock,
    start: number,
    scores: Float32Array,
  ): void {
    for (let query = run.start; query < run.end; query++) {
      indices.forEach((document, place) => {
        const value = made[(query - run.start) * places + place]!;
        if (!Number.isFinite(value)) {
          throw new DdclError(
            'data',
            `The score of query ${query} and document ${document} (counted from 0) is ${value} in float32. Normalize the vectors.`,
          );
        }
        scores[(query - start) * total + document] = value;
      });
    }
  }
}
