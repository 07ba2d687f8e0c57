import { readSafetensors, writeSafetensors } from '@ddcl/core/safetensors';
import { cpuBackend } from '@ddcl/backend-cpu';
import {
  describeHierarchy,
  fitHierarchy,
  hierarchyFromBytes,
  hierarchyToBytes,
  modelHash,
  type HierarchyModel,
} from '@ddcl/hier';
import { expect, it } from 'vitest';
import { createHash } from '../../src/hash/hash.ts';
import { corpus, sourceOf, thrown } from '../corpora.ts';

const spec = {
  dimension: 8,
  levels: [{ prototypes: 12 }, { prototypes: 4 }],
  encoder: { name: 'e', hash: 'abc' },
};

it('keeps a hierarchy as bytes, and refuses damaged ones', async () => {
  const { model } = await fitHierarchy(cpuBackend(), spec, sourceOf(corpus({ documents: 90 })), {
    epochs: 1,
    restarts: 1,
  });
  const bytes = hierarchyToBytes(model);
  const read = hierarchyFromBytes(bytes);
  expect(read).toEqual(model);
  expect(hierarchyToBytes(read)).toEqual(bytes);
  expect(describeHierarchy(read)).toMatchObject({
    hash: modelHash(model),
    documents: 90,
    encoder: { name: 'e', hash: 'abc' },
    levels: [
      { name: 'token', prototypes: 12, width: 8, components: 64 },
      { name: 'document', prototypes: 4, width: 64, components: undefined },
    ],
  });
  for (const place of [bytes.length - 1, bytes.length - 4000, Math.floor(bytes.length / 2)]) {
    const damaged = bytes.slice();
    damaged[place]! ^= 4;
    expect(await thrown(() => hierarchyFromBytes(damaged))).toBe(
      'format: This is not a hierarchy of format version 2: its checksum does not fit what it holds, so it is damaged. Give bytes that hierarchyToBytes wrote.',
    );
  }
  expect(await thrown(() => hierarchyFromBytes(bytes.slice(0, -8)))).toMatch(/^format: /);
  const text = new TextDecoder('latin1').decode(bytes);
  const other = Uint8Array.from(text.replace('"formatVersion":"2"', '"formatVersion":"9"'), (letter) =>
    letter.charCodeAt(0),
  );
  expect(await thrown(() => hierarchyFromBytes(other))).toBe(
    'format: This is not a hierarchy of format version 2: its formatVersion is 9. Give bytes that hierarchyToBytes wrote.',
  );
});

const small: HierarchyModel = {
  spec: { dimension: 2, levels: [{ prototypes: 2 }] },
  levels: [
    {
      model: {
        count: 2,
        dimension: 2,
        dtype: 'float64',
        prototypes: Float64Array.of(1, 2, 3, 4),
        temperature: 0.5,
        criticalTemperature: 1,
        offset: Float64Array.of(0, 1),
        scale: 2,
        totalVariance: 3,
      },
      masses: Float64Array.of(1, 2),
    },
  ],
  documents: 3,
  spareGain: 0.25,
};

/** The file with other numbers in it, and the checksum that goes with them. */
function forged(
  change: (metadata: Record<string, string>, numbers: (name: string) => Float64Array) => void,
): Uint8Array {
  const { tensors, metadata } = readSafetensors(hierarchyToBytes(small));
  const notes = { ...metadata };
  change(notes, (name) => tensors.get(`levels.0.${name}`)!.data as Float64Array);
  const hash = createHash();
  for (const name of ['spec', 'documents', 'spareGain']) hash.add(notes[name]!);
  for (const name of [...tensors.keys()].sort()) {
    hash.add(name);
    hash.add(tensors.get(name)!.data as Float64Array);
  }
  return writeSafetensors(tensors, { ...notes, checksum: hash.digest() });
}

it('reads what was changed with its checksum', () => {
  expect(hierarchyFromBytes(forged((notes) => (notes['documents'] = '4')))).toEqual({ ...small, documents: 4 });
});

it.each<[string, Parameters<typeof forged>[0]]>([
  ['documents that are none', (notes) => (notes['documents'] = '')],
  ['half a document', (notes) => (notes['documents'] = '2.5')],
  ['a gain of NaN', (notes) => (notes['spareGain'] = 'NaN')],
  ['a prototype at infinity', (_, numbers) => (numbers('prototypes')[1] = Infinity)],
  ['a negative mass', (_, numbers) => (numbers('masses')[0] = -1)],
  ['a temperature of 0', (_, numbers) => (numbers('scalars')[0] = 0)],
  ['a scale of NaN', (_, numbers) => (numbers('scalars')[2] = NaN)],
])('refuses %s, whatever the checksum', async (_, change) => {
  expect(await thrown(() => hierarchyFromBytes(forged(change)))).toMatch(/^format: /);
});
