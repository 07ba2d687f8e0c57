import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { TestProject } from 'vitest/node';
import { tinyBert } from '../../../../tooling/tiny-bert/tiny-bert.ts';
import { features, fitReadout, texts, type Features } from '../pipeline/film-texts.ts';
import { tinyExtractor } from '../pipeline/tiny-extractor.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** What transformers.js and a readout gave in Node. */
    nodeReadout: {
      readonly features: Features;
      /** The readout's bytes. */
      readonly readout: readonly number[];
      /** SHA-256 of the encoder's file. */
      readonly encoder: string;
      /** Where transformers.js has the WebAssembly files of its onnxruntime-web. */
      readonly runtimeFolder: string;
    };
  }
}

/** Encodes in Node what the browser encodes. */
export async function setup(project: TestProject): Promise<void> {
  const { extractor, close } = await tinyExtractor();
  const readout = await fitReadout(extractor);
  const fromTransformers = createRequire(createRequire(import.meta.url).resolve('@huggingface/transformers'));
  project.provide('nodeReadout', {
    features: await features(extractor, readout, texts),
    readout: [...readout.toBytes()],
    encoder: createHash('sha256').update(tinyBert().files['onnx/model.onnx']!).digest('hex'),
    runtimeFolder: dirname(fromTransformers.resolve('onnxruntime-web')),
  });
  readout.dispose();
  await close();
}
