import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { fit } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import {
  encodeCodes,
  fitQuantizer,
  initialize,
  quantize,
  type QuantizerKind,
  type QuantizerSpec,
} from '../../src/index.ts';
import { kinds, sourceOf, specOf } from '../kinds.ts';
import { codeOf } from '../thrown.ts';

const backend = cpuBackend();

/** Four groups of vectors, far apart. */
function groups(count: number): Float32Array {
  const random = createRandom(7);
  const centres = [
    [5, 5, 0, 0],
    [-5, 5, 0, 0],
    [5, -5, 0, 3],
    [-5, -5, 4, 0],
  ];
  return Float32Array.from(
    { length: count * 4 },
    (_, index) => centres[Math.floor(index / 4) % 4]![index % 4]! + 0.3 * random.normal(),
  );
}

const data = groups(400);
const within = 4 * 0.3 ** 2;
const of = (kind: QuantizerKind): QuantizerSpec =>
  kind === 'fsq' ? { kind, dimension: 4, levels: [3, 3, 3] } : { kind, dimension: 4, codes: kind === 'lfq' ? 8 : 4 };

describe.each(kinds)('%s', (kind) => {
  it('finds groups that are far apart', async () => {
    const { state, report } = await fitQuantizer(backend, sourceOf(data, 4), of(kind), { steps: 60 });
    // Unit vectors are one away from the groups' lengths, and kinds that round have no code for each group.
    const bound = { cosine: 60, fsq: 6, lfq: 40 }[kind as string] ?? 1.1 * within;
    expect(report.quantization).toBeLessThan(bound);
    if (bound < 1) expect(report.use).toBe(1);
    expect(report.variance).toBeGreaterThan(50);
    const [codes, perVector] = [await quantize(backend, state, { data, shape: [400, 4] }), 1];
    for await (const { first, rows, indices } of encodeCodes(backend, state, sourceOf(data, 4)))
      expect(indices).toEqual(codes.indices.subarray(first * perVector, (first + rows) * perVector));
  });
});

it('is the same again with the same seed', async () => {
  for (const spec of [of('ddcl'), specOf('vq', { codeDimension: 2 })]) {
    const run = () => fitQuantizer(backend, sourceOf(data, 4), spec, { steps: 20, seed: 3 });
    expect(await run()).toEqual(await run());
  }
});

it('product quantization with ddcl has the mean error of its groups, and T of each', async () => {
  const { report } = await fitQuantizer(backend, sourceOf(data, 4), { kind: 'ddcl', dimension: 4, codes: 4, heads: 2 });
  expect(report.quantization).toBeLessThan(1.5 * within);
  expect(report.soft!.temperatures).toHaveLength(2);
  for (const share of report.soft!.shares) {
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(0.0031);
  }
  expect(report.soft!.lq).toBeCloseTo(report.soft!.lols + report.soft!.v, 4);
});

it('fits codebooks by the dozen in short, to within 3 % of a whole fit of each', async () => {
  const random = createRandom(11);
  const [count, heads, codes] = [600, 8, 8];
  const rows = Float32Array.from({ length: count * heads * 2 }, () => random.normal());
  const { report } = await fitQuantizer(backend, sourceOf(rows, heads * 2), {
    kind: 'ddcl',
    dimension: heads * 2,
    codes,
    heads,
  });
  let whole = 0;
  for (let head = 0; head < heads; head++) {
    const own = Float32Array.from(
      { length: count * 2 },
      (_, at) => rows[(Math.floor(at / 2) * heads + head) * 2 + (at % 2)]!,
    );
    const fitted = await fit(backend, sourceOf(own, 2), { prototypes: codes, seed: head });
    whole += fitted.quantities.loss.hard;
  }
  expect(report.quantization).toBeLessThan(1.03 * whole);
  expect(report.use).toBe(1);
});

it('tells of a residual level that adds nothing', async () => {
  // Unit vectors leave next to nothing of these, which is not of length 1.
  const points = Float32Array.from(
    { length: 400 },
    (_, index) => [1, 0, 0, 1, -1, 0, 0, -1][index % 8]! + 1e-3 * Math.sin(index),
  );
  const warnings: string[] = [];
  const spec: QuantizerSpec = { kind: 'cosine', dimension: 2, codes: 4, depth: 2 };
  const { report } = await fitQuantizer(backend, sourceOf(points, 2), spec, {
    steps: 2,
    onWarning: (warning) => warnings.push(warning),
  });
  expect(report.levelErrors).toHaveLength(2);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatch(
    /^Residual level 2 (raises the error|lowers the error by less than 1 %), from .* Ask for a depth of 1/,
  );
});

it('stops when it is told', async () => {
  const signal = { aborted: true, addEventListener: () => {}, removeEventListener: () => {} };
  for (const kind of ['ddcl', 'vq', 'ema'] as const)
    expect(await codeOf(() => fitQuantizer(backend, sourceOf(data, 4), of(kind), { signal }))).toBe('aborted');
  // While codes start too, which takes long where there are many.
  expect(await codeOf(() => initialize(backend, of('ema'), sourceOf(data, 4), { signal }))).toBe('aborted');
});
