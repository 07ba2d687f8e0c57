import {
  add,
  concat,
  exp,
  f32,
  i32,
  matmul,
  mul,
  reshape,
  segmentSum,
  softmax,
  sum,
  tokenSums,
  trace,
  type Tensor,
} from '@ddcl/core';
import type { Program } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import { formatPlan, type Plan } from '../../src/plan/plan.ts';
import { adamStep, leastLimits, massStep, planOf } from '../plans.ts';

const programs: Readonly<Record<string, Program>> = {
  'a training step': adamStep(512, 24, 200),
  sums: trace([f32(300, 5), f32(300), f32(7, 5), f32()], (tokens, weights, prototypes, temperature) =>
    Object.values(tokenSums({ tokens, weights, prototypes, temperature })),
  ),
  'many operands': trace(
    Array.from({ length: 24 }, () => f32(3)),
    (...inputs: Tensor[]) => [
      inputs.reduce((total, each) => add(total, each)),
      concat(inputs, 0),
      exp(concat(inputs, 0)),
    ],
  ),
  'many results': trace([f32(3)], (x) => Array.from({ length: 24 }, (_, index) => add(x, index))),
  'a long chain': trace([f32(9)], (x) => {
    let y = x;
    for (let step = 0; step < 400; step++) y = add(mul(y, y), x);
    return [y];
  }),
  'a long reduction': trace([f32(100_000), i32(100_000)], (x, ids) => [
    sum(x),
    segmentSum(reshape(exp(x), [100_000, 1]), ids, { segments: 3 }),
  ]),
};

/** What a dispatch reads was written before by another one, and nothing else has been written over it. */
function checkSlots(plan: Plan): void {
  const holder = new Map<number, number>();
  for (const { bindings } of plan.dispatches) {
    const touched = new Map<string, string>();
    for (const { buffer, access } of bindings) {
      const origin = plan.buffers[buffer]!;
      const place = origin.origin === 'scratch' ? `slot ${origin.slot}` : `buffer ${buffer}`;
      expect(touched.get(place) ?? access, `${place} is read and written by one dispatch`).toBe(access);
      touched.set(place, access);
      if (origin.origin !== 'scratch') continue;
      expect(plan.slots[origin.slot]!).toBeGreaterThanOrEqual(origin.bytes);
      if (access === 'write') holder.set(origin.slot, buffer);
      else expect(holder.get(origin.slot), `${place} holds another buffer`).toBe(buffer);
    }
  }
}

describe.each(Object.entries(programs))('the plan of %s', (_, program) => {
  it.each([true, false])('binds no more than any device allows, and keeps slots apart (fused: %s)', (fused) => {
    const plan = planOf(program, {}, fused);
    for (const { bindings, label } of plan.dispatches) {
      expect(bindings.length, label).toBeLessThanOrEqual(leastLimits.storageBuffers);
    }
    checkSlots(plan);
  });
});

describe('a training step', () => {
  it.each([
    ['Adam', adamStep],
    ['mass preconditioned', massStep],
  ])('takes few dispatches: %s', (_name, step) => {
    const count = (n: number, m: number, k: number): number => planOf(step(n, m, k)).dispatches.length;
    expect([count(65_536, 2, 4), count(8192, 32, 512), count(65_536, 32, 8192)]).toEqual([3, 3, 3]);
    expect([count(8192, 384, 64), count(100, 384, 128), count(65_536, 128, 128)]).toEqual([3, 3, 3]);
    expect([count(4096, 768, 256), count(8192, 33, 129)]).toEqual([4, 4]);
    // Two chunks, then four.
    expect([count(16_384, 128, 1024), count(4096, 256, 8192)]).toEqual([7, 13]);
  });

  it('keeps 32 MiB of logits at most', () => {
    expect(planOf(adamStep(8192, 384, 64), {}, false).dispatches.length).toBeGreaterThan(12);
    const largest = Math.max(...planOf(adamStep(16_384, 128, 1024)).buffers.map(({ bytes }) => bytes));
    expect(largest).toBe(32 * 2 ** 20);
  });

  it('makes the optimiser where it adds the gradient up', () => {
    const plan = planOf(adamStep(8192, 384, 64));
    const last = plan.dispatches.at(-1)!;
    expect(last.label).toBe('map');
    expect(last.bindings.filter(({ access }) => access === 'write')).toHaveLength(3);
  });

  it('costs nothing for a loss that nobody wants', () => {
    const whole = adamStep(8192, 384, 64);
    const without: Program = { ...whole, results: whole.results.slice(1) };
    const bindings = (program: Program): number => planOf(program).dispatches.flatMap((each) => each.bindings).length;
    // The weights and sums of the logits' kernel, the two of the gradient's that add them up.
    expect(bindings(without)).toBe(bindings(whole) - 4);
  });
});

describe('symbols', () => {
  const program = trace([f32('n', 4), f32(4)], (x, w) => [softmax(mul(x, w)), matmul(x, x, { transposeA: true })]);
  const codes = (n: number): string[] => planOf(program, { n }).dispatches.map(({ code }) => code);

  it('leave one text for lengths of a kind', () => {
    expect(codes(67)).toEqual(codes(65));
    expect(codes(67).join()).toContain('sizes.size_n');
  });

  it('share the text of products of other sizes', () => {
    const square = (size: number) => planOf(trace([f32(size, size)], (x) => [matmul(x, x)])).dispatches[0]!;
    expect(square(40).code).toBe(square(44).code);
    expect(square(40).sizes).not.toEqual(square(44).sizes);
  });
});

it('is told line by line', () => {
  const text = formatPlan('softmax', planOf(trace([f32(64, 384)], (x) => [softmax(x)])));
  expect(text.split('\n')[0]).toBe('plan of softmax: 1 dispatches, 0 copies');
  expect(text).toContain(
    '  1. softmax: along axis 1 of [64, 384], 256 threads a row - 64 groups, 196,608 flops, 196,608 bytes',
  );
  expect(text).toMatch(/in all [\d,]+ flops, [\d,]+ bytes; scratch \[[\d, ]*\] bytes$/);
});
