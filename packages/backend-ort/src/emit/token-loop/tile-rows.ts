/** Tokens per tile, and how many are left over. */
export interface Tiling {
  readonly tiles: number;
  readonly rows: number;
  /** Tokens after the last tile, fewer than `rows`. */
  readonly rest: number;
}

/** Logits of a tile: 2^17 floats are 512 KiB, half of the second-level cache of one core of common processors. */
const tileElements = 1 << 17;
/** Below this the matrix products of a tile are too small to keep two cores busy. */
const fewestRows = 256;
/** Above this nothing is won, the per-tile work of few prototypes is hidden already, and the tokens leave the cache. */
const mostRows = 1024;

/**
 * Cuts N tokens into tiles whose N x K intermediates stay in cache; undefined where one tile holds all. Tiles of equal
 * size are preferred, because a rest costs a copy of the tokens.
 */
export function tileRows(tokens: number, prototypes: number): Tiling | undefined {
  const target = Math.min(mostRows, Math.max(fewestRows, Math.floor(tileElements / prototypes)));
  if (tokens < 2 * target) return undefined;
  const fewest = Math.ceil(tokens / target);
  for (let tiles = fewest; tiles <= 2 * fewest; tiles++) {
    if (tokens % tiles === 0) return { tiles, rows: tokens / tiles, rest: 0 };
  }
  const tiles = Math.floor(tokens / target);
  return { tiles, rows: target, rest: tokens - tiles * target };
}

/**
 * Elements of a piece of a result, 16 MiB. onnxruntime-node 1.30 makes a copy of each output that nobody asked for, and the C library
 * gets what is larger than 32 MiB from the system and gives it back each time: its fresh pages take longer than the copy.
 */
const pieceElements = 1 << 22;
/** Each piece is a `Scan` of its own. */
const mostPieces = 16;

/** Tiles whose rows leave the graph together, of so many elements each. */
export function tilesPerPiece(tiles: number, elements: number): number {
  return Math.min(tiles, Math.max(1, Math.floor(pieceElements / elements), Math.ceil(tiles / mostPieces)));
}

/** Sizes of a tile: tokens, numbers per token, prototypes. */
export interface TileSizes {
  readonly rows: number;
  readonly m: number;
  readonly count: number;
}

/** Elements of `W^T Z` up to which two of them are kept, one for each half of a tile's tokens. */
const mostPullElements = 1 << 15;

/**
 * Whether `W^T Z` of a tile is two products, one over each half of the tokens, which two threads do side by side: of one product both
 * would prepare all of an operand. Measured: three quarters of the time with 64 prototypes.
 */
export function inHalves({ rows, m, count }: TileSizes): boolean {
  return rows % 2 === 0 && m * count <= mostPullElements;
}
