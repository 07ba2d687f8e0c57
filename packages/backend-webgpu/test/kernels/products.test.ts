import { f32, matmul, mul, trace } from '@ddcl/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { chooseTile, groupsOf, sharedBytesOf, tiles } from '../../src/kernels/product/tiles.ts';
import { planOf } from '../plans.ts';
import { planRunner } from '../run-plan.ts';
import { hasAdapter } from '../support.ts';
import { describeProducts, expected, numbers } from './product-cases.ts';

describeProducts(0);

describe.runIf(hasAdapter)('a product', () => {
  let run: Awaited<ReturnType<typeof planRunner>>;
  beforeAll(async () => {
    run = await planRunner();
  });

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
