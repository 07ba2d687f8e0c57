import { f32, matmul, trace } from '@ddcl/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { tiles } from '../../src/kernels/product/tiles.ts';
import { planOf } from '../plans.ts';
import { planRunner } from '../run-plan.ts';
import { hasAdapter } from '../support.ts';

/** Numbers that repeat; exact in half precision, so that sums in float32 are exact too where they are short. */
export const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, index) => (((index * 7919 + seed * 104_729) % 1021) - 510) / 64);

export function expected(
  a: Float32Array,
  b: Float32Array,
  [rows, inner, columns]: readonly number[],
  transposeA: boolean,
  transposeB: boolean,
) {
  const result = new Float64Array(rows! * columns!);
  const scale = new Float64Array(rows! * columns!);
  for (let r = 0; r < rows!; r++) {
    for (let c = 0; c < columns!; c++) {
      for (let i = 0; i < inner!; i++) {
        const x = a[transposeA ? i * rows! + r : r * inner! + i]! * b[transposeB ? c * inner! + i : i * columns! + c]!;
        result[r * columns! + c] = result[r * columns! + c]! + x;
        scale[r * columns! + c] = scale[r * columns! + c]! + Math.abs(x);
      }
    }
  }
  return { result, scale };
}

// Sizes around the tiles' own, and one that is aligned for vectors.
const shapes = [
  [67, 33, 70],
  [129, 130, 20],
] as const;
const choices = Object.values(tiles).flatMap((tile) => [1, 3].map((splits) => ({ tile, splits })));
const flags = [false, true];
const cases = flags.flatMap((transposeA) =>
  flags.flatMap((transposeB) => shapes.map((shape) => ({ transposeA, transposeB, shape }))),
);

/**
 * Half of the products of every tile; compiling them takes SwiftShader half a minute. In either half each tile meets every shape in every layout, in one part
 * or in three: `npm test` asks the first half, `npm run test:all` the other.
 */
export function describeProducts(half: 0 | 1): void {
  describe.runIf(hasAdapter)('products', () => {
    let run: Awaited<ReturnType<typeof planRunner>>;
    beforeAll(async () => {
      run = await planRunner();
    });

    it.each(choices.map((choice, index) => [choice.tile.name, choice.splits, choice, index] as const))(
      'tile %s in %i parts',
      async (_name, _splits, choice, index) => {
        const asked = cases.filter(({ transposeA, transposeB, shape }) => {
          const odd = Number(transposeA) + Number(transposeB) + shapes.indexOf(shape) + index;
          return odd % 2 === half;
        });
        expect(asked).toHaveLength(4);
        for (const { transposeA, transposeB, shape } of asked) {
          const [rows, inner, columns] = shape;
          const [a, b] = [numbers(rows * inner, 1), numbers(inner * columns, 2)];
          const program = trace(
            [transposeA ? f32(inner, rows) : f32(rows, inner), transposeB ? f32(columns, inner) : f32(inner, columns)],
            (x, y) => [matmul(x, y, { transposeA, transposeB })],
          );
          const [actual] = await run(
            planOf(program, {}, false, () => choice),
            [a, b],
          );
          const { result, scale } = expected(a, b, shape, transposeA, transposeB);
          // Higham, section 3.1: any order of n products and sums is off by at most n u of the sum of absolute values.
          const worst = result.reduce(
            (most, x, at) => Math.max(most, Math.abs(actual![at]! - x) / (scale[at]! || 1)),
            0,
          );
          expect(worst, `${shape} ${transposeA} ${transposeB}`).toBeLessThanOrEqual((inner + 1) * 2 ** -24);
        }
      },
    );
  });
}
