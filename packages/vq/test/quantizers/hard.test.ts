import { describe, expect, it } from 'vitest';
import type { QuantizerSpec } from '../../src/index.ts';
import { normals } from '../kinds.ts';
import {
  averagesOf,
  mean,
  nearestIndex,
  perComponent,
  product,
  rotationMatrix,
  rowsOf,
  unit,
  upstreamSum,
  type Rows,
} from './reference.ts';
import { deviation, differences, problem, runPart } from './run-part.ts';

const [n, m, count] = [7, 3, 4];
const given = problem(n, m, 11);
const codes = Array.from(normals(count * m, 13));
const mass = [0.4, 0.3, 0.2, 0.1];
const upstream = rowsOf(given.upstream, m);
const { weights } = given;

/*
 * The gradient of an estimator is the true gradient of a surrogate in which what is stopped stays at its value. It is written here by loops and
 * differentiated by central differences.
 */
const isToken = (row: number): boolean => weights[row]! > 0;
const masked = (rows: Rows): number[] => rows.flatMap((row, index) => row.map((value) => (isToken(index) ? value : 0)));

describe('vq', () => {
  const spec: QuantizerSpec = { kind: 'vq', dimension: m, codes: count, codeWeight: 0.7, commitment: 0.3 };

  it('is the nearest code, with both halves of the loss going their own way', async () => {
    const ran = await runPart({ spec, ...given, tensors: { 'codes.0.0': codes, 'mass.0.0': mass } });
    const [z0, p0] = [rowsOf(given.z, m), rowsOf(codes, m)];
    const indices = z0.map((z) => nearestIndex(z, p0));
    const hard = indices.map((k) => p0[k]!);
    expect(ran.indices).toEqual(indices.map((k, row) => (isToken(row) ? k : 0)));
    expect(ran.output).toEqual(masked(hard));
    expect(ran.hard).toEqual(ran.output);
    const surrogate = (z: Rows, p: Rows): number =>
      upstreamSum(weights, upstream, (row) => z[row]!) +
      0.7 * mean(weights, (row) => perComponent(z0[row]!, p[indices[row]!]!)) +
      0.3 * mean(weights, (row) => perComponent(z[row]!, hard[row]!));
    expect(ran.loss).toBeCloseTo(surrogate(z0, p0) - upstreamSum(weights, upstream, (row) => z0[row]!), 12);
    // Differences of quadratics are exact but for rounding, 1e-16 / 1e-3.
    const dz = differences((flat) => surrogate(rowsOf(flat, m), p0), given.z);
    expect(deviation(ran.gradients['z']!, dz)).toBeLessThan(1e-10);
    const dp = differences((flat) => surrogate(z0, rowsOf(flat, m)), codes);
    expect(deviation(ran.gradients['codes.0.0']!, dp)).toBeLessThan(1e-10);
    const total = weights.reduce((a, b) => a + b, 0);
    const shares = mass.map(
      (old, k) => 0.99 * old + (0.01 * weights.reduce((sum, a, row) => sum + (indices[row] === k ? a : 0), 0)) / total,
    );
    expect(deviation(ran.next['mass.0.0']!, shares)).toBeLessThan(1e-14);
  });

  it('of two levels keeps the gradient of the second from the codes of the first', async () => {
    const second = Array.from(normals(count * m, 17), (value) => value / 2);
    const tensors = { 'codes.0.0': codes, 'codes.0.1': second };
    const ran = await runPart({ spec: { ...spec, depth: 2 }, ...given, tensors });
    const [z0, p0, p1] = [rowsOf(given.z, m), rowsOf(codes, m), rowsOf(second, m)];
    const first = z0.map((z) => nearestIndex(z, p0));
    const left = z0.map((z, row) => z.map((value, axis) => value - p0[first[row]!]![axis]!));
    const next = left.map((z) => nearestIndex(z, p1));
    const half = (rows: Rows, indices: readonly number[]) => (p: Rows) =>
      0.7 * mean(weights, (row) => perComponent(rows[row]!, p[indices[row]!]!));
    const [onFirst, onSecond] = [half(z0, first), half(left, next)];
    const [d0, d1] = [
      differences((flat) => onFirst(rowsOf(flat, m)), codes),
      differences((flat) => onSecond(rowsOf(flat, m)), second),
    ];
    expect(deviation(ran.gradients['codes.0.0']!, d0)).toBeLessThan(1e-10);
    expect(deviation(ran.gradients['codes.0.1']!, d1)).toBeLessThan(1e-10);
  });

  it('has two weights for two directions', async () => {
    const only = (change: Partial<QuantizerSpec>) =>
      runPart({
        spec: { ...spec, ...change },
        ...given,
        upstream: given.upstream.map(() => 0),
        tensors: { 'codes.0.0': codes },
      });
    const code = await only({ commitment: 0 });
    expect(code.gradients['z']!.every((value) => value === 0)).toBe(true);
    expect(code.gradients['codes.0.0']!.some((value) => value !== 0)).toBe(true);
    const commitment = await only({ codeWeight: 0 });
    expect(commitment.gradients['codes.0.0']!.every((value) => value === 0)).toBe(true);
    expect(commitment.gradients['z']!.some((value) => value !== 0)).toBe(true);
  });

  it('draws codes by their Gumbel numbers where it is stochastic', async () => {
    const gumbels = Array.from({ length: n * count }, (_, index) => (index % count === (index >> 2) % count ? 50 : 0));
    const ran = await runPart({
      spec: { ...spec, stochastic: true },
      ...given,
      tensors: { 'codes.0.0': codes },
      inputs: { gumbels },
    });
    expect(ran.indices).toEqual(Array.from({ length: n }, (_, row) => (isToken(row) ? row % count : 0)));
  });
});

