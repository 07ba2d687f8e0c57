import { describe, expect, it } from 'vitest';
import type { QuantizerSpec } from '../../src/index.ts';
import { normals } from '../kinds.ts';
import {
  distance,
  mean,
  mixture,
  nearestIndex,
  perComponent,
  rowsOf,
  scaled,
  softmax,
  upstreamSum,
  type Rows,
} from './reference.ts';
import { deviation, differences, problem, runPart } from './run-part.ts';

const [n, m, count] = [7, 3, 4];
const given = problem(n, m, 21);
const codes = Array.from(normals(count * m, 23));
const upstream = rowsOf(given.upstream, m);
const { weights } = given;
const isToken = (row: number): boolean => weights[row]! > 0;
const masked = (rows: Rows): number[] => rows.flatMap((row, index) => row.map((value) => (isToken(index) ? value : 0)));
const [z0, p0] = [rowsOf(given.z, m), rowsOf(codes, m)];
const hard = z0.map((z) => p0[nearestIndex(z, p0)]!);

// Softmaxes at temperatures of about 1: the differences' own error is about step^4 / 30 of a fifth derivative of order 100.
const tolerance = 1e-7;

describe('ddcl', () => {
  /** Total variance and lambda_max of the tokens' covariance, by 200 power steps. */
  function spread(): { variance: number; largest: number } {
    const centre = z0[0]!.map((_, axis) => mean(weights, (row) => z0[row]![axis]!));
    const covariance = centre.map((_, i) =>
      centre.map((_each, j) => mean(weights, (row) => (z0[row]![i]! - centre[i]!) * (z0[row]![j]! - centre[j]!))),
    );
    let along = centre.map((_, axis) => 1 + axis / 7);
    let largest = 0;
    for (let step = 0; step < 200; step++) {
      const next = covariance.map((row) => row.reduce((sum, x, i) => sum + x * along[i]!, 0));
      largest = Math.sqrt(next.reduce((sum, x) => sum + x * x, 0));
      along = scaled(next, 1 / largest);
    }
    return { variance: covariance.reduce((sum, row, i) => sum + row[i]!, 0), largest };
  }
  const { variance, largest } = spread();
  const normalsOf = Array.from(normals(n * m, 29));
  // The direction is given as it is after many batches.
  const direction = (() => {
    const centre = z0[0]!.map((_, axis) => mean(weights, (row) => z0[row]![axis]!));
    let along = [1, 0.5, 0.25];
    for (let step = 0; step < 300; step++) {
      const next = along.map((_, i) =>
        mean(weights, (row) => {
          const inner = z0[row]!.reduce((sum, x, j) => sum + (x - centre[j]!) * along[j]!, 0);
          return (z0[row]![i]! - centre[i]!) * inner;
        }),
      );
      along = scaled(next, 1 / Math.hypot(...next));
    }
    return along;
  })();
  const tensors = { 'codes.0.0': codes, 'direction.0.0': direction };
  const run = (spec: Partial<QuantizerSpec> = {}, controls: Record<string, number> = {}) =>
    runPart({
      spec: { kind: 'ddcl', dimension: m, codes: count, lqWeight: 0.6, ...spec },
      ...given,
      tensors,
      inputs: { normals: normalsOf },
      controls: { share: 0.1, noise: 0.8, ...controls },
    });
  const temperature = 0.1 * 4 * largest;
  const noisy = (z: Rows): number[][] =>
    z.map((row, index) => row.map((x, axis) => x + Math.sqrt(0.8 * temperature * 0.5) * normalsOf[index * m + axis]!));
  const q = (z: readonly number[], p: Rows): number[] => softmax(p.map((code) => -distance(z, code) / temperature));
  const lq = (z: Rows, p: Rows): number =>
    mean(weights, (row) => q(z[row]!, p).reduce((sum, share, k) => sum + share * distance(z[row]!, p[k]!), 0));
  const task = (z: Rows, p: Rows): number => upstreamSum(weights, upstream, (row) => mixture(q(noisy(z)[row]!, p), p));

  it('has T as a share of the T_c that it tracks, noise of half of T, and a mixture for its output', async () => {
    const ran = await run();
    expect(ran.reports['criticalTemperature']! / (4 * largest)).toBeCloseTo(1, 12);
    expect(ran.reports['temperature']! / temperature).toBeCloseTo(1, 12);
    expect(ran.next['temperature.0.0']![0]! / temperature).toBeCloseTo(1, 12);
    const outputs = noisy(z0).map((z) => mixture(q(z, p0), p0));
    expect(deviation(ran.output, masked(outputs))).toBeLessThan(1e-13);
    expect(deviation(ran.hard, masked(hard))).toBeLessThan(1e-15);
    expect(ran.loss).toBeCloseTo((0.6 * lq(noisy(z0), p0)) / variance, 12);
    const { lq: own, lols, v } = ran.reports as { lq: number; lols: number; v: number };
    expect(own).toBeCloseTo(lq(noisy(z0), p0), 12);
    expect(own).toBeCloseTo(lols + v, 12);
    expect(lols).toBeCloseTo(
      mean(weights, (row) => distance(noisy(z0)[row]!, outputs[row]!)),
      12,
    );
  });

  it('is differentiable throughout, and L_q stops at the latents', async () => {
    const ran = await run();
    const dz = differences((flat) => task(rowsOf(flat, m), p0), given.z);
    expect(deviation(ran.gradients['z']!, dz)).toBeLessThan(tolerance);
    const of = (p: Rows): number => task(z0, p) + (0.6 * lq(noisy(z0), p)) / variance;
    const dp = differences((flat) => of(rowsOf(flat, m)), codes);
    expect(deviation(ran.gradients['codes.0.0']!, dp)).toBeLessThan(tolerance);
  });

  it('lets L_q through where it is asked to', async () => {
    const ran = await run({ lqThrough: true });
    // T and the variance that it is divided by are constants.
    const of = (z: Rows): number => task(z, p0) + (0.6 * lq(noisy(z), p0)) / variance;
    const dz = differences((flat) => of(rowsOf(flat, m)), given.z);
    expect(deviation(ran.gradients['z']!, dz)).toBeLessThan(tolerance);
  });

  it('is silent in a warm-up: latents go through, codes and averages stay', async () => {
    const ran = await run({}, { active: 0 });
    expect(ran.output).toEqual(masked(z0));
    expect(ran.loss).toBe(0);
    expect(ran.gradients['codes.0.0']!.every((value) => value === 0)).toBe(true);
    expect(ran.gradients['z']!).toEqual(masked(upstream));
    for (const [name, values] of Object.entries(ran.next)) expect(values).toEqual(ran.tensors[name]);
  });
});

