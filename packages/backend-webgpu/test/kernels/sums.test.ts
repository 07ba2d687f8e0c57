import { add, argMax, div, f32, i32, iota, max, mul, segmentSum, sum, trace } from '@ddcl/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { pieceRows } from '../../src/kernels/segment-sum.ts';
import { planOf } from '../plans.ts';
import { planRunner } from '../run-plan.ts';
import { hasAdapter } from '../support.ts';

describe.runIf(hasAdapter)('sums', () => {
  let run: Awaited<ReturnType<typeof planRunner>>;
  beforeAll(async () => {
    run = await planRunner();
  });

  it('of many numbers go in parts', async () => {
    const x = Float32Array.from({ length: 3 * 20_000 }, (_, index) => ((index * 37) % 1000) / 1000);
    const plan = planOf(
      trace([f32(3, 20_000)], (value) => [sum(value), sum(value, [1]), max(value), argMax(value, 1)]),
    );
    expect(plan.dispatches.map(({ label }) => label)).toEqual(['sum', 'sum', 'sum', 'sum', 'max', 'max', 'argMax']);
    const [total, rows, most, places] = await run(plan, [x]);
    const exact = [0, 1, 2].map((row) => x.subarray(row * 20_000, (row + 1) * 20_000).reduce((a, b) => a + b, 0));
    // Trees of 256 lanes: far below n u.
    expect(Math.abs(total![0]! / exact.reduce((a, b) => a + b) - 1)).toBeLessThan(1e-6);
    exact.forEach((value, row) => expect(Math.abs(rows![row]! / value - 1)).toBeLessThan(1e-6));
    expect(most![0]).toBe(Math.fround(0.999));
    expect(Array.from(places!)).toEqual(
      [0, 1, 2].map((row) => x.subarray(row * 20_000, (row + 1) * 20_000).indexOf(Math.fround(0.999))),
    );
  });

  it('of small tensors are part of the maps that need them', async () => {
    const plan = planOf(
      trace([f32(300, 2), f32(300)], (x, y) => [mul(add(x, sum(y)), div(sum(x), sum(mul(y, y)))), mul(y, 2)]),
    );
    // One dispatch: both totals, the elements, and what there is one of for each row.
    expect(plan.dispatches.map(({ label }) => label)).toEqual(['map']);
    const x = Float32Array.from({ length: 600 }, (_, index) => (index % 7) - 3);
    const y = Float32Array.from({ length: 300 }, (_, index) => (index % 5) / 4);
    const [mapped, doubled] = await run(plan, [x, y]);
    const total = (values: Float32Array): number => values.reduce((a, b) => a + b, 0);
    const factor = total(x) / total(y.map((value) => value * value));
    x.forEach((value, at) => expect(mapped![at]).toBeCloseTo((value + total(y)) * factor, 3));
    expect(doubled).toEqual(y.map((value) => 2 * value));
  });

  it('of segments in any order, in more than one piece', async () => {
    const n = pieceRows + 300;
    const segments = 9;
    const ids = Int32Array.from({ length: n }, (_, index) => (index * 7919) % segments);
    const values = Float32Array.from({ length: n }, (_, index) => (index % 64) + 1);
    const [sums] = await run(planOf(trace([f32(n), i32(n)], (x, at) => [segmentSum(x, at, { segments })])), [
      values,
      ids,
    ]);
    const exact = new Float32Array(segments);
    ids.forEach((id, index) => (exact[id] = exact[id]! + values[index]!));
    expect(sums).toEqual(exact);
  });

  it('of more elements than a line of workgroups has', async () => {
    const n = 65_535 * 256 + 300;
    const plan = planOf(trace([i32()], (x) => [add(iota(x, 'int32', [n]), x)]));
    expect(plan.dispatches[0]!.groups).toBeGreaterThan(65_535);
    const [numbers] = await run(plan, [Int32Array.of(5)]);
    expect(numbers!.findIndex((value, index) => value !== index + 5)).toBe(-1);
  });
});
