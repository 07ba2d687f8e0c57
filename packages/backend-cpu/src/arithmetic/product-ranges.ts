import type { Product, Scratch } from './arithmetic.ts';
import { pieceWork, type Pace, type Ranges } from './pieces.ts';

/** A product: done at once where it is short, else given back as ranges of 4 columns. */
export function multiplied(scratch: Scratch, product: Product, pace: Pace): Ranges | undefined {
  const { rows, columns, inner } = product;
  const work = rows * columns * inner;
  if (work <= pieceWork) {
    scratch.multiply(product);
    pace.add(work);
    return undefined;
  }
  return {
    length: columns / 4,
    work: 4 * rows * inner,
    visit: (from, to) => scratch.multiply(product, 4 * from, 4 * to),
  };
}
