import type { Pieces, TypedArray } from '@ddcl/core/backend';
import { copyWork, inPieces } from './pieces.ts';

/** The next multiple of 4: what columns take. */
export const padded = (columns: number): number => (columns + 3) & ~3;

/** Where a matrix lies in an array. */
export interface MatrixPlace {
  readonly start: number;
  readonly columns: number;
  /** How far it is from column to column, and from row to row. */
  readonly column: number;
  readonly row: number;
}

/**
 * Copies a matrix of `rows` rows as panels of 4 columns, [columns / 4, rows, 4]: what a tile of a product reads lies together. What is
 * missing of the last panel stays as it is.
 *
 * @param at where the panels begin
 */
export function packPanels(
  source: TypedArray,
  { start, columns, column, row }: MatrixPlace,
  rows: number,
  into: Float64Array,
  at = 0,
): void {
  let place = at;
  for (let first = 0; first < columns; first += 4) {
    const width = Math.min(4, columns - first);
    let from = start + first * column;
    if (width === 4) {
      for (let step = 0; step < rows; step++) {
        into[place] = source[from]!;
        into[place + 1] = source[from + column]!;
        into[place + 2] = source[from + 2 * column]!;
        into[place + 3] = source[from + 3 * column]!;
        place += 4;
        from += row;
      }
    } else {
      for (let step = 0; step < rows; step++) {
        for (let index = 0; index < width; index++) into[place + index] = source[from + index * column]!;
        place += 4;
        from += row;
      }
    }
  }
}

/** {@link packPanels} with pauses where it takes long. */
export function packInPieces(
  source: TypedArray,
  place: MatrixPlace,
  rows: number,
  into: Float64Array,
): undefined | Pieces<undefined> {
  const { start, columns, column } = place;
  const visit = (from: number, to: number): void => {
    const some = { ...place, start: start + 4 * from * column, columns: Math.min(4 * to, columns) - 4 * from };
    packPanels(source, some, rows, into, 4 * from * rows);
  };
  return inPieces({ length: Math.ceil(columns / 4), work: 4 * copyWork * rows, visit }, undefined);
}
