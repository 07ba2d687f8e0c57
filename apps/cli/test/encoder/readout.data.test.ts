import { join } from 'node:path';
import { cpuBackend } from '@ddcl/backend-cpu';
import { readoutOutputs } from '@ddcl/core/fit';
import { Readout, type Encoded, type TokenBatch } from '@ddcl/readout';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { openEncoder } from '../../src/encoder/open-encoder.ts';
import type { TextDocument } from '../../src/text/text-document.ts';
import { openText } from '../../src/text/open-text.ts';

const data = process.env['DDCL_DATA'] ?? join(import.meta.dirname, '../../../../../shared/data');

/** Through the float32 encoder: what the issue of the readout allows. */
const allowed = 2e-4;

it('reads a review out alike, alone and in batches of any order (all-MiniLM-L6-v2)', { timeout: 600_000 }, async () => {
  const text = await openText([join(data, 'imdb/test_5k.jsonl.gz')]);
  const documents: TextDocument[] = [];
  for await (const document of text.documents()) {
    documents.push(document);
    if (documents.length === 24) break;
  }
  const encode = async (list: readonly TextDocument[], batch?: number): Promise<TokenBatch[]> => {
    const options = { encoder: join(data, 'all-MiniLM-L6-v2'), maxTokens: 256, ort: ort as never };
    const encoder = await openEncoder(batch === undefined ? options : { ...options, batch });
    const encoded = [];
    for await (const { tokens, ids } of encoder.encode(list))
      encoded.push({ data: tokens.slice(), shape: [ids.length, encoder.dimension] });
    await encoder.dispose();
    return encoded;
  };
  const batched = await encode(documents);
  const alone = await encode([...documents].reverse(), 1);
  alone.reverse();

  const backend = cpuBackend();
  const readout = await Readout.fit(batched, { backend, prototypes: 8, steps: 60 });
  // Warm enough that assignments are a smooth function of the tokens.
  const options = { outputs: readoutOutputs, temperature: 0.1 * readout.model.criticalTemperature };
  const together = await readout.encode(batched, { ...options, normalize: ['residuals'] });
  for (const [index, batch] of alone.entries()) {
    const own: Encoded = await readout.encode(batch, { ...options, normalize: ['residuals'] });
    for (const output of ['pooled', 'occupancy', 'summaries', 'residuals'] as const) {
      const width = together[output].shape.slice(1).reduce((a, b) => a * b, 1);
      const [mine, others] = [own[output]!.data, together[output].data] as [Float32Array, Float32Array];
      const worst = mine.reduce((most, x, i) => Math.max(most, Math.abs(x - others[index * width + i]!)), 0);
      expect(worst, `${output} of ${documents[index]!.place}`).toBeLessThan(allowed);
    }
  }
  readout.dispose();
});
