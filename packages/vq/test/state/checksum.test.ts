import { cpuBackend } from '@ddcl/backend-cpu';
import { expect, it } from 'vitest';
import {
  codebookChecksum,
  createState,
  initialize,
  packIndices,
  readPackedHeader,
  stateFromBytes,
  stateToBytes,
  unpackIndices,
  update,
} from '../../src/index.ts';
import { createHash } from '../../src/pack/hash.ts';
import { kinds, normals, sourceOf, specOf } from '../kinds.ts';

it('hashes as FNV-1a of 64 bits does', () => {
  // From the authors' test vectors.
  for (const [text, expected] of [
    ['', 'cbf29ce484222325'],
    ['a', 'af63dc4c8601ec8c'],
    ['foobar', '85944171f73967e8'],
  ] as const) {
    const hash = createHash();
    for (const letter of text) hash.add(letter);
    expect(hash.digest()).toBe(expected);
  }
});

it.each(kinds)('tells codebooks of %s apart by all that they decode with, and by nothing else', async (kind) => {
  const spec = specOf(kind, { heads: 2, depth: 2 });
  const state = await initialize(cpuBackend(), spec, sourceOf(normals(160, 1), 4));
  const checksum = codebookChecksum(state);
  expect(checksum).toMatch(/^[0-9a-f]{16}$/);
  expect(codebookChecksum(stateFromBytes(stateToBytes(state)))).toBe(checksum);
  const changed = (name: string): string => {
    const values = state.tensors[name]!.slice();
    values[values.length - 1]! += 1;
    return codebookChecksum({ ...state, tensors: { ...state.tensors, [name]: values } });
  };
  for (const name of Object.keys(state.tensors)) {
    const decodes = /^(codes|frame|matrix|project\.out)/.test(name);
    expect(changed(name) === checksum, name).toBe(!decodes);
  }
  expect(codebookChecksum(createState({ ...spec, depth: 1 }))).not.toBe(checksum);
});

it('stays as it is in an update that moves no code', async () => {
  const state = createState(specOf('vq'));
  const next = await update(cpuBackend(), state, { data: normals(40, 2), shape: [10, 4] });
  expect(next.tensors['mass.0.0']).not.toEqual(state.tensors['mass.0.0']);
  expect(codebookChecksum(next)).toBe(codebookChecksum(state));
});

it('is in the header of packed codes', () => {
  const checksum = 'fedcba9876543210';
  const bytes = packIndices([1, 2, 3], [4], checksum);
  expect(readPackedHeader(bytes)).toEqual({ codes: [4], count: 3, checksum, length: 32 });
  expect(unpackIndices(bytes.buffer)).toEqual({ codes: [4], count: 3, checksum, indices: Int32Array.of(1, 2, 3) });
  expect(unpackIndices(packIndices([1, 2, 3], [4]))).not.toHaveProperty('checksum');
  for (const wrong of ['', 'FEDCBA9876543210', 'fedcba987654321', 7 as never])
    expect(() => packIndices([1], [4], wrong)).toThrow(/16 hexadecimal digits/);
});
