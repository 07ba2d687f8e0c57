import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import {
  createCodeCounter,
  createState,
  initialize,
  quantize,
  quantizerPart,
  update,
  type QuantizerSpec,
  type QuantizerState,
} from '../../src/index.ts';
import { normals, sourceOf, specOf } from '../kinds.ts';
import { runPart } from '../quantizers/run-part.ts';

/* What others fell into, one after the other. */

const backend = cpuBackend();

describe('revival', () => {
  // Two tokens, and a third code far away that neither has.
  const z = [1, 0, -1, 0];
  const own = {
    'codes.0.0': [1, 0, -1, 0, 50, 50],
    'mass.0.0': [0.5, 0.5, 0.001],
    'rest.0.0': [0, 0, 0, 0, 0.5, 0.5],
  };
  const given = { z, weights: [1, 1], upstream: [0, 0, 0, 0] };

  it('puts an unused code on a token, with a mass and an average that keep it there', async () => {
    const spec: QuantizerSpec = { kind: 'ema', dimension: 2, codes: 3, reviveBelow: 0.1, decay: 0.9 };
    const ran = await runPart({ spec, ...given, tensors: own, inputs: { rows: [0, 0, 1] } });
    const share = 0.1 / 3;
    expect(ran.next['codes.0.0']!.slice(4)).toEqual([-1, 0]);
    expect(ran.next['mass.0.0']![2]).toBeCloseTo(share, 15);
    expect(ran.next['rest.0.0']!.slice(4)).toEqual([0, 0]);
    // A step later, with the code unused again (the tie goes to the lower one), it is still there.
    const later = await runPart({
      spec: { ...spec, reviveBelow: 0 },
      ...given,
      tensors: ran.next as Record<string, number[]>,
    });
    expect(later.next['codes.0.0']![4]).toBeCloseTo(-1, 14);
  });

  it('leaves a code alone that this batch chose, and one that would go to padding', async () => {
    const spec: QuantizerSpec = { kind: 'ema', dimension: 2, codes: 3, reviveBelow: 1, decay: 0.999 };
    const tensors = { ...own, 'mass.0.0': [0.01, 0.01, 0.01], 'rest.0.0': [0, 0, 0, 0, 0, 0] };
    const ran = await runPart({ spec, ...given, tensors, inputs: { rows: [1, 0, 0] } });
    const moved = [0, 1, 2].map((k) => ran.next['mass.0.0']![k] === 1 / 3);
    expect(moved).toEqual([false, false, true]);
    const padded = await runPart({ spec, ...given, weights: [1, 0], tensors, inputs: { rows: [1, 1, 1] } });
    expect(padded.next['codes.0.0']!.slice(4)[0]).toBeCloseTo(50, 0);
  });

  it('replaces rows of codes that gradients move', async () => {
    const spec: QuantizerSpec = { kind: 'vq', dimension: 2, codes: 3, reviveBelow: 0.1 };
    const ran = await runPart({ spec, ...given, tensors: own, inputs: { rows: [0, 0, 1] } });
    expect(ran.replaced['codes.0.0']!.rows).toEqual([0, 0, 1]);
    expect(ran.replaced['codes.0.0']!.values.slice(4)).toEqual([-1, 0]);
  });
});

it('unused codes do not drift to the origin', async () => {
  const data = Float32Array.from([10, 10, 11, 10, 10, 11]);
  let state = createState({ kind: 'ema', dimension: 2, codes: 8, decay: 0.8 });
  const codes = normals(16, 1).map((value) => value + 20);
  const mass = new Float32Array(8).fill(1 / 8);
  state = { ...state, tensors: { ...state.tensors, 'codes.0.0': codes, 'mass.0.0': mass } };
  for (let step = 0; step < 120; step++) state = await update(backend, state, { data, shape: [3, 2] });
  const moved = state.tensors['codes.0.0']!;
  for (let k = 0; k < 8; k++) expect(Math.hypot(moved[2 * k]!, moved[2 * k + 1]!)).toBeGreaterThan(10);
});

it('a start at k-means is not undone by the next steps', async () => {
  const data = normals(200 * 4, 2);
  const begun = await initialize(backend, specOf('ema'), sourceOf(data, 4), { iterations: 50 });
  let state: QuantizerState = begun;
  for (let step = 0; step < 3; step++) state = await update(backend, state, { data, shape: [200, 4] });
  // A fixed point of k-means is one of running averages on the same tokens.
  begun.tensors['codes.0.0']!.forEach((value, index) =>
    expect(Math.abs(state.tensors['codes.0.0']![index]! - value)).toBeLessThan(0.02),
  );
});

it('a start puts running averages where the codes are, whatever a state had before', async () => {
  const data = normals(60 * 4, 6);
  const made = createState(specOf('ema'));
  const before = { ...made, tensors: { ...made.tensors, 'rest.0.0': normals(24, 7) } };
  const { tensors } = await initialize(backend, before, sourceOf(data, 4));
  expect(tensors['rest.0.0']).toEqual(new Float32Array(24));
  expect(tensors['codes.0.0']).not.toEqual(made.tensors['codes.0.0']);
});

