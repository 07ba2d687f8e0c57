import { ortBackend, type OrtRuntime } from '@ddcl/backend-ort';
import { encodeDocuments, fitHierarchy, type DocumentCode } from '@ddcl/hier';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { corpus, pick, sourceOf } from '../corpora.ts';

it('gives alone what a fit on ONNX Runtime told of all', async () => {
  const runtime = ort as unknown as OrtRuntime;
  const backend = await ortBackend({ runtime, executionProviders: ['cpu'], threads: 1 });
  const documents = corpus({ documents: 60 });
  const told: DocumentCode[] = [];
  const spec = { dimension: 8, levels: [{ prototypes: 6 }, { prototypes: 4 }] };
  const onDocuments = (some: readonly DocumentCode[]): unknown => told.push(...some);
  const { model } = await fitHierarchy(backend, spec, sourceOf(documents), { epochs: 1, restarts: 1, onDocuments });
  backend.dispose();
  for (let document = 0; document < 60; document += 7)
    for await (const codes of encodeDocuments(model, sourceOf(pick(documents, [document]))))
      expect(codes).toEqual([told[document]]);
});