describe.each(['ema', 'rotation', 'cosine'] as const)('%s', (kind) => {
  const spec: QuantizerSpec = { kind, dimension: m, codes: count, commitment: 0.3, decay: 0.8 };

  it('is the nearest code, its gradient is that of its estimator, and codes become averages', async () => {
    const isCosine = kind === 'cosine';
    const p0 = rowsOf(codes, m).map((code) => (isCosine ? unit(code) : code));
    // Averages that are not quite where their codes are.
    const rest = Array.from(normals(count * m, 29, 0.01));
    const ownSums = p0.flatMap((code, k) => code.map((value, axis) => (value + rest[k * m + axis]!) * mass[k]!));
    const tensors = { 'codes.0.0': p0.flat(), 'mass.0.0': mass, 'rest.0.0': rest };
    const ran = await runPart({ spec, ...given, tensors });
    const see = (z: readonly number[]): number[] => (isCosine ? unit(z) : [...z]);
    const z0 = rowsOf(given.z, m);
    const indices = z0.map((z) => nearestIndex(see(z), p0));
    const hard = indices.map((k) => p0[k]!);
    expect(ran.indices).toEqual(indices.map((k, row) => (isToken(row) ? k : 0)));
    // To the last bit, the length of unit codes apart.
    expect(deviation(ran.output, masked(hard))).toBeLessThan(isCosine ? 1e-15 : 1e-300);
    const through = (row: number, z: readonly number[]): number[] =>
      kind === 'rotation' ? product(rotationMatrix(z0[row]!, hard[row]!), z) : see(z);
    const surrogate = (z: Rows): number =>
      upstreamSum(weights, upstream, (row) => through(row, z[row]!)) +
      0.3 * mean(weights, (row) => perComponent(see(z[row]!), hard[row]!));
    const dz = differences((flat) => surrogate(rowsOf(flat, m)), given.z);
    // Four-point differences of a normalization at vectors of length about 1: step^4 / 30 of its fifth derivative.
    expect(deviation(ran.gradients['z']!, dz)).toBeLessThan(isCosine ? 1e-7 : 1e-10);
    expect(Object.keys(ran.gradients)).toEqual(['z']);
    const next = averagesOf({ z: z0.map(see), weights, indices }, { codes: p0, mass, sums: rowsOf(ownSums, m) }, 0.8);
    expect(deviation(ran.next['mass.0.0']!, next.mass)).toBeLessThan(1e-14);
    const moved = isCosine ? next.codes.map(unit) : next.codes;
    expect(deviation(ran.next['codes.0.0']!, moved.flat())).toBeLessThan(1e-14);
    const averages = ran.next['codes.0.0']!.map((value, index) => value + ran.next['rest.0.0']![index]!);
    expect(deviation(averages, next.codes.flat())).toBeLessThan(1e-14);
  });
});

