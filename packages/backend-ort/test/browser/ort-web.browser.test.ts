import { describeBackend } from '@ddcl/backend-conformance';
import * as ort from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { ortBackend } from '../../src/index.ts';

// Threads have a test of their own; the suite is about numbers, and one thread is what every page has.
ort.env.wasm.numThreads = 1;

describeBackend('ort wasm', () => ortBackend({ runtime: ort, executionProviders: ['wasm'] }), { deviations: [] });

describe('onnxruntime-web', () => {
  it('says why a provider cannot start', async () => {
    await expect(ortBackend({ runtime: ort, executionProviders: ['wasm', 'nonsense'] })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining("'nonsense' (of wasm, nonsense) cannot start here"),
    });
  });
});
