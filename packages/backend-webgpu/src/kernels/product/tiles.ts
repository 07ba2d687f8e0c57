/** How a matrix product is cut: a workgroup makes `rows x columns` results, `depth` terms at a time; a thread `threadRows x threadColumns` of them. */
export interface Tile {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly threadRows: number;
  readonly threadColumns: number;
}

export type TileName = 'small' | 'base' | 'wide' | 'broad' | 'big' | 'tall';

export const tiles: Readonly<Record<TileName, Tile>> = {
  small: { name: 'small', rows: 32, columns: 32, depth: 16, threadRows: 4, threadColumns: 4 },
  base: { name: 'base', rows: 64, columns: 64, depth: 16, threadRows: 4, threadColumns: 4 },
  wide: { name: 'wide', rows: 128, columns: 64, depth: 16, threadRows: 8, threadColumns: 4 },
  broad: { name: 'broad', rows: 64, columns: 128, depth: 16, threadRows: 4, threadColumns: 8 },
  big: { name: 'big', rows: 128, columns: 128, depth: 8, threadRows: 8, threadColumns: 8 },
  tall: { name: 'tall', rows: 256, columns: 16, depth: 16, threadRows: 4, threadColumns: 4 },
};

export function threadsOf({ rows, columns, threadRows, threadColumns }: Tile): number {
  return (rows / threadRows) * (columns / threadColumns);
}

/** Shared memory that a tile takes at most, with the sums that DDCL keeps beside it. */
export function sharedBytesOf({ rows, columns, depth }: Tile): number {
  return (rows + columns) * (16 * (depth / 4 + 1) + 4);
}

/** What decides on a tile: the sizes of a product and its batches. */
export interface ProductSizes {
  readonly batches: number;
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
}

export interface TileChoice {
  readonly tile: Tile;
  /** Ranges that the inner size is cut into, each with partial results of its own. */
  readonly splits: number;
}

/** As many workgroups keep a large card busy; WebGPU does not tell how many cores there are. */
const manyGroups = 512;
const enoughGroups = 256;
/** Partial results stay below this. */
const mostPartialBytes = 16 * 2 ** 20;
const leastInnerPerSplit = 64;

export function groupsOf(tile: Tile, { batches, rows, columns }: ProductSizes): number {
  return batches * Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns);
}

/** The largest tile that keeps a card busy, by the sizes alone, so that bits repeat; small outputs of long sums are cut along the inner size. */
export function chooseTile(sizes: ProductSizes, sharedBytes: number): TileChoice {
  const { batches, rows, columns, inner } = sizes;
  if (columns <= 16 && rows >= 4096 && sharedBytesOf(tiles.tall) <= sharedBytes) return { tile: tiles.tall, splits: 1 };
  for (const tile of [tiles.big, tiles.wide]) {
    if (groupsOf(tile, sizes) >= manyGroups && sharedBytesOf(tile) <= sharedBytes) return { tile, splits: 1 };
  }
  const tile = rows <= 32 || columns <= 32 ? tiles.small : tiles.base;
  const groups = groupsOf(tile, sizes);
  const bytes = 4 * batches * rows * columns;
  const splits = Math.min(
    Math.ceil(enoughGroups / groups),
    Math.floor(inner / leastInnerPerSplit),
    Math.floor(mostPartialBytes / bytes),
  );
  return { tile, splits: Math.max(1, splits) };
}
