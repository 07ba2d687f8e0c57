import { hessianProduct, loss, lossAndGradient, nearest, tokenSums, trace, vjp, type Tensor } from '@ddcl/core';
import { afterEach, expect, it, vi } from 'vitest';
import { deviation, problemTypes, problemValues, randomProblem } from '../../../core/test/support/ddcl-problems.ts';
import { gradientOf } from '../../../core/test/support/oracle.ts';
import { simdArithmetic } from '../../src/arithmetic/simd.ts';
import { run } from './run.ts';
import { cpuBackend } from '../../src/index.ts';
import { runOn } from '../run-on.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const operands = (inputs: readonly Tensor[]) => {
  const [tokens, weights, prototypes, temperature] = inputs as [Tensor, Tensor, Tensor, Tensor];
  return { tokens, weights, prototypes, temperature };
};

/** Everything that a pass computes, and the other fused composites. */
const everything = (inputs: readonly Tensor[]): Tensor[] => {
  const given = operands(inputs);
  const { lq, lols, v } = loss(given);
  const wrt = [given.tokens, given.weights, given.prototypes, given.temperature];
  return [
    ...Object.values(tokenSums(given)),
    ...Object.values(lossAndGradient(given)),
    ...vjp([lq, lols, v], [given.temperature, lq, v], wrt),
    hessianProduct(given, given.prototypes),
    ...Object.values(nearest(given, 2)),
  ];
};

it.each([
  // More tokens than a chunk; a warm and a cold temperature, at which most coefficients are 0.
  ['warm', 5],
  ['cold', 0.03],
] as const)('a %s pass has the same bits with SIMD and without', async (_, temperature) => {
  const problem = randomProblem(71, 9, 34, temperature);
  const program = trace(problemTypes(problem, 'float64'), (...x) => everything(x as Tensor[]));
  const [fast, plain] = [cpuBackend({ simd: true }), cpuBackend({ simd: false })];
  expect([fast.simd, plain.simd]).toEqual([true, false]);
  const expected = await runOn(plain, program, problemValues(problem));
  expect(await runOn(fast, program, problemValues(problem))).toEqual(expected);
});

it('adds tokens whose coefficients are mostly 0 one by one, to the same gradient', async () => {
  const problem = randomProblem(71, 9, 34, 0.03);
  const program = trace(problemTypes(problem, 'float64'), (...x) => [
    lossAndGradient(operands(x as Tensor[])).gradient,
  ]);
  const [gradient] = await runOn(cpuBackend(), program, problemValues(problem));
  expect(deviation(gradient!, gradientOf(problem).flat())).toBeLessThan(1e-12);
});

it('says that the engine lacks it, and computes all the same', async () => {
  const problem = randomProblem(5, 3, 4, 2);
  const program = trace(problemTypes(problem, 'float64'), (...x) => everything(x as Tensor[]));
  const expected = await runOn(cpuBackend(), program, problemValues(problem));
  vi.stubGlobal('WebAssembly', undefined);
  const warnings: string[] = [];
  const backend = cpuBackend({ onWarning: (warning) => warnings.push(warning) });
  expect(backend.simd).toBe(false);
  expect(warnings.join()).toContain('does not run WebAssembly with SIMD');
  expect(await runOn(backend, program, problemValues(problem))).toEqual(expected);

  cpuBackend({ simd: false, onWarning: (warning) => warnings.push(warning) });
  expect(warnings).toHaveLength(1);
  expect(() => cpuBackend({ simd: true })).toThrow('Leave simd out');
});

it('refuses what WebAssembly has no addresses for, and works on', () => {
  const arithmetic = simdArithmetic()!;
  expect(() => run(arithmetic, (scratch) => scratch.take(2 ** 29))).toThrow('more than the 4 GiB of scratch memory');
  expect(run(arithmetic, (scratch) => Array.from(scratch.take(2).data))).toEqual([0, 0]);
});
