import {
  assign,
  forward,
  grad,
  hessianProduct,
  i32,
  loss,
  lossAndGradient,
  nearest,
  segmentSums,
  tensorType,
  tokenSums,
  trace,
  vjp,
  type Tensor,
} from '@ddcl/core';
import type { FloatDType } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import { deviation, problemValues, randomProblem } from '../../../core/test/support/ddcl-problems.ts';
import {
  assignmentsOf,
  gradientOf,
  hessianProductOf,
  outputsOf,
  rowsOf,
  segmentsOf,
  sumsOf,
  type Problem,
} from '../../../core/test/support/oracle.ts';
import {
  lossGradientOf,
  nearestOf,
  outputsGradientOf,
  type OperandGradients,
} from '../../../core/test/support/oracle.ts';
import { randomValue, value, type Value } from '../../../core/test/support/run.ts';
import { cpuBackend } from '../../src/index.ts';
import { runOn } from '../run-on.ts';

const segments = 4;
const idsOf = ({ tokens }: Problem): number[] => tokens.map((_, n) => (n * 5) % 3);

interface Case {
  readonly body: (...inputs: Tensor[]) => readonly Tensor[];
  readonly expected: (problem: Problem, inputs: readonly Value[]) => readonly (readonly number[])[];
  readonly more?: (problem: Problem, dtype: FloatDType) => readonly Value[];
}

const operands = (inputs: readonly Tensor[]) => {
  const [tokens, weights, prototypes, temperature] = inputs as [Tensor, Tensor, Tensor, Tensor];
  return { tokens, weights, prototypes, temperature };
};

const flat = ({ tokens, prototypes, temperature }: Omit<OperandGradients, 'weights'>): number[][] => [
  tokens.flat(),
  prototypes.flat(),
  [temperature],
];
const cotangents = [0.75, -1.25, 0.5];

const cases: Record<string, Case> = {
  'ddcl.assign/1': { body: (...x) => [assign(operands(x))], expected: (p) => [assignmentsOf(p).flat()] },
  'ddcl.forward/1': { body: (...x) => [forward(operands(x))], expected: (p) => [outputsOf(p).flat()] },
  'ddcl.forwardGradient/1': {
    body: (...x) => {
      const { tokens, prototypes, temperature } = operands(x);
      return vjp([forward(operands(x))], [x[4]!], [tokens, prototypes, temperature]);
    },
    expected: (p, inputs) => flat(outputsGradientOf(p, rowsOf(inputs[4]!.data, p.prototypes[0]!.length))),
    more: ({ tokens }, dtype) => [randomValue(tensorType(dtype, [tokens.length, tokens[0]!.length]), 9)],
  },
  'ddcl.loss/1': {
    body: (...x) => Object.values(loss(operands(x))),
    expected: (p) => [[sumsOf(p).lq], [sumsOf(p).lols], [sumsOf(p).v]],
  },
  'ddcl.lossGradient/1': {
    body: (...x) => {
      const { tokens, prototypes, temperature } = operands(x);
      const { lq, lols, v } = loss(operands(x));
      const wrt = [tokens, prototypes, temperature];
      return [...vjp([lq, lols, v], x.slice(4), wrt), ...grad(lq, wrt)];
    },
    expected: (p) => [...flat(lossGradientOf(p, cotangents)), ...flat(lossGradientOf(p, [1, 0, 0]))],
    more: (_, dtype) => cotangents.map((each) => value(tensorType(dtype, []), [each])),
  },
  'ddcl.nearest/1': {
    body: (...x) => Object.values(nearest(operands(x), 1)),
    expected: (p) => [nearestOf(p, 1).indices.flat(), nearestOf(p, 1).distances.flat()],
  },
  'ddcl.lossAndGradient/2': {
    body: (...x) => Object.values(lossAndGradient(operands(x))),
    expected: (p) => [[sumsOf(p).lq], gradientOf(p).flat()],
  },
  'ddcl.tokenSums/1': {
    body: (...x) => Object.values(tokenSums(operands(x))),
    expected: (p) => Object.values(sumsOf(p)).map((sum: number | number[]) => [sum].flat()),
  },
  'ddcl.hessianProduct/1': {
    body: (...x) => [hessianProduct(operands(x), x[4]!)],
    expected: (p, inputs) => [hessianProductOf(p, rowsOf(inputs[4]!.data, p.prototypes[0]!.length)).flat()],
    more: ({ prototypes }, dtype) => [randomValue(tensorType(dtype, [prototypes.length, prototypes[0]!.length]), 8)],
  },
  'ddcl.segmentSums/1': {
    body: (...x) => Object.values(segmentSums({ ...operands(x), ids: x[4]! }, segments)),
    expected: (p) => [segmentsOf(p, idsOf(p), segments).mass.flat(), segmentsOf(p, idsOf(p), segments).sums.flat(2)],
    more: (p) => [value(i32(p.tokens.length), idsOf(p))],
  },
};

