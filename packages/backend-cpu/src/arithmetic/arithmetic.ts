import type { Pieces } from '@ddcl/core/backend';

/** Doubles that products read and write. `data` becomes another array when the scratch memory grows: read it again after each `take`. */
export interface Block {
  readonly data: Float64Array;
  /** Byte address in the memory of its scratch. */
  readonly at: number;
}

/** `C = A B`. Tiles are 4 x 4: C, and A where it is read, must hold as many rows as the next multiple of 4 says; those too many are of no use. */
export interface Product {
  readonly a: Block;
  /** How far it is in A from row to row, and along the summed axis. */
  readonly rowA: number;
  readonly stepA: number;
  /** Panels of 4 columns (see {@link packPanels}), from `startB` on. */
  readonly b: Block;
  readonly startB?: number;
  /** [rows, columns]. */
  readonly c: Block;
  /** 1 or more, as `inner`. */
  readonly rows: number;
  /** A multiple of 4. */
  readonly columns: number;
  readonly inner: number;
  /** Adds to C. */
  readonly accumulate?: boolean;
}

/** Memory and products for the work of one kernel. */
export interface Scratch {
  /** Zeros, for as long as the work goes on. */
  take(length: number): Block;
  /** All of a product, or columns from and to multiples of 4, which have the same bits. */
  multiply(product: Product, fromColumn?: number, toColumn?: number): void;
  /** `y += scale x` of `length` numbers, a multiple of 4, at a place in each. */
  addScaled(scale: number, x: Block, startX: number, y: Block, startY: number, length: number): void;
}

/**
 * Does some work with scratch memory of its own. Sums go along the summed axis one number after the other, each product rounded before it is
 * added, whoever computes them: results have the same bits with SIMD and without.
 */
export type Arithmetic = <Result>(work: (scratch: Scratch) => Pieces<Result>) => Pieces<Result>;