it('applying never changes a state, and a frozen one keeps its codes in updates', async () => {
  const data = normals(60 * 4, 3);
  for (const kind of ['ddcl', 'ema', 'vq', 'cosine', 'simvq'] as const) {
    const state = await initialize(backend, specOf(kind), sourceOf(data, 4));
    const before = structuredClone(state);
    await quantize(backend, state, { data, shape: [60, 4] });
    await update(backend, state, { data, shape: [60, 4] });
    expect(state).toEqual(before);
    const frozen = { ...state, spec: { ...state.spec, frozen: true } };
    const shifted = data.map((value) => value + 1);
    const after = await update(backend, frozen, { data: shifted, shape: [60, 4] });
    for (const name of ['codes.0.0', 'frame.0.0', 'matrix.0.0'])
      expect(after.tensors[name]).toEqual(state.tensors[name]);
    expect(after.tensors['mass.0.0']).not.toEqual(state.tensors['mass.0.0']);
  }
});

it('cosine codes have length 1 after an update and a revival', async () => {
  const data = normals(50 * 4, 4).map((value) => 7 * value);
  const spec = specOf('cosine', { codes: 16, reviveBelow: 0.9 });
  let state = await initialize(backend, spec, sourceOf(data, 4));
  for (let seed = 0; seed < 3; seed++) state = await update(backend, state, { data, shape: [50, 4] }, { seed });
  const codes = state.tensors['codes.0.0']!;
  for (let k = 0; k < 16; k++) expect(Math.hypot(...codes.subarray(4 * k, 4 * k + 4))).toBeCloseTo(1, 5);
});

it('steps draw every number of levels from the least to the depth, and no other', () => {
  const part = quantizerPart(createState({ kind: 'ema', dimension: 2, codes: 4, depth: 4 }));
  const random = createRandom(1);
  const drawn = Array.from(
    { length: 200 },
    () => part.drawControls({ leastDepth: 2 }, 0.5, random)['quantizer.depth']!,
  );
  expect([...new Set(drawn)].sort()).toEqual([2, 3, 4]);
  const all = Array.from({ length: 20 }, () => part.drawControls({}, 0.5, random)['quantizer.depth']!);
  expect(new Set(all)).toEqual(new Set([4]));
  for (const leastDepth of [0, 5, 1.5])
    expect(() => part.drawControls({ leastDepth }, 0, random)).toThrow(/leastDepth/);
});

it('dead codes go to different tokens, and never to padding', () => {
  const part = quantizerPart(createState({ kind: 'ema', dimension: 2, codes: 6, heads: 2, reviveBelow: 0.1 }));
  const weights = [1, 0, 1, 0, 1, 1, 1, 1];
  const { data, shape } = part.drawInputs(8, createRandom(2), weights)['quantizer.rows']!;
  expect(shape).toEqual([2, 6]);
  for (const row of data) expect(weights[row]).toBe(1);
  for (const start of [0, 6]) expect(new Set(data.subarray(start, start + 6)).size).toBe(6);
});

it('use is counted over an epoch', () => {
  const { spec } = quantizerPart(createState({ kind: 'ema', dimension: 2, codes: 4, depth: 2 }));
  const counter = createCodeCounter(spec);
  counter.add([0, 3, 1, 3]);
  expect(counter.report().use).toBe((2 / 4 + 1 / 4) / 2);
  counter.add([2, 0, 3, 1], [1, 0]);
  const { use, perplexity, deadCount, places } = counter.report();
  expect(use).toBe((3 / 4 + 2 / 4) / 2);
  expect(places[0]!.dead).toEqual([3]);
  expect(places[1]!.dead).toEqual([1, 2]);
  expect(deadCount).toBe(3);
  // Three codes alike; shares of 2 / 3 and 1 / 3.
  const second = Math.exp((2 / 3) * Math.log(3 / 2) + (1 / 3) * Math.log(3));
  expect(perplexity).toBeCloseTo((3 + second) / 2, 12);
});

it('a T that schedules set cools geometrically after the warm-up', () => {
  const part = quantizerPart(createState({ kind: 'ddcl', dimension: 2, codes: 4 }), { prefix: '' });
  const at = (progress: number) =>
    part.drawControls({ warmUp: 0.1, start: 0.1, end: 0.001, coolOver: 0.5 }, progress, createRandom(0));
  expect(at(0.05)).toEqual({ active: 0, share: 0.1, noise: 1 });
  expect(at(0.35)['share']).toBeCloseTo(0.01, 12);
  expect(at(0.35)['active']).toBe(1);
  expect(at(1)['share']).toBeCloseTo(0.001, 12);
  expect(() => part.drawControls({ start: 1 }, 0, createRandom(0))).toThrow(/below 1/);
});
