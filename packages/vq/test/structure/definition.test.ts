import { describe, expect, it } from 'vitest';
import type { QuantizerSpec } from '../../src/index.ts';
import { normals } from '../kinds.ts';
import { averagesOf, mean, nearestIndex, perComponent, rowsOf, scaled, type Rows } from '../quantizers/reference.ts';
import { deviation, problem, runPart } from '../quantizers/run-part.ts';

const [n, m, count] = [8, 4, 3];
const given = problem(n, m, 61);
const { weights } = given;
const isToken = (row: number): boolean => weights[row]! > 0;
const masked = (rows: Rows): number[] => rows.flatMap((row, index) => row.map((value) => (isToken(index) ? value : 0)));
const book = (seed: number, width = m): number[] => Array.from(normals(count * width, seed));
const add = (a: readonly number[], b: readonly number[]): number[] => a.map((x, i) => x + b[i]!);
const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((x, i) => x - b[i]!);

/** Levels by the definition: r_1 = z, h_l = Q_l(r_l), r_{l+1} = r_l - h_l. */
function levelsOf(z: readonly number[], books: readonly Rows[]) {
  let left = [...z];
  return books.map((codes) => {
    const before = left;
    const index = nearestIndex(left, codes);
    left = minus(left, codes[index]!);
    return { index, before, hard: codes[index]! };
  });
}

describe('residual levels', () => {
  const books = [book(1), book(2), book(3)];
  const tensors = { 'codes.0.0': books[0]!, 'codes.0.1': books[1]!, 'codes.0.2': books[2]! };
  const spec: QuantizerSpec = { kind: 'vq', dimension: m, codes: count, depth: 3, codeWeight: 0.7, commitment: 0.3 };
  const rows = rowsOf(given.z, m);
  const made = rows.map((z) =>
    levelsOf(
      z,
      books.map((flat) => rowsOf(flat, m)),
    ),
  );

  it('add up to the output, each with a loss on what it saw, and one estimator for all', async () => {
    const ran = await runPart({ spec, ...given, tensors });
    const sums = made.map((levels) => levels.reduce((sum, { hard }) => add(sum, hard), new Array<number>(m).fill(0)));
    expect(deviation(ran.output, masked(sums))).toBeLessThan(1e-15);
    expect(ran.indices).toEqual(made.flatMap((levels, row) => levels.map(({ index }) => (isToken(row) ? index : 0))));
    const level = (l: number): number =>
      mean(weights, (row) => perComponent(made[row]![l]!.before, made[row]![l]!.hard));
    expect(ran.loss).toBeCloseTo(level(0) + level(1) + level(2), 12);
    // Straight through once: g, and the commitment of each level, whose residual moves as the latent does.
    const total = weights.reduce((a, b) => a + b, 0);
    const dz = rows.map((_, row) =>
      made[row]!.reduce(
        (sum, { before, hard }) => add(sum, scaled(minus(before, hard), (2 * 0.3 * weights[row]!) / (total * m))),
        rowsOf(given.upstream, m)[row]!,
      ),
    );
    expect(deviation(ran.gradients['z']!, masked(dz))).toBeLessThan(1e-13);
  });

  it('that a step leaves out count for nothing', async () => {
    const ran = await runPart({ spec, ...given, tensors, controls: { depth: 2 } });
    const two = await runPart({
      spec: { ...spec, depth: 2 },
      ...given,
      tensors: { 'codes.0.0': books[0]!, 'codes.0.1': books[1]! },
    });
    expect(ran.output).toEqual(two.output);
    expect(ran.loss).toBeCloseTo(two.loss, 14);
    expect(ran.gradients['codes.0.1']).toEqual(two.gradients['codes.0.1']);
    expect(ran.gradients['codes.0.2']!.every((value) => value === 0)).toBe(true);
    expect(ran.next['mass.0.2']).toEqual(ran.tensors['mass.0.2']);
  });

  it('with one codebook move it once, by the sums of all of them', async () => {
    const shared: QuantizerSpec = { kind: 'ema', dimension: m, codes: count, depth: 2, sharedDepth: true, decay: 0.6 };
    const mass = [0.5, 0.3, 0.2];
    const codes = rowsOf(book(4), m);
    const sums = codes.map((code, k) => scaled(code, mass[k]!));
    const ran = await runPart({
      spec: shared,
      ...given,
      tensors: { 'codes.0.0': codes.flat(), 'mass.0.0': mass },
    });
    const levels = rows.map((z) => levelsOf(z, [codes, codes]));
    const both = [0, 1].flatMap((l) => levels.map((own) => own[l]!));
    const next = averagesOf(
      {
        z: both.map(({ before }) => before),
        weights: [...weights, ...weights],
        indices: both.map(({ index }) => index),
      },
      { codes, mass, sums },
      0.6,
    );
    expect(deviation(ran.next['codes.0.0']!, next.codes.flat())).toBeLessThan(1e-13);
    expect(deviation(ran.next['mass.0.0']!, next.mass)).toBeLessThan(1e-14);
    expect(Object.keys(ran.next).filter((name) => name.startsWith('codes'))).toEqual(['codes.0.0']);
  });
});

