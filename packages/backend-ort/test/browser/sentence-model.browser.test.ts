import * as ort from 'onnxruntime-web';
import { describe, expect, inject, it } from 'vitest';
import { furthest, runSentences, sentenceOutputs, sentences } from '../export/sentence-model.ts';

ort.env.wasm.numThreads = 1;

describe('one file from token ids to the readout of a BERT, in a page', () => {
  const files = inject('sentenceFiles');

  it('is there for each readout', () => {
    expect(files.map(({ what }) => what)).toEqual(sentenceOutputs);
  });

  it.each(files.map((each) => [each.what, each] as const))('%s: what Node gives', async (what, { file, data }) => {
    const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
    const here = await runSentences(ort, bytes, sentences);
    expect(here.data.length).toBeGreaterThan(0);
    // float32 through the encoder, in another build of the runtime.
    expect(furthest(here.data, data), what).toBeLessThan(1e-5);
  });
});
