import { cpuBackend } from '@ddcl/backend-cpu';
import { describeHierarchy, fitHierarchy, hierarchyFromBytes, hierarchyToBytes, modelHash } from '@ddcl/hier';
import { expect, it } from 'vitest';
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
      'format: This is not a hierarchy of format version 1: its checksum does not fit what it holds, so it is damaged. Give bytes that hierarchyToBytes wrote.',
    );
  }
  expect(await thrown(() => hierarchyFromBytes(bytes.slice(0, -8)))).toMatch(/^format: /);
  const text = new TextDecoder('latin1').decode(bytes);
  const other = Uint8Array.from(text.replace('"formatVersion":"1"', '"formatVersion":"9"'), (letter) =>
    letter.charCodeAt(0),
  );
  expect(await thrown(() => hierarchyFromBytes(other))).toBe(
    'format: This is not a hierarchy of format version 1: its formatVersion is 9. Give bytes that hierarchyToBytes wrote.',
  );
});
