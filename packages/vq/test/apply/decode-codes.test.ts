import { cpuBackend } from '@ddcl/backend-cpu';
import { ortBackend } from '@ddcl/backend-ort';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { createState, decode, decodeCodes, type QuantizerSpec } from '../../src/index.ts';
import { codeOf } from '../thrown.ts';

const backends = {
  cpu: async () => cpuBackend(),
  ort: () => ortBackend({ runtime: ort, executionProviders: ['cpu'] }),
};
const spec: QuantizerSpec = { kind: 'vq', dimension: 24, codes: 7, heads: 4, depth: 2 };
/** Blocks of 8 and of 3 vectors, of 8 codes each. */
const indices = Int32Array.from({ length: 11 * 8 }, (_, at) => (at * at + at) % 7);
async function* blocks(): AsyncGenerator<Int32Array> {
  yield indices.subarray(0, 64);
  yield indices.subarray(64);
}

it.each(['cpu', 'ort'] as const)('gives what decode gives, on %s', async (name) => {
  const backend = await backends[name]();
  for (const extra of [{}, { codeDimension: 5 }, { projection: 'principal' }] satisfies Partial<QuantizerSpec>[]) {
    const state = createState({ ...spec, ...extra });
    state.tensors['project.out.bias']?.forEach((_, axis, bias) => (bias[axis] = axis - 7));
    const wanted = decode(state, indices);
    const made: number[] = [];
    for await (const vectors of decodeCodes(backend, state, blocks())) made.push(...vectors);
    expect(made.length).toBe(11 * 24);
    // Sums of 24 products of order 1 and a bias below 16: some roundings of 2^-21 each. Without products there is nothing to round.
    const most = 'codeDimension' in extra || 'projection' in extra ? 1e-5 : 0;
    made.forEach((value, at) => expect(Math.abs(value - wanted[at]!)).toBeLessThanOrEqual(most));
  }
  expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  backend.dispose();
});

it.each([
  ['an index that is no code', Int32Array.from({ length: 8 }, () => 7), 'data'],
  ['indices that are not whole vectors', new Int32Array(9), 'shape'],
])('refuses %s, and gives all back', async (_, wrong, code) => {
  const backend = cpuBackend();
  const state = createState({ ...spec, codeDimension: 5 });
  const all = async (): Promise<void> => {
    const given = (async function* () {
      yield* blocks();
      yield wrong;
    })();
    for await (const _vectors of decodeCodes(backend, state, given));
  };
  expect(await codeOf(all)).toBe(code);
  expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
});
