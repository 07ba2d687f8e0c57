import { countOf, type VectorSets } from './vector-sets.ts';

/** Queries `start` to `end - 1`, whose vectors go through a program together. */
export interface QueryRun {
  readonly start: number;
  readonly end: number;
}

/** Documents that are padded to the same number of vectors. */
export interface DocumentBlock {
  readonly documents: readonly number[];
  /** Vectors per document, padding included. */
  readonly width: number;
  /** Documents of the program, >= documents.length. */
  readonly places: number;
}

/** Cuts queries into runs of about the same number of vectors, at most `rows`; a longer query is a run of its own. */
export function planQueryRuns(queries: VectorSets, rows: number): readonly QueryRun[] {
  const { offsets } = queries;
  const sets = offsets.length - 1;
  const total = offsets[sets]!;
  let largest = 0;
  for (let index = 0; index < sets; index++) largest = Math.max(largest, countOf(queries, index));
  // One program takes all runs: rows that only the last one leaves empty would be a waste.
  const share = Math.ceil(total / Math.ceil(total / rows)) + largest - 1;
  const most = total === 0 ? rows : Math.min(rows, share);
  const runs: QueryRun[] = [];
  for (let start = 0; start < sets;) {
    let end = start + 1;
    // Also at most `rows` queries: empty ones have no vectors, but a row of scores each.
    while (end < Math.min(sets, start + rows) && offsets[end + 1]! - offsets[start]! <= most) end++;
    runs.push({ start, end });
    start = end;
  }
  return runs;
}

/** The next of 1, 2, 3, 4, 6, 8, 12, 16, 24, ...: padding stays under a third, and few programs are compiled. */
function roundUp(count: number): number {
  const power = 2 ** Math.ceil(Math.log2(count));
  return power >= 4 && count <= 0.75 * power ? 0.75 * power : power;
}

/** Puts documents of about the same number of vectors together, in blocks of about `columns` vectors. Empty ones are left out. */
export function planDocumentBlocks(documents: VectorSets, columns: number): readonly DocumentBlock[] {
  const groups = new Map<number, number[]>();
  let largest = 0;
  for (let index = 0; index < documents.offsets.length - 1; index++)
    largest = Math.max(largest, countOf(documents, index));
  for (let index = 0; index < documents.offsets.length - 1; index++) {
    const count = countOf(documents, index);
    if (count === 0) continue;
    const width = Math.min(largest, roundUp(count));
    const group = groups.get(width);
    if (group === undefined) groups.set(width, [index]);
    else group.push(index);
  }
  return [...groups].flatMap(([width, group]) => {
    const blocks = Math.ceil(group.length / Math.max(1, Math.floor(columns / width)));
    // All blocks of a width are of one size, for one program: nearly full, the last too.
    const places = Math.ceil(group.length / blocks);
    return Array.from({ length: Math.ceil(group.length / places) }, (_, block) => ({
      documents: group.slice(block * places, (block + 1) * places),
      width,
      places,
    }));
  });
}

/** The vectors of a block, [places * width, m]. A document is filled up with its first vector, which changes no maximum. */
export function padDocuments(
  documents: VectorSets,
  { documents: indices, width, places }: DocumentBlock,
): Float32Array {
  const { data, offsets, dimension } = documents;
  const padded = new Float32Array(places * width * dimension);
  indices.forEach((index, place) => {
    const start = offsets[index]! * dimension;
    const count = countOf(documents, index);
    padded.set(data.subarray(start, offsets[index + 1]! * dimension), place * width * dimension);
    const first = data.subarray(start, start + dimension);
    for (let row = count; row < width; row++) padded.set(first, (place * width + row) * dimension);
  });
  return padded;
}
