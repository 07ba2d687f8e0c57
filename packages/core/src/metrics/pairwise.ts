import { DdclError } from '../errors/ddcl-error.ts';
import type { RowData } from '../linalg/rows.ts';
import { firstNonFinite } from '../numbers/first-non-finite.ts';
import { squaredDistance } from '../linalg/squared-distance.ts';

/**
 * Checks a block of prototypes.
 *
 * @param rows count x dimension, row-major, finite.
 * @throws DdclError `argument` unless both sizes are integers >= 1, `shape` when `rows` has another
 *   length, `data` when a number is not finite.
 */
export function checkPrototypes(rows: RowData, count: number, dimension: number): void {
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(dimension) || count < 1 || dimension < 1) {
    throw new DdclError('argument', `Prototypes need a count and a dimension >= 1, but ${count} x ${dimension} came.`);
  }
  if (rows.length !== count * dimension) {
    throw new DdclError('shape', `${count} x ${dimension} prototypes were announced, but ${rows.length} numbers came.`);
  }
  const bad = firstNonFinite(rows);
  if (bad >= 0) {
    throw new DdclError(
      'data',
      `Prototypes must be finite, but prototype ${Math.floor(bad / dimension)} holds ${rows[bad]}.`,
    );
  }
}

/** Sees a pair i < j of prototypes with their Euclidean distance. */
export type PairVisitor = (i: number, j: number, distance: number) => void;

/**
 * Calls `visit(i, j, distance)` for every pair i < j of rows with their Euclidean distance, in float64.
 *
 * @param rows count x dimension, row-major; checked by {@link checkPrototypes} first.
 */
export function forEachPair(rows: RowData, count: number, dimension: number, visit: PairVisitor): void {
  checkPrototypes(rows, count, dimension);
  for (let i = 0; i < count; i += 1) {
    for (let j = i + 1; j < count; j += 1) {
      visit(i, j, Math.sqrt(squaredDistance(rows, i * dimension, rows, j * dimension, dimension)));
    }
  }
}
