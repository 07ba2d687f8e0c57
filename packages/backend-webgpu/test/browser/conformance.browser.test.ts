import { runConformance } from '@ddcl/backend-conformance';
import { expect, it } from 'vitest';
import { webgpuBackend } from '../../src/index.ts';

/** SwiftShader takes minutes for all, which Node asks: here every so manieth case of the list, in which those of an op follow each other. */
const every = 16;

// Without an adapter `webgpuBackend` throws, and says what was tried.
it('passes every sixteenth case of the suite in Chromium, fused kernels and all', async () => {
  let seen = 0;
  const outcomes = await runConformance(() => webgpuBackend({}), { only: () => seen++ % every === 0 });
  expect(outcomes.length).toBeGreaterThan(200);
  expect(outcomes.filter(({ status }) => status !== 'passed')).toEqual([]);
}, 600_000);
