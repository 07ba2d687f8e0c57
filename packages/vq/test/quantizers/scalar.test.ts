import { describe, expect, it } from 'vitest';
import { cpuBackend } from '@ddcl/backend-cpu';
import { createState, decode, quantize, type QuantizerSpec } from '../../src/index.ts';
import { normals } from '../kinds.ts';
import { mean, perComponent, rowsOf, softmax, upstreamSum, type Rows } from './reference.ts';
import { deviation, differences, problem, runPart } from './run-part.ts';

const n = 9;
const spread = (m: number, seed: number) => {
  const given = problem(n, m, seed);
  return { ...given, z: given.z.map((value) => 1.5 * value) };
};
const masked = (rows: Rows, weights: readonly number[]): number[] =>
  rows.flatMap((row, index) => row.map((value) => (weights[index]! > 0 ? value : 0)));

describe.each([
  ['bounded', [8, 5, 3, 4]],
  ['symmetric', [2, 3, 4, 7]],
] as const)('fsq, %s', (variant, levels) => {
  const given = spread(4, 41);
  const spec: QuantizerSpec = { kind: 'fsq', dimension: 4, levels, variant };

  /** The number before it is rounded, in the values' units, and the digit. */
  function bounded(z: number, count: number): { soft: number; digit: number; value: number } {
    if (variant === 'symmetric') {
      const digit = Math.floor(((count - 1) * (Math.tanh(z) + 1)) / 2 + 0.5);
      return { soft: Math.tanh(z), digit, value: (2 / (count - 1)) * digit - 1 };
    }
    const half = ((count - 1) * (1 + 1e-3)) / 2;
    const offset = count % 2 === 0 ? 0.5 : 0;
    const b = half * Math.tanh(z + Math.atanh(offset / half)) - offset;
    const width = Math.floor(count / 2);
    return { soft: b / width, digit: Math.floor(b + 0.5) + width, value: Math.floor(b + 0.5) / width };
  }

  it('rounds each component to its values, straight through', async () => {
    const ran = await runPart({ spec, ...given });
    const rows = rowsOf(given.z, 4);
    const values = rows.map((row) => row.map((z, axis) => bounded(z, levels[axis]!).value));
    expect(deviation(ran.output, masked(values, given.weights))).toBeLessThan(1e-15);
    const indices = rows.map((row, index) => {
      let [number, basis] = [0, 1];
      row.forEach((z, axis) => {
        number += bounded(z, levels[axis]!).digit * basis;
        basis *= levels[axis]!;
      });
      return given.weights[index]! > 0 ? number : 0;
    });
    expect(ran.indices).toEqual(indices);
    const upstream = rowsOf(given.upstream, 4);
    const of = (flat: readonly number[]): number =>
      upstreamSum(given.weights, upstream, (row) =>
        rowsOf(flat, 4)[row]!.map((z, axis) => bounded(z, levels[axis]!).soft),
      );
    expect(deviation(ran.gradients['z']!, differences(of, given.z))).toBeLessThan(1e-9);
  });

  it('reaches every value, and no index beyond K, however large a number is', async () => {
    const data = normals(4 * 4000, 1, 1.5);
    data.set([1e30, -1e30, 40, -40]);
    const { indices, report } = await quantize(cpuBackend(), createState(spec), { data, shape: [4000, 4] });
    const size = levels.reduce((product, count) => product * count, 1);
    expect(Math.max(...indices)).toBeLessThan(size);
    expect(Math.min(...indices)).toBeGreaterThanOrEqual(0);
    expect(report.use).toBeGreaterThan(0.7);
    const seen = levels.map(
      (_, axis) => new Set(Array.from(decode(createState(spec), indices)).filter((_v, at) => at % 4 === axis)),
    );
    expect(seen.map((values) => values.size)).toEqual([...levels]);
    if (variant === 'symmetric')
      for (const values of seen) expect([Math.min(...values), Math.max(...values)]).toEqual([-1, 1]);
    else expect([Math.min(...seen[0]!), Math.max(...seen[0]!)]).toEqual([-1, 0.75]);
  });
});

it('fsq makes no table of its codes: 4^15 of them take no memory', async () => {
  const spec: QuantizerSpec = { kind: 'fsq', dimension: 15, levels: new Array<number>(15).fill(4) };
  const data = normals(15 * 20, 3);
  const state = createState(spec);
  const { indices, hard, report } = await quantize(cpuBackend(), state, { data, shape: [20, 15] });
  expect(decode(state, indices)).toEqual(hard);
  expect(report.use).toBeCloseTo(20 / 4 ** 15, 12);
  expect(Object.keys(state.tensors)).toEqual([]);
});

describe('lfq', () => {
  it.each([1, 2, 5])(
    'is the signs of %s components, the first the most significant, with an exact entropy loss',
    async (bits) => {
      const given = problem(n, bits, 51);
      const z = given.z.map((value, index) => (index === 0 ? 0 : 0.3 * value));
      const spec: QuantizerSpec = {
        kind: 'lfq',
        dimension: bits,
        codes: 2 ** bits,
        entropyWeight: 0.7,
        diversity: 1.3,
        inverseTemperature: 1.7,
      };
      const ran = await runPart({ spec, ...given, z });
      const rows = rowsOf(z, bits);
      // Only above 0 is +1: the first number, which is 0, is -1.
      const signs = rows.map((row) => row.map((value) => (value > 0 ? 1 : -1)));
      expect(ran.output).toEqual(masked(signs, given.weights));
      const indices = signs.map((row) => row.reduce((number, sign) => 2 * number + (sign > 0 ? 1 : 0), 0));
      expect(ran.indices).toEqual(indices.map((index, row) => (given.weights[row]! > 0 ? index : 0)));
      const upstream = rowsOf(given.upstream, bits);
      const codes = Array.from({ length: 2 ** bits }, (_, code) =>
        Array.from({ length: bits }, (_each, bit) => ((code >> (bits - 1 - bit)) & 1 ? 1 : -1)),
      );
      const entropy = (q: readonly number[]): number => -q.reduce((sum, p) => (p > 0 ? sum + p * Math.log(p) : sum), 0);
      const own = (row: readonly number[]): number[] =>
        softmax(codes.map((code) => 2 * 1.7 * code.reduce((sum, sign, bit) => sum + sign * row[bit]!, 0)));
      const loss = (own0: Rows): number => {
        const average = codes.map((_, k) => mean(given.weights, (row) => own(own0[row]!)[k]!));
        return 0.7 * (mean(given.weights, (row) => entropy(own(own0[row]!))) - 1.3 * entropy(average));
      };
      const of = (flat: readonly number[]): number =>
        upstreamSum(given.weights, upstream, (row) => rowsOf(flat, bits)[row]!) +
        loss(rowsOf(flat, bits)) +
        0.25 * mean(given.weights, (row) => perComponent(rowsOf(flat, bits)[row]!, signs[row]!));
      expect(ran.loss).toBeCloseTo(of(z) - upstreamSum(given.weights, upstream, (row) => rows[row]!), 12);
      expect(deviation(ran.gradients['z']!, differences(of, z))).toBeLessThan(1e-8);
    },
  );
});
