import { cpuBackend } from '@ddcl/backend-cpu';
import { env, pipeline, type FeatureExtractionPipeline } from '@huggingface/transformers';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { tinyBert } from '../../../../tooling/tiny-bert/tiny-bert.ts';
import { Readout } from '../../src/readout/readout.ts';
import { difference, features, texts } from '../pipeline/film-texts.ts';

const { files } = tinyBert();
const node = inject('nodeReadout');
let extractor: FeatureExtractionPipeline;
const asked: string[] = [];
/** Of this page's server. In a variable, since vite replaces what it recognises as the address of a file. */
const server = import.meta.url;

beforeAll(async () => {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.useBrowserCache = false;
  env.useWasmCache = false;
  env.localModelPath = '/models/';
  // The model is made in the page; nothing is loaded from anywhere.
  env.fetch = async (input) => {
    const path = new URL(String(input), server).pathname.replace('/models/tiny-bert/', '');
    asked.push(path);
    const data = files[path];
    return new Response(data as ConstructorParameters<typeof Response>[0], { status: data === undefined ? 404 : 200 });
  };
  const wasm = env.backends.onnx.wasm!;
  const base = new URL(`/@fs${node.runtimeFolder}/ort-wasm-simd-threaded.asyncify`, server).href;
  wasm.wasmPaths = { mjs: `${base}.mjs`, wasm: `${base}.wasm` };
  wasm.numThreads = 1;
  extractor = await pipeline('feature-extraction', 'tiny-bert', { dtype: 'fp32', device: 'wasm' });
});

describe('a readout on transformers.js in a page', () => {
  it('has the encoder that Node has, byte by byte', async () => {
    expect(asked).toContain('onnx/model.onnx');
    const digest = await crypto.subtle.digest('SHA-256', files['onnx/model.onnx'] as Uint8Array<ArrayBuffer>);
    expect([...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(node.encoder);
  });

  it('gives what Node gives, for every batch size', async () => {
    const readout = Readout.fromBytes(Uint8Array.from(node.readout), { backend: cpuBackend() });
    for (const batch of [undefined, 1, 3]) {
      // float32 through the encoder, in another build of the runtime.
      expect(difference(await features(extractor, readout, texts, batch), node.features)).toBeLessThan(1e-5);
    }
    const other = await features(extractor, readout, texts.toReversed());
    expect(difference(other, node.features)).toBeGreaterThan(0.01);
  });
});