describe('gumbel', () => {
  const gumbels = Array.from(normals(n * count, 31));
  const logits = (z: readonly number[], p: Rows, row: number): number[] =>
    p.map((code, k) => -distance(z, code) / 0.7 + gumbels[row * count + k]!);
  const mixed = (z: Rows, p: Rows, row: number): number[] => mixture(softmax(logits(z[row]!, p, row)), p);
  const of = (z: Rows, p: Rows): number => upstreamSum(weights, upstream, (row) => mixed(z, p, row));

  it.each([false, true])('is a softmax of distances and Gumbel numbers; hard output %s', async (hardOutput) => {
    const spec: QuantizerSpec = { kind: 'gumbel', dimension: m, codes: count, hardOutput };
    const ran = await runPart({ spec, ...given, tensors: { 'codes.0.0': codes }, inputs: { gumbels } });
    const drawn = z0.map((z, row) => {
      const own = logits(z, p0, row);
      return p0[own.indexOf(Math.max(...own))]!;
    });
    const expected = hardOutput ? drawn : z0.map((_, row) => mixed(z0, p0, row));
    expect(deviation(ran.output, masked(expected))).toBeLessThan(1e-13);
    expect(deviation(ran.hard, masked(hard))).toBeLessThan(1e-15);
    const dz = differences((flat) => of(rowsOf(flat, m), p0), given.z);
    expect(deviation(ran.gradients['z']!, dz)).toBeLessThan(tolerance);
    const dp = differences((flat) => of(z0, rowsOf(flat, m)), codes);
    expect(deviation(ran.gradients['codes.0.0']!, dp)).toBeLessThan(tolerance);
  });
});

