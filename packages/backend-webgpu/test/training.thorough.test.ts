import type { Backend } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import { cpuBackend } from '../../backend-cpu/src/index.ts';
import { trainHead } from '../../readout/src/head/train-head.ts';
import { pairTask, readerOf } from '../../readout/test/head/documents.ts';
import { trainAutoencoder } from '../../vq/src/index.ts';
import { stripes } from '../../vq/test/autoencoder/images.ts';
import { hasAdapter, makeBackend } from './support.ts';

/** What a training tells on the CPU backend and on this one, from which nothing may be left on the device. */
async function onBoth<Told>(train: (backend: Backend) => Promise<Told>): Promise<{ found: Told; expected: Told }> {
  const backend = await makeBackend();
  try {
    const [found, expected] = [await train(backend), await train(cpuBackend())];
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    return { found, expected };
  } finally {
    backend.dispose();
  }
}

describe.runIf(hasAdapter)('training', () => {
  it('a head on frozen tokens has the losses of the CPU backend', async () => {
    const task = pairTask(64);
    const { found, expected } = await onBoth(async (backend) => {
      const options = { model: task.model, outputs: 'residuals', epochs: 3, batch: 16, lambda: 1 } as const;
      return (await trainHead(backend, readerOf(task.documents, 8), task.labels, options)).history;
    });
    expect(found).toHaveLength(3);
    // Float32 sums in another order, over a dozen steps.
    found.forEach(({ loss }, epoch) => expect(Math.abs(loss / expected[epoch]!.loss - 1)).toBeLessThan(1e-3));
  });

  it('an autoencoder with a codebook has the errors of the CPU backend', async () => {
    const { found, expected } = await onBoth(async (backend) => {
      const training = await trainAutoencoder(backend, stripes(12, 1), {
        quantizer: { kind: 'ddcl', dimension: 3, codes: 8 },
        hidden: 12,
        epochs: 2,
        stepsPerEpoch: 10,
        batch: 32,
        learningRate: 0.02,
        holdOut: stripes(4, 2),
      });
      return training.history;
    });
    expect(found).toHaveLength(2);
    found.forEach(({ soft }, epoch) => expect(Math.abs(soft! / expected[epoch]!.soft! - 1)).toBeLessThan(1e-3));
  });
});
