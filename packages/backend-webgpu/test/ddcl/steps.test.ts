import { compare, evaluate, type Value } from '@ddcl/backend-conformance';
import { f32, forward, gather, hessianProduct, i32, loss, nearest, sub, trace, vjp } from '@ddcl/core';
import { elementCount, isConcrete, type ConcreteType, type Program } from '@ddcl/core/backend';
import { beforeAll, describe, expect, it } from 'vitest';
import type { KernelLimits } from '../../src/plan/plan-builder.ts';
import { adamStep, massStep, planOf } from '../plans.ts';
import { planRunner } from '../run-plan.ts';
import { hasAdapter } from '../support.ts';

/** Numbers in -1..1 that repeat; those that must not be negative are squares. */
function inputsOf(program: Program): Value[] {
  const scalarsAndVectors = (type: ConcreteType): boolean => type.shape.length < 2;
  return program.parameters.map((each, index) => {
    if (!isConcrete(each)) throw new TypeError('a symbol');
    const length = elementCount(each.shape);
    if (each.dtype === 'int32') {
      return { type: each, data: Int32Array.from({ length }, (_, at) => (at * 7919) % 50) };
    }
    const number = (at: number): number => Math.sin(1 + 37 * index + 12.9898 * at);
    const data = Float32Array.from({ length }, (_, at) =>
      scalarsAndVectors(each) ? 0.5 + number(at) ** 2 : number(at),
    );
    return { type: each, data };
  });
}

/** What joint training asks of rows of a table, with their mean taken off: all gradients, outputs, neighbours. */
const joint = trace(
  [f32(50, 6), i32(300), f32(1, 6), f32(300), f32(5, 6), f32(), f32(300, 6), f32(5, 6)],
  (table, rows, mean, weights, prototypes, temperature, g, direction) => {
    const tokens = sub(gather(table, rows), mean);
    const operands = { tokens, weights, prototypes, temperature };
    const y = forward(operands);
    const { lq, lols, v } = loss(operands);
    return [
      y,
      lq,
      ...vjp([y, lq, lols, v], [g, temperature, lq, lols], [table, weights, prototypes, temperature]),
      hessianProduct(operands, direction),
      ...Object.values(nearest(operands, 2)),
    ];
  },
  'joint training',
);

const inChunks: Partial<KernelLimits> = { narrowWidth: 0, chunkBytes: 1 };

describe.runIf(hasAdapter)('on a device', () => {
  let run: Awaited<ReturnType<typeof planRunner>>;
  beforeAll(async () => {
    run = await planRunner();
  });

  it.each<[string, Program, Partial<KernelLimits>]>([
    ['Adam on narrow tokens', adamStep(300, 5, 7), {}],
    ['a mass-preconditioned step on narrow tokens', massStep(150, 7, 70), {}],
    ['a mass-preconditioned step of two tiles of prototypes', massStep(70, 36, 130), {}],
    ['a mass-preconditioned step in three chunks', massStep(300, 9, 6), inChunks],
    ['joint training on narrow tokens', joint, {}],
    ['joint training', joint, { narrowWidth: 0 }],
    ['joint training in three chunks', joint, inChunks],
  ])('%s is what double precision says', async (_name, program, limits) => {
    const inputs = inputsOf(program);
    const expected = evaluate(program, inputs);
    const plan = planOf(program, {}, true, undefined, limits);
    const results = await run(
      plan,
      inputs.map(({ data }) => data),
    );
    expected.forEach((each, index) => {
      const { worst, message } = compare(results[index]!, each);
      expect(worst, `result ${index}: ${message}`).toBeLessThanOrEqual(1);
    });
  });
});
