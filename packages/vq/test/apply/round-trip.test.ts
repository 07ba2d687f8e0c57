import { cpuBackend } from '@ddcl/backend-cpu';
import { describe, expect, it } from 'vitest';
import {
  decode,
  initialize,
  packIndices,
  quantize,
  stateFromBytes,
  stateToBytes,
  unpackIndices,
  update,
} from '../../src/index.ts';
import { kinds, normals, sourceOf, specOf, structures } from '../kinds.ts';

const [count, dimension] = [60, 4];
const data = normals(count * dimension, 1);
const backend = cpuBackend();

describe.each(kinds)('%s', (kind) => {
  it.each(Object.entries(structures))('comes back from bytes as it was quantized, %s', async (_, extra) => {
    const spec = specOf(kind, extra);
    const begun = await initialize(backend, spec, sourceOf(data, dimension));
    const state = await update(backend, begun, { data, shape: [count, dimension] });
    const { indices, hard, indexShape, report } = await quantize(backend, state, { data, shape: [count, dimension] });
    const perVector = (extra.heads ?? 1) * (extra.depth ?? 1);
    expect(indexShape).toEqual([count, perVector]);
    const codes = Array.from({ length: perVector }, () => spec.codes ?? 36);
    const stored = unpackIndices(packIndices(indices, codes));
    expect(stored).toEqual({ indices, codes, count });
    const restored = stateFromBytes(stateToBytes(state));
    expect(restored).toEqual(state);
    expect(decode(restored, stored.indices)).toEqual(hard);
    expect(report.use).toBeGreaterThan(0);
    expect(report.perplexity).toBeGreaterThan(1);
  });
});