describe.each([1, 2])('smoothed with %s neighbours', (neighbours) => {
  it('is a softmax whose vertices pull the nearest mixtures of the batch', async () => {
    const spec: QuantizerSpec = { kind: 'smoothed', dimension: m, codes: count, neighbours, simplexWeight: 0.4 };
    const ran = await runPart({ spec, ...given, tensors: { 'codes.0.0': codes } });
    const q = (z: readonly number[], p: Rows): number[] => softmax(p.map((code) => -distance(z, code) / 0.7));
    const pull = (z: Rows, p: Rows): number => {
      const mixtures = z.filter((_, row) => isToken(row)).map((row) => q(row, p));
      const vertices = p.map((_, k) => p.map((_each, j) => (j === k ? 1 : 0)));
      const each = vertices.map((vertex) =>
        mixtures
          .map((own) => distance(vertex, own))
          .sort((a, b) => a - b)
          .slice(0, neighbours)
          .reduce((sum, value) => sum + value / neighbours, 0),
      );
      return each.reduce((sum, value) => sum + value, 0) / count;
    };
    const indices = z0.map((z) => nearestIndex(z, p0));
    const of = (z: Rows, p: Rows): number =>
      upstreamSum(weights, upstream, (row) => mixture(q(z[row]!, p), p)) +
      0.4 * pull(z, p) +
      mean(weights, (row) => perComponent(z0[row]!, p[indices[row]!]!)) +
      0.25 * mean(weights, (row) => perComponent(z[row]!, hard[row]!));
    expect(ran.reports['vertices']).toBeCloseTo(pull(z0, p0), 12);
    expect(deviation(ran.output, masked(z0.map((z) => mixture(q(z, p0), p0))))).toBeLessThan(1e-13);
    const dz = differences((flat) => of(rowsOf(flat, m), p0), given.z);
    expect(deviation(ran.gradients['z']!, dz)).toBeLessThan(tolerance);
    const dp = differences((flat) => of(z0, rowsOf(flat, m)), codes);
    expect(deviation(ran.gradients['codes.0.0']!, dp)).toBeLessThan(tolerance);
  });
});

it('each residual level has noise of its own', async () => {
  const spec: QuantizerSpec = { kind: 'ddcl', dimension: m, codes: count, depth: 2 };
  const tensors = { 'codes.0.0': codes, 'codes.0.1': Array.from(normals(count * m, 43)) };
  // [n, levels, heads, m]
  const noise = Array.from(normals(2 * n * m, 41));
  const onlyOther = (level: number): number[] =>
    noise.map((value, index) => (Math.floor(index / m) % 2 === level ? -value : value));
  const run = (own: number[]) =>
    runPart({ spec, ...given, tensors, inputs: { normals: own }, controls: { share: 0.3, noise: 1 } });
  const [base, first, second] = [await run(noise), await run(onlyOther(0)), await run(onlyOther(1))];
  expect(first.reports['lq.0']).not.toBe(base.reports['lq.0']);
  expect(first.reports['lq.1']).toBe(base.reports['lq.1']);
  expect(second.reports['lq.0']).toBe(base.reports['lq.0']);
  expect(second.reports['lq.1']).not.toBe(base.reports['lq.1']);
});
