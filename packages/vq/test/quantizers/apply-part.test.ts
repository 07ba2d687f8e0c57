import { cpuBackend } from '@ddcl/backend-cpu';
import { f32, trace, type Tensor, type TensorType } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { initialize, quantize, quantizerPart } from '../../src/index.ts';
import { kinds, normals, sourceOf, specOf, structures } from '../kinds.ts';

const [batch, length, m] = [3, 8, 4];
const z = normals(batch * length * m, 5, 2);
const weights = Float32Array.from({ length: batch * length }, (_, vector) => vector % 4);

describe.each(kinds)('quantizerPart(%s).apply', (kind) => {
  it.each(Object.keys(structures))('finds the codes and vectors that quantize finds: %s', async (structure) => {
    const backend = cpuBackend();
    const spec = specOf(kind, structures[structure]);
    const state = await initialize(backend, spec, sourceOf(normals(40 * m, 6, 2), m));
    const part = quantizerPart(state);
    const names = Object.keys(part.parameters);
    const types = names.map((name) => f32(...part.parameters[name]!.shape));
    const program = trace([f32(batch, length, m), f32(batch, length), ...types], (latents, given, ...rest) => {
      const tensors = rest as readonly Tensor[];
      const parameters = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
      const { hard, indices } = part.apply({ z: latents, weights: given, parameters });
      return [hard, indices];
    });
    const executable = await backend.compile(program);
    const data = [z, weights, ...names.map((name) => part.parameters[name]!.data as Float32Array)];
    const inputs = data.map((each, index) =>
      backend.upload(program.parameters[index] as TensorType & { shape: readonly number[] }, each),
    );
    const made = await executable.run(inputs);
    const [hard, indices] = await Promise.all(made.map((buffer) => backend.download(buffer)));
    const expected = await quantize(backend, state, { data: z, shape: [batch, length, m], weights });
    expect([...indices!]).toEqual([...expected.indices]);
    const worst = Math.max(...Array.from(hard!, (value, index) => Math.abs(value - expected.hard[index]!)));
    expect(worst).toBeLessThan(1e-5);
    backend.dispose();
  });
});
