import type { Arithmetic, Product, Scratch } from './arithmetic.ts';

/** Products in plain TypeScript, for engines without WebAssembly SIMD. */
export const plainArithmetic: Arithmetic = (work) => work(scratch);

const scratch: Scratch = {
  take: (length) => ({ data: new Float64Array(length), at: 0 }),
  multiply(product, fromColumn = 0, toColumn = product.columns) {
    for (let column = fromColumn; column < toColumn; column += 4)
      for (let row = 0; row < product.rows; row += 4) tile(product, row, column);
  },
  addScaled(scale, x, startX, y, startY, length) {
    const [from, to] = [x.data, y.data];
    for (let index = 0; index < length; index++) to[startY + index]! += scale * from[startX + index]!;
  },
};

/** Sixteen sums at once: each loaded number is used four times. */
function tile(
  { a, rowA, stepA, b, startB = 0, c, columns, inner, accumulate }: Product,
  row: number,
  column: number,
): void {
  const [left, right, result] = [a.data, b.data, c.data];
  const first = row * columns + column;
  const second = first + columns;
  const third = second + columns;
  const fourth = third + columns;
  // One statement each: destructuring would build an array per tile.
  let s00 = 0;
  let s01 = 0;
  let s02 = 0;
  let s03 = 0;
  let s10 = 0;
  let s11 = 0;
  let s12 = 0;
  let s13 = 0;
  let s20 = 0;
  let s21 = 0;
  let s22 = 0;
  let s23 = 0;
  let s30 = 0;
  let s31 = 0;
  let s32 = 0;
  let s33 = 0;
  if (accumulate) {
    s00 = result[first]!;
    s01 = result[first + 1]!;
    s02 = result[first + 2]!;
    s03 = result[first + 3]!;
    s10 = result[second]!;
    s11 = result[second + 1]!;
    s12 = result[second + 2]!;
    s13 = result[second + 3]!;
    s20 = result[third]!;
    s21 = result[third + 1]!;
    s22 = result[third + 2]!;
    s23 = result[third + 3]!;
    s30 = result[fourth]!;
    s31 = result[fourth + 1]!;
    s32 = result[fourth + 2]!;
    s33 = result[fourth + 3]!;
  }
  let a0 = row * rowA;
  let a1 = a0 + rowA;
  let a2 = a1 + rowA;
  let a3 = a2 + rowA;
  let place = startB + column * inner;
  for (let step = 0; step < inner; step++) {
    const x0 = left[a0]!;
    const x1 = left[a1]!;
    const x2 = left[a2]!;
    const x3 = left[a3]!;
    const y0 = right[place]!;
    const y1 = right[place + 1]!;
    const y2 = right[place + 2]!;
    const y3 = right[place + 3]!;
    s00 += x0 * y0;
    s01 += x0 * y1;
    s02 += x0 * y2;
    s03 += x0 * y3;
    s10 += x1 * y0;
    s11 += x1 * y1;
    s12 += x1 * y2;
    s13 += x1 * y3;
    s20 += x2 * y0;
    s21 += x2 * y1;
    s22 += x2 * y2;
    s23 += x2 * y3;
    s30 += x3 * y0;
    s31 += x3 * y1;
    s32 += x3 * y2;
    s33 += x3 * y3;
    a0 += stepA;
    a1 += stepA;
    a2 += stepA;
    a3 += stepA;
    place += 4;
  }
  result[first] = s00;
  result[first + 1] = s01;
  result[first + 2] = s02;
  result[first + 3] = s03;
  result[second] = s10;
  result[second + 1] = s11;
  result[second + 2] = s12;
  result[second + 3] = s13;
  result[third] = s20;
  result[third + 1] = s21;
  result[third + 2] = s22;
  result[third + 3] = s23;
  result[fourth] = s30;
  result[fourth + 1] = s31;
  result[fourth + 2] = s32;
  result[fourth + 3] = s33;
}
