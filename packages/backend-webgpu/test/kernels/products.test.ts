import { f32, matmul, mul, trace } from '@ddcl/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { chooseTile, groupsOf, sharedBytesOf, tiles, type TileChoice } from '../../src/kernels/product/tiles.ts';
import { planOf } from '../plans.ts';
import { planRunner } from '../run-plan.ts';
import { hasAdapter } from '../support.ts';

/** Numbers that repeat; exact in half precision, so that sums in float32 are exact too where they are short. */
const numbers = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, index) => (((index * 7919 + seed * 104_729) % 1021) - 510) / 64);

function expected(
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

describe.runIf(hasAdapter)('products', () => {
  let run: Awaited<ReturnType<typeof planRunner>>;
  beforeAll(async () => {
    run = await planRunner();
  });

  // Sizes around the tiles' own, and one that is aligned for vectors.
  const shapes = [
    [67, 33, 70],
    [129, 130, 20],
  ] as const;
  const layouts = [false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) => ({ transposeA, transposeB })),
  );
  const choices: TileChoice[] = Object.values(tiles).flatMap((tile) => [1, 3].map((splits) => ({ tile, splits })));

  it.each(choices.map((choice) => [choice.tile.name, choice.splits, choice] as const))(
    'tile %s in %i parts, all layouts',
    async (_name, _splits, choice) => {
      for (const shape of shapes) {
        for (const { transposeA, transposeB } of layouts) {
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
      }
    },
  );

  it('takes formulas as operands', async () => {
    const [a, b] = [numbers(9 * 5, 3), numbers(5 * 6, 4)];
    const program = trace([f32(9, 5), f32(5, 6)], (x, y) => [matmul(mul(x, 2), y)]);
    const plan = planOf(program, {}, false);
    expect(plan.dispatches).toHaveLength(1);
    const [actual] = await run(plan, [a, b]);
    const { result } = expected(
      a.map((x) => 2 * x),
      b,
      [9, 5, 6],
      false,
      false,
    );
    result.forEach((x, at) => expect(actual![at]).toBeCloseTo(x, 3));
  });
});

describe('the choice of a tile', () => {
  it('keeps a card busy, and within its shared memory', () => {
    for (const rows of [1, 64, 4096, 65_536]) {
      for (const columns of [1, 16, 64, 1024]) {
        const sizes = { batches: 1, rows, columns, inner: 512 };
        const { tile, splits } = chooseTile(sizes, 16_384);
        expect(sharedBytesOf(tile)).toBeLessThanOrEqual(16_384);
        expect(splits).toBeGreaterThanOrEqual(1);
        expect(4 * splits * rows * columns).toBeLessThanOrEqual(Math.max(16 * 2 ** 20, 4 * rows * columns));
        if (tile === tiles.big) expect(groupsOf(tile, sizes)).toBeGreaterThanOrEqual(512);
      }
    }
  });
});
