import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { ddclLayers, type DdclLayer } from '../../src/layers.ts';
import { tf } from './tf.ts';

const flagRegistry = (): object => (tf.env() as unknown as { flagRegistry: object }).flagRegistry;

/** What of tfjs nobody but its user sets. */
const settings = (backend: string) => ({
  backend: tf.getBackend(),
  // Asked for one by one, as tfjs itself finds them out when they are first asked for.
  flags: Object.fromEntries(Object.keys(flagRegistry()).map((name) => [name, tf.env().get(name)])),
  kernels: tf.getKernelsForBackend(backend).map(({ kernelName }) => kernelName),
  backends: Object.keys(tf.engine().registryFactory),
});

it('1,000 steps through both layers leave no tensor, and backend, flags and registry as they were', async () => {
  await tf.setBackend('wasm');
  tf.ones([1]).dispose();
  const before = settings('wasm');
  const { ddclReadout, ddclQuantizer } = ddclLayers(tf);
  const readout = ddclReadout({ prototypes: 3, outputs: ['pooled', 'outputs'] });
  const quantizer = ddclQuantizer({ codes: 4, steps: 500 });
  const optimizer = tf.train.sgd(0.01);
  const [x, z] = [tf.randomNormal([4, 5, 3]), tf.randomNormal([9, 3])];
  const once = (layer: DdclLayer, input: Tensor): void => {
    const step = (): Scalar => {
      const made = layer.apply(input, { training: true }) as Tensor | Tensor[];
      const loss = tf.sum(tf.square(Array.isArray(made) ? made[0]! : made)) as Scalar;
      const own = layer.calculateLosses();
      // One, also after a step that broke.
      expect(own.length).toBe(1);
      return tf.add(loss, own[0]!);
    };
    if (layer.weights.length === 0) layer.build(input.shape);
    optimizer.minimize(
      step,
      false,
      layer.trainableWeights.map((each) => each.read() as Variable),
    );
    tf.tidy(() => void layer.apply(input));
  };
  const both = (): void => {
    once(readout, x);
    once(quantizer, z);
  };
  both();
  const tensors = tf.memory().numTensors;
  for (let count = 0; count < 400; count++) both();
  readout.isWatched = quantizer.isWatched = true;
  for (let count = 0; count < 99; count++) both();
  await Promise.all([readout.takeReports(), quantizer.takeReports()]);
  expect(tf.memory().numTensors).toBe(tensors);
  both();
  expect([readout.step, quantizer.step]).toEqual([501, 501]);

  const breaks = (): unknown =>
    optimizer.minimize(() => {
      readout.apply(x, { training: true });
      throw new Error('broken');
    });
  expect(breaks).toThrow('broken');
  both();
  expect(settings('wasm')).toEqual(before);
});