/**
 * Sizes around the chunk of the kernels (64) and the tile of their matrix product (4). The conformance suite asks for more sizes,
 * and allows what any float32 kernel needs: these compute in double precision, and round the inputs and the result only.
 */
const sizes = [
  [1, 1, 1],
  [65, 5, 4],
  [130, 9, 7],
] as const;
const tolerance = { float64: 1e-12, float32: 2e-7 } as const;

describe('fused kernels', () => {
  it('have a test each', () => {
    expect(Object.keys(cases).sort()).toEqual([...cpuBackend().capabilities.composites].sort());
  });

  for (const dtype of ['float64', 'float32'] as const) {
    it.each(Object.entries(cases))(`round once in ${dtype}: %s`, async (name, { body, expected, more }) => {
      for (const [index, [n, count, m]] of sizes.entries()) {
        const drawn = randomProblem(n, count, m, 0.5, 30 + index);
        // The numbers that the program really sees.
        const seen = (x: number): number => (dtype === 'float32' ? Math.fround(x) : x);
        const problem: Problem = {
          tokens: drawn.tokens.map((row) => row.map(seen)),
          weights: drawn.weights.map(seen),
          prototypes: drawn.prototypes.map((row) => row.map(seen)),
          temperature: drawn.temperature,
        };
        const inputs = [...problemValues(problem, dtype), ...(more?.(problem, dtype) ?? [])];
        const program = trace(
          inputs.map(({ type }) => type),
          (...tensors) => body(...(tensors as Tensor[])),
          name,
        );
        const fused = await runOn(cpuBackend(), program, inputs);
        expected(problem, inputs).forEach((numbers, output) => {
          const where = `${name} output ${output} of n = ${n}, K = ${count}, m = ${m}`;
          expect(deviation(fused[output]!, numbers), where).toBeLessThan(tolerance[dtype]);
        });
      }
    });
  }
});

describe('segmentSums', () => {
  it('refuses ids out of range', async () => {
    const problem = randomProblem(3, 2, 2, 1);
    const program = trace([...problemValues(problem).map(({ type }) => type), i32(3)], (...x) =>
      Object.values(segmentSums({ ...operands(x as Tensor[]), ids: x[4]! }, 2)),
    );
    await expect(runOn(cpuBackend(), program, [...problemValues(problem), value(i32(3), [0, 1, 2])])).rejects.toThrow(
      'the id 2, which is outside 0..1',
    );
  });
});

describe('nearest', () => {
  it('goes over tiles of prototypes: more than fit one, with ties across them', async () => {
    const [n, count, k] = [70, 600, 4];
    // Every prototype three times, 200 apart; tokens on whole numbers, distances exact.
    const prototypes = Array.from({ length: count }, (_, index) => [index % 200, (index * 7) % 10]);
    const tokens = Array.from({ length: n }, (_, index) => [(index * 13) % 200, index % 10]);
    const problem = { tokens, prototypes, weights: [], temperature: 1 };
    const inputs = [
      value(tensorType('float32', [n, 2]), tokens.flat()),
      value(tensorType('float32', [count, 2]), prototypes.flat()),
    ];
    const program = trace(
      inputs.map(({ type }) => type),
      (z, p) => Object.values(nearest({ tokens: z!, prototypes: p! }, k)),
    );
    const { indices, distances } = nearestOf(problem, k);
    expect(await runOn(cpuBackend(), program, inputs)).toEqual([indices.flat(), distances.flat()]);
  });
});

describe('a token that is a prototype', () => {
  it.each([7, 8])('has distance 0 to it, whatever rounds, with m = %i', async (m) => {
    const { tokens } = randomProblem(13, 1, m, 1);
    const input = value(tensorType('float64', [13, m]), tokens.flat());
    const program = trace([input.type, input.type], (z, p) =>
      Object.values(nearest({ tokens: z!, prototypes: p! }, 1)),
    );
    const [indices, distances] = await runOn(cpuBackend(), program, [input, input]);
    expect(indices).toEqual(tokens.map((_, index) => index));
    expect(distances).toEqual(tokens.map(() => 0));
  });
});

describe('a cold temperature', () => {
  it('gives hard assignments and no NaN, fused and not', async () => {
    // Distances over T reach 1e6: exponents far below the smallest double.
    const problem = randomProblem(40, 4, 3, 1e-5, 3);
    for (const fused of [true, false]) {
      const [lq, , v, hard, entropy, mass, wins] = await runOn(
        cpuBackend({ fused }),
        trace(
          problemValues(problem).map(({ type }) => type),
          (...x) => Object.values(tokenSums(operands(x as Tensor[]))),
        ),
        problemValues(problem),
      );
      expect(deviation(lq!, hard!)).toBeLessThan(1e-9);
      expect(deviation(mass!, wins!)).toBeLessThan(1e-9);
      expect(v![0]).toBeLessThan(1e-9);
      expect(Math.abs(entropy![0]!)).toBeLessThan(1e-9);
    }
  });
});
