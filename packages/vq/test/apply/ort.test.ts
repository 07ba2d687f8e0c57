import { cpuBackend } from '@ddcl/backend-cpu';
import { ortBackend } from '@ddcl/backend-ort';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { initialize, quantize, update } from '../../src/index.ts';
import { kinds, normals, sourceOf, specOf } from '../kinds.ts';

const [count, dimension] = [64, 4];
const data = normals(count * dimension, 5);
const latents = { data, shape: [count, dimension] };

it.each(kinds)('%s has the same codes and the same next state on ort', async (kind) => {
  const cpu = cpuBackend();
  const other = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
  const spec = specOf(kind, { depth: 2, heads: 2 });
  const begun = await initialize(cpu, spec, sourceOf(data, dimension));
  const [here, there] = [await update(cpu, begun, latents), await update(other, begun, latents)];
  for (const [name, values] of Object.entries(here.tensors)) {
    // Sums of 64 numbers of order 1 in float32, in another order.
    values.forEach((value, index) => expect(Math.abs(there.tensors[name]![index]! - value)).toBeLessThan(1e-5));
  }
  const [own, its] = [await quantize(cpu, here, latents), await quantize(other, here, latents)];
  expect(its.indices).toEqual(own.indices);
  expect(its.hard).toEqual(own.hard);
  other.dispose();
});