describe('rotation', () => {
  const spec: QuantizerSpec = { kind: 'rotation', dimension: 2, codes: 2, commitment: 0 };

  it('gives the code to the last bit, and is straight-through where there is no rotation', async () => {
    // A latent of length 0, one opposite to its code, and an ordinary one.
    const z = [0, 0, -0.1, 0, 0.3, 0.4];
    const tensors = { 'codes.0.0': [0.1, 0, 5, 5] };
    const upstream2 = [1, 2, 3, 4, 5, 6];
    const ran = await runPart({ spec, z, weights: [1, 1, 1], upstream: upstream2, tensors });
    expect(ran.output).toEqual([0.1, 0, 0.1, 0, 0.1, 0]);
    expect(ran.gradients['z']!.slice(0, 4)).toEqual([1, 2, 3, 4]);
    const matrix = rotationMatrix([0.3, 0.4], [0.1, 0]);
    const back = matrix[0]!.map((_, axis) => matrix[0]![axis]! * 5 + matrix[1]![axis]! * 6);
    expect(deviation(ran.gradients['z']!.slice(4), back)).toBeLessThan(1e-14);
  });
});

describe.each(['straight-through', 'rotation'] as const)('simvq, %s', (estimator) => {
  it('moves every code with each that is chosen, through its matrix', async () => {
    const spec: QuantizerSpec = { kind: 'simvq', dimension: m, codes: count, estimator };
    const frame = Array.from(normals(count * m, 17, m ** -0.5));
    const matrix = Array.from(normals(m * m, 19));
    const ran = await runPart({ spec, ...given, tensors: { 'frame.0.0': frame, 'matrix.0.0': matrix } });
    const codesOf = (flat: readonly number[]): number[][] => {
      const w = rowsOf(flat, m);
      return rowsOf(frame, m).map((f) =>
        w[0]!.map((_, column) => f.reduce((sum, x, row) => sum + x * w[row]![column]!, 0)),
      );
    };
    const [z0, p0] = [rowsOf(given.z, m), codesOf(matrix)];
    const indices = z0.map((z) => nearestIndex(z, p0));
    expect(deviation(ran.output, masked(indices.map((k) => p0[k]!)))).toBeLessThan(1e-14);
    const through = (row: number, z: readonly number[]): readonly number[] =>
      estimator === 'rotation' ? product(rotationMatrix(z0[row]!, p0[indices[row]!]!), z) : z;
    const surrogate = (z: Rows, w: readonly number[]): number =>
      upstreamSum(weights, upstream, (row) => through(row, z[row]!)) +
      mean(weights, (row) => perComponent(z0[row]!, codesOf(w)[indices[row]!]!)) +
      0.25 * mean(weights, (row) => perComponent(z[row]!, p0[indices[row]!]!));
    const dz = differences((flat) => surrogate(rowsOf(flat, m), matrix), given.z);
    expect(deviation(ran.gradients['z']!, dz)).toBeLessThan(1e-10);
    const dw = differences((flat) => surrogate(z0, flat), matrix);
    expect(deviation(ran.gradients['matrix.0.0']!, dw)).toBeLessThan(1e-10);
    expect(Object.keys(ran.gradients).sort()).toEqual(['matrix.0.0', 'z']);
  });

  it('draws its frame with deviation m^-1/2', async () => {
    const spec: QuantizerSpec = { kind: 'simvq', dimension: 64, codes: 64, estimator };
    const { tensors } = await runPart({ spec, ...problem(3, 64, 1) });
    const frame = tensors['frame.0.0']!;
    const square = frame.reduce((sum, value) => sum + value * value, 0) / frame.length;
    // Of 4,096 numbers: three standard errors are 7 %.
    expect(Math.abs(square * 64 - 1)).toBeLessThan(0.07);
  });
});
