import type { Tensor } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { ddclCertificate, ddclLayers } from '../../src/layers.ts';
import { tf } from './tf.ts';

const { ddclReadout, ddclQuantizer } = ddclLayers(tf);

it.each(['cpu', 'webgl'])('a model with both layers trains in Chromium on tfjs %s', async (name) => {
  expect(await tf.setBackend(name)).toBe(true);
  const model = tf.sequential();
  model.add(ddclReadout({ prototypes: 4, inputShape: [6, 3], rateRatio: 3, seed: 1 }));
  model.add(ddclQuantizer({ codes: 4, steps: 16, rateRatio: 3 }));
  model.add(tf.layers.dense({ units: 1, kernelInitializer: tf.initializers.glorotUniform({ seed: 2 }) }));
  model.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError' });
  const [x, y] = tf.tidy(() => {
    const label = tf.reshape(tf.tensor1d([1, -1, 1, -1, 1, -1, 1, -1]), [8, 1, 1]);
    const tokens = tf.add(tf.randomNormal([8, 6, 3], 0, 0.3, 'float32', 3), label);
    return [tokens, tf.reshape(label, [8, 1])] as [Tensor, Tensor];
  });
  const warnings: string[] = [];
  const certificate = ddclCertificate({ of: model, onWarning: (warning) => warnings.push(warning) });
  const options = { epochs: 8, batchSize: 8, shuffle: false, verbose: 0, callbacks: certificate } as const;
  const { history } = await model.fit(x, y, options);
  const loss = history['loss'] as number[];
  expect(loss.at(-1)!).toBeLessThan(loss[0]! / 2);
  expect(warnings).toEqual([]);
  expect(certificate.records.length).toBe(16);
  for (const { v, defect, temperatureShare } of certificate.records) {
    expect(v).toBeGreaterThanOrEqual(0);
    expect(defect).toBeLessThan(1e-3);
    expect(temperatureShare).toBeLessThan(1);
  }
  const before = tf.memory().numTensors;
  await model.fit(x, y, { ...options, epochs: 2 });
  expect(tf.memory().numTensors).toBe(before);
});
