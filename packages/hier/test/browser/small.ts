import type { Backend } from '@ddcl/core/backend';
import { encodeDocuments, fitHierarchy, hierarchyFromBytes, hierarchyToBytes, partialFit } from '@ddcl/hier';
import { corpus, sourceOf } from '../corpora.ts';

/** What a small fit, its saved model and an update give. */
export async function fitSmall(
  backend: Backend,
): Promise<{ readonly topics: number[]; readonly saved: number[]; readonly born: number }> {
  const documents = corpus({ documents: 60, dimension: 4, tokens: 6 });
  const topics: number[] = [];
  const spec = { dimension: 4, levels: [{ prototypes: 6 }, { prototypes: 4 }] };
  const { model } = await fitHierarchy(backend, spec, sourceOf(documents), {
    epochs: 2,
    restarts: 1,
    onDocuments: (codes) => topics.push(...codes.map(({ topic }) => topic)),
  });
  const read = hierarchyFromBytes(hierarchyToBytes(model));
  const saved: number[] = [];
  for await (const codes of encodeDocuments(read, sourceOf(documents))) saved.push(...codes.map(({ topic }) => topic));
  const unseen = corpus({ documents: 20, dimension: 4, tokens: 6, classes: [9] });
  const { changes } = await partialFit(read, sourceOf(unseen));
  return { topics, saved, born: changes.born.length };
}
