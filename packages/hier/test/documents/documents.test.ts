import { cpuBackend } from '@ddcl/backend-cpu';
import {
  documentsFromArrays,
  encodeDocuments,
  fitHierarchy,
  hierarchyToBytes,
  shardSums,
  type DocumentSource,
} from '@ddcl/hier';
import { expect, it } from 'vitest';
import { corpus, pick, sourceOf, thrown } from '../corpora.ts';

const backend = cpuBackend();
const some = corpus({ documents: 40, dimension: 4 });
const spec = { dimension: 4, levels: [{ prototypes: 3 }, { prototypes: 2 }] };

it('takes the encoder of the documents over, and refuses those of another', async () => {
  const from = (name: string): DocumentSource => ({ ...sourceOf(some), encoder: { name, hash: `#${name}` } });
  const { model } = await fitHierarchy(backend, spec, from('a'), { epochs: 1, restarts: 1 });
  expect(model.spec.encoder).toEqual({ name: 'a', hash: '#a' });
  const message =
    'data: The model was fitted with the encoder a (#a), but the documents come from b (#b). Use the same encoder.';
  expect(await thrown(() => encodeDocuments(model, from('b')).next())).toBe(message);
  expect(await thrown(() => shardSums(model, from('b')))).toBe(message);
  expect(await thrown(() => fitHierarchy(backend, model.spec, from('b')))).toBe(message);
});

it('tells documents of equal tokens apart by their groups, so that their order changes nothing', async () => {
  const twice = pick(some, [...Array(40).keys(), ...Array(40).keys()]);
  const sentences = Array.from(twice.lengths, (length, index) =>
    index < 40 || length === 1 ? [length] : [1, length - 1],
  );
  const levels = [{ prototypes: 3, group: 'sentence' }, { prototypes: 4, pass: { project: null } }, { prototypes: 2 }];
  const bytes = async (order: readonly number[]): Promise<Uint8Array> => {
    const source = documentsFromArrays({
      ...pick(twice, order),
      ids: order.map(String),
      groups: { sentence: order.map((index) => sentences[index]!) },
    });
    const { model } = await fitHierarchy(backend, { dimension: 4, levels }, source, { epochs: 2, restarts: 1 });
    return hierarchyToBytes(model);
  };
  const order = [...Array(80).keys()];
  expect(await bytes([...order].reverse())).toEqual(await bytes(order));
});

it.each<[string, object]>([
  [
    'shape: There are 3 documents, but groups.sentence is of 2. Give one list of groups per document.',
    { groups: { sentence: [[1], [1]] } },
  ],
  ["data: Two documents have the id 'a'. Give each its own.", { ids: ['a', 'b', 'a'] }],
])('refuses: %s', async (message, given) => {
  expect(
    await thrown(() => documentsFromArrays({ data: new Float32Array(6), dimension: 2, lengths: [1, 1, 1], ...given })),
  ).toBe(message);
});
