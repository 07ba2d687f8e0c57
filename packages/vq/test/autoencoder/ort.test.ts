import { ortBackend } from '@ddcl/backend-ort';
import * as ort from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { decodeImages, encodeImages, trainAutoencoder } from '../../src/index.ts';
import { stripes } from './images.ts';

it.each(['ddcl', 'rotation'] as const)('an autoencoder with %s learns on ort', async (kind) => {
  const backend = await ortBackend({ runtime: ort, executionProviders: ['cpu'] });
  const holdOut = stripes(6, 2);
  const { model, history } = await trainAutoencoder(backend, stripes(30, 1), {
    quantizer: { kind, dimension: 3, codes: 8, ...(kind === 'rotation' && { reviveBelow: 0.2, decay: 0.9 }) },
    hidden: 16,
    epochs: 1,
    stepsPerEpoch: 100,
    batch: 32,
    learningRate: 0.02,
    holdOut,
  });
  expect(history[0]!.hard).toBeLessThan(0.04);
  const back = await decodeImages(backend, model, await encodeImages(backend, model, holdOut));
  const error = holdOut.data.reduce((sum, byte, index) => sum + (back.data[index]! - byte / 255) ** 2, 0);
  expect(error / holdOut.data.length).toBeLessThan(history[0]!.hard * 1.0001);
  expect(backend.memory().buffers).toBe(0);
  backend.dispose();
});
