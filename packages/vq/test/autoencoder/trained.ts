import { cpuBackend } from '@ddcl/backend-cpu';
import { encodeImages, trainAutoencoder, type AutoencoderEpoch } from '../../src/index.ts';
import { stripes } from './images.ts';

/** What a training gives, as numbers to compare: in Node and in a page. */
export interface Trained {
  readonly history: readonly AutoencoderEpoch[];
  readonly codes: readonly number[];
  readonly weights: readonly number[];
}

/** A small autoencoder with a `ddcl` codebook, trained on the CPU backend. */
export async function trainSmall(): Promise<Trained> {
  const backend = cpuBackend();
  const { model, history } = await trainAutoencoder(backend, stripes(30, 1), {
    quantizer: { kind: 'ddcl', dimension: 3, codes: 8 },
    hidden: 12,
    epochs: 2,
    stepsPerEpoch: 60,
    batch: 32,
    learningRate: 0.02,
    holdOut: stripes(8, 2),
  });
  const { indices } = await encodeImages(backend, model, stripes(8, 2));
  backend.dispose();
  return { history, codes: Array.from(indices), weights: Array.from(model.weights['decoder.1.weight']!) };
}
