import {
  f32,
  forward,
  hessianProduct,
  i32,
  loss,
  lossAndGradient,
  nearest,
  segmentMass,
  segmentSums,
  sum,
  tokenSums,
  trace,
  vjp,
  type Tensor,
} from '@ddcl/core';
import type { Program } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/plan/plan.ts';
import { adamStep, planOf } from '../plans.ts';

const [n, m, k] = [65_536, 64, 8192];

/** A program of the four operands that nearly all families take, and some more. */
function family(
  name: string,
  make: (operands: Four, extra: Tensor) => readonly Tensor[],
  extra = f32(),
): [string, Program] {
  const types = [f32(n, m), f32(n), f32(k, m), f32(), extra];
  const program = trace(types, (tokens, weights, prototypes, temperature, more) =>
    make({ tokens: tokens!, weights: weights!, prototypes: prototypes!, temperature: temperature! }, more!),
  );
  return [name, program];
}

type Four = Record<'tokens' | 'weights' | 'prototypes' | 'temperature', Tensor>;

const families: readonly [string, Program][] = [
  ['a training step', adamStep(n, m, k)],
  family('outputs', (operands) => [forward(operands)]),
  family('losses', (operands) => Object.values(loss(operands))),
  family('sums', (operands) => Object.values(tokenSums(operands))),
  family('nearest', (operands) => Object.values(nearest(operands, 1))),
  family('three nearest', (operands) => Object.values(nearest(operands, 3))),
  family('gradients of the loss', ({ tokens, weights, prototypes, temperature }, g) => {
    const { lq, lols } = loss({ tokens, weights, prototypes, temperature });
    return vjp([lq, lols], [g, g], [tokens, weights, prototypes, temperature]);
  }),
  family(
    'gradients of the outputs',
    ({ tokens, prototypes, temperature }, g) =>
      vjp([forward({ tokens, prototypes, temperature })], [g], [tokens, prototypes, temperature]),
    f32(n, m),
  ),
  family('the Hessian product', (operands, u) => [hessianProduct(operands, u)], f32(k, m)),
  family('mass of segments', (operands, ids) => [segmentMass({ ...operands, ids }, 8)], i32(n)),
  family('sums of segments', (operands, ids) => Object.values(segmentSums({ ...operands, ids }, 2)), i32(n)),
  family('joint training and use', (operands) => {
    const { lq, gradient } = lossAndGradient(operands);
    return [lq, gradient, sum(forward(operands)), ...Object.values(tokenSums(operands))];
  }),
];

/** Bytes of the largest buffer that is no parameter and no result. */
function largestScratch({ buffers, slots }: Plan): number {
  return Math.max(...slots, ...buffers.map((buffer) => (buffer.origin === 'scratch' ? buffer.bytes : 0)));
}

describe('65,536 tokens and 8,192 prototypes', () => {
  it.each(families)('leave nothing above 32 MiB beside operands and results: %s', (_name, program) => {
    const plan = planOf(program);
    expect(largestScratch(plan)).toBeLessThanOrEqual(32 * 2 ** 20);
    for (const { bindings } of plan.dispatches) expect(bindings.length).toBeLessThanOrEqual(8);
    // Texts are those of the first chunk, of one that adds to it, and of what is left over.
    expect(new Set(plan.dispatches.map(({ code }) => code)).size).toBeLessThan(60);
  });
});

describe('tokens of 32 numbers', () => {
  const small = adamStep(65_536, 32, 8192);
  const gradients = trace(
    [f32(65_536, 32), f32(65_536), f32(8192, 32), f32(), f32(), f32(65_536, 32)],
    (tokens, weights, prototypes, temperature, g, onOutputs) => {
      const operands = { tokens, weights, prototypes, temperature };
      const { lq, lols } = loss(operands);
      return vjp([lq, lols, forward(operands)], [g, g, onOutputs], [tokens, weights, prototypes, temperature]);
    },
    'gradients',
  );

  it('have gradients of losses and outputs without anything of N x K either', () => {
    const plan = planOf(gradients);
    const labels = plan.dispatches.map(({ label }) => label).filter((label) => label.startsWith('ddcl'));
    const pulls = ['ddcl rowSlopes', 'ddcl rowPull', 'ddcl rowPull'];
    expect(labels).toEqual(['ddcl rows', ...pulls, ...pulls]);
    expect(largestScratch(plan)).toBeLessThanOrEqual(16 * 2 ** 20);
    for (const { bindings } of plan.dispatches) expect(bindings.length).toBeLessThanOrEqual(8);
  });

  it('leave nothing of N x K, in three dispatches', () => {
    const plan = planOf(small);
    expect(plan.dispatches.map(({ label }) => label)).toEqual(['ddcl rows', 'ddcl rowPull', 'map']);
    expect(largestScratch(plan)).toBeLessThanOrEqual(16 * 2 ** 20);
    for (const { bindings } of plan.dispatches) expect(bindings.length).toBeLessThanOrEqual(8);
  });
});
