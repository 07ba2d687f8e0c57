import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, pipeline, type FeatureExtractionPipeline } from '@huggingface/transformers';
import { writeTinyBert } from '../../../../tooling/tiny-bert/write-tiny-bert.ts';

/** A pipeline of transformers.js on the tiny BERT, from files, without any network. `close` ends it and removes the files. */
export async function tinyExtractor(): Promise<{
  readonly extractor: FeatureExtractionPipeline;
  close(): Promise<void>;
}> {
  const folder = await mkdtemp(join(tmpdir(), 'ddcl-tiny-bert-'));
  await writeTinyBert(join(folder, 'tiny-bert'));
  env.allowRemoteModels = false;
  env.localModelPath = folder;
  env.useFSCache = false;
  const extractor = await pipeline('feature-extraction', 'tiny-bert', { dtype: 'fp32' });
  return {
    extractor,
    async close() {
      await extractor.dispose();
      await rm(folder, { recursive: true });
    },
  };
}
