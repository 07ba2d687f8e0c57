import { appendReadout } from '@ddcl/backend-ort';
import { readoutProgram } from '@ddcl/core/fit';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { tinyBert } from '../../../../tooling/tiny-bert/tiny-bert.ts';
import { readoutPipeline } from '../../src/pipeline/readout-pipeline.ts';
import { fitReadout, texts } from './film-texts.ts';
import { tinyExtractor } from './tiny-extractor.ts';

describe('encoder and readout in one ONNX file', () => {
  it('give what the pipeline gives', async () => {
    const { extractor, close } = await tinyExtractor();
    const readout = await fitReadout(extractor);
    const encoder = tinyBert().files['onnx/model.onnx'] as Uint8Array;
    const inputs = extractor.tokenizer([...texts], { padding: true, truncation: true });
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { data, dims }]) => [
        name,
        new ort.Tensor('int64', data as BigInt64Array, [...dims]),
      ]),
    );
    const embed = readoutPipeline(extractor, readout);
    for (const what of ['pooled', 'occupancy', 'summaries', 'residuals'] as const) {
      // In a file residuals are always normalized.
      const encoded = await embed(texts, { outputs: [what], normalize: what === 'residuals' });
      const { data, shape } = encoded[what]!;
      const session = await ort.InferenceSession.create(
        appendReadout(encoder, readoutProgram(readout.model, { outputs: [what], layout: 'padded' })),
      );
      const output = (await session.run(feeds))[what]!;
      await session.release();
      expect(output.dims).toEqual(shape);
      const actual = output.data as Float32Array;
      const worst = actual.reduce((most, value, index) => Math.max(most, Math.abs(value - data[index]!)), 0);
      expect(worst, what).toBeLessThan(1e-5);
    }
    readout.dispose();
    await close();
  });
});