describe('heads', () => {
  const rows = rowsOf(given.z, m);
  const half = (row: readonly number[], head: number): number[] => row.slice(head * 2, head * 2 + 2);

  it('quantize each slice by its own codebook, and the loss is their mean', async () => {
    const spec: QuantizerSpec = { kind: 'vq', dimension: m, codes: count, heads: 2, depth: 2 };
    const books = [book(5, 2), book(6, 2), book(7, 2), book(8, 2)];
    const tensors = {
      'codes.0.0': books[0]!,
      'codes.0.1': books[1]!,
      'codes.1.0': books[2]!,
      'codes.1.1': books[3]!,
    };
    const ran = await runPart({ spec, ...given, tensors });
    const own = rows.map((row) =>
      [0, 1].map((head) =>
        levelsOf(
          half(row, head),
          books.slice(2 * head, 2 * head + 2).map((flat) => rowsOf(flat, 2)),
        ),
      ),
    );
    expect(ran.indices).toEqual(
      own.flatMap((heads, row) => heads.flatMap((levels) => levels.map(({ index }) => (isToken(row) ? index : 0)))),
    );
    const outputs = own.map((heads) => heads.flatMap((levels) => add(levels[0]!.hard, levels[1]!.hard)));
    expect(deviation(ran.output, masked(outputs))).toBeLessThan(1e-15);
    const loss = [0, 1].flatMap((head) =>
      [0, 1].map(
        (l) => 1.25 * mean(weights, (row) => perComponent(own[row]![head]![l]!.before, own[row]![head]![l]!.hard)),
      ),
    );
    expect(ran.loss).toBeCloseTo(loss.reduce((a, b) => a + b, 0) / 2, 12);
  });

  it('that share a codebook are more tokens of it', async () => {
    const spec: QuantizerSpec = { kind: 'ema', dimension: m, codes: count, heads: 2, sharedHeads: true };
    const codes = book(9, 2);
    const ran = await runPart({ spec, ...given, tensors: { 'codes.0.0': codes } });
    const flat = await runPart({
      spec: { kind: 'ema', dimension: 2, codes: count },
      z: given.z,
      upstream: given.upstream,
      weights: weights.flatMap((a) => [a, a]),
      tensors: { 'codes.0.0': codes },
    });
    expect(ran.output).toEqual(flat.output);
    expect(ran.indices).toEqual(flat.indices);
    expect(ran.loss).toBeCloseTo(flat.loss, 14);
    for (const [name, values] of Object.entries(ran.next))
      expect(deviation(values, flat.next[name]!)).toBeLessThan(1e-14);
    expect(deviation(ran.gradients['z']!, flat.gradients['z']!)).toBeLessThan(1e-14);
  });
});

it('projections surround the codebook', async () => {
  const spec: QuantizerSpec = { kind: 'vq', dimension: m, codes: count, codeDimension: 2 };
  const [into, back] = [normals(m * 2, 71), normals(2 * m, 72)].map((each) => Array.from(each)) as [number[], number[]];
  const [inBias, outBias] = [
    [0.1, -0.2],
    [0.3, 0.4, 0.5, 0.6],
  ];
  const codes = book(10, 2);
  const ran = await runPart({
    spec,
    ...given,
    tensors: {
      'project.in.weight': into,
      'project.in.bias': inBias,
      'project.out.weight': back,
      'project.out.bias': outBias,
      'codes.0.0': codes,
    },
  });
  const times = (x: readonly number[], matrix: readonly number[], width: number, bias: readonly number[]): number[] =>
    bias.map((b, column) => x.reduce((sum, value, row) => sum + value * matrix[row * width + column]!, b));
  const expected = rowsOf(given.z, m).map((z) => {
    const inner = times(z, into, 2, inBias);
    const p = rowsOf(codes, 2);
    return times(p[nearestIndex(inner, p)]!, back, m, outBias);
  });
  expect(deviation(ran.output, masked(expected))).toBeLessThan(1e-14);
  expect(ran.gradients['project.in.weight']!.some((value) => value !== 0)).toBe(true);
});

it('a norm takes off the mean and one scalar, by the batch, and its running statistics follow', async () => {
  const spec: QuantizerSpec = { kind: 'vq', dimension: m, codes: count, norm: 'scale' };
  const rows = rowsOf(given.z, m);
  const codes = book(12);
  const centre = rows[0]!.map((_, axis) => mean(weights, (row) => rows[row]![axis]!));
  const variance = mean(weights, (row) => rows[row]!.reduce((sum, x, i) => sum + (x - centre[i]!) ** 2, 0)) / m;
  const running = { 'norm.mean': [1, 1, 1, 1], 'norm.variance': [2] };
  const ran = await runPart({ spec, ...given, tensors: { 'codes.0.0': codes, ...running } });
  const normed = rows.map((row) => scaled(minus(row, centre), 1 / Math.sqrt(variance)));
  const p = rowsOf(codes, m);
  expect(deviation(ran.output, masked(normed.map((z) => p[nearestIndex(z, p)]!)))).toBeLessThan(1e-14);
  expect(
    deviation(
      ran.next['norm.mean']!,
      centre.map((x) => 0.98 + 0.02 * x),
    ),
  ).toBeLessThan(1e-13);
  expect(ran.next['norm.variance']![0]).toBeCloseTo(0.98 * 2 + 0.02 * variance, 12);
  const first = await runPart({ spec, ...given, tensors: { 'codes.0.0': codes } });
  expect(deviation(first.next['norm.mean']!, centre)).toBeLessThan(1e-13);
  expect(first.next['norm.variance']![0]).toBeCloseTo(variance, 12);
});
