import type { io, Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { ddclLayers, type DDCLQuantizerLayer, type DDCLReadoutLayer } from '../../src/layers.ts';
import { difference, tf } from './tf.ts';

const { ddclReadout, ddclQuantizer } = ddclLayers(tf);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** As a file would: through JSON. */
async function saved(model: { save(handler: io.IOHandler): Promise<unknown> }): Promise<io.ModelArtifacts> {
  let kept: io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      kept = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
  const { weightData, ...rest } = kept!;
  return { ...(JSON.parse(JSON.stringify(rest)) as io.ModelArtifacts), weightData: weightData! };
}

it('a model with both layers goes round: predictions, options, the place in the schedule, and it trains on', async () => {
  const tokens = tf.input({ shape: [6, 3] });
  const read = ddclReadout({
    prototypes: 4,
    outputs: ['pooled', 'occupancy'],
    temperature: { ofCritical: 0.2 },
    rateRatio: 5,
    name: 'reader',
  });
  const [pooled, occupancy] = read.apply(tokens) as never as [never, never];
  const codes = ddclQuantizer({
    codes: 4,
    steps: 20,
    schedule: { warmUp: 0, end: 0.01 },
    name: 'book',
  }).apply(pooled) as never;
  const model = tf.model({ inputs: tokens, outputs: tf.layers.concatenate().apply([codes, occupancy]) as never });
  model.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' });
  const x = tf.randomNormal([8, 6, 3], 0, 1, 'float32', 4);
  const y = tf.zeros([8, 7]);
  await model.fit(x, y, { epochs: 3, batchSize: 4, verbose: 0, shuffle: false });

  const artifacts = await saved(model);
  const again = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
  expect((again.predict(x) as Tensor).dataSync()).toEqual((model.predict(x) as Tensor).dataSync());
  const [reader, book] = ['reader', 'book'].map((name) => again.getLayer(name)) as unknown as [
    DDCLReadoutLayer,
    DDCLQuantizerLayer,
  ];
  expect([reader.step, book.step]).toEqual([6, 6]);
  expect(reader.getConfig()).toEqual(model.getLayer('reader').getConfig());
  expect(book.getConfig()).toEqual(model.getLayer('book').getConfig());
  expect(await reader.toModelBytes()).toEqual(await (model.getLayer('reader') as DDCLReadoutLayer).toModelBytes());

  again.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' });
  for (const each of [model, again]) await each.fit(x, y, { epochs: 1, batchSize: 4, verbose: 0, shuffle: false });
  // Prototypes go on, and do not start again; temperatures and noise are those of step 6 and 7.
  expect((again.predict(x) as Tensor).dataSync()).toEqual((model.predict(x) as Tensor).dataSync());
});

it('a saved layer of another version is refused when it is loaded', async () => {
  const model = tf.sequential({ layers: [ddclReadout({ prototypes: 2, inputShape: [3, 2] })] });
  const artifacts = await saved(model);
  const text = JSON.stringify(artifacts.modelTopology).replace('"version":1', '"version":7');
  expect(text).toContain('"version":7');
  await expect(
    tf.loadLayersModel(tf.io.fromMemory({ ...artifacts, modelTopology: JSON.parse(text) as object })),
  ).rejects.toThrow(
    'DDCLReadout was saved with format version 7, and this package reads version 1. Load the model with the @ddcl/backend-tfjs that saved it, and take its prototypes over: layer.toModelBytes() there, layer.fromModelBytes(bytes) here.',
  );
});

it('a saved layer that lacks a key, or whose weights are of other sizes, is refused when it is loaded', async () => {
  const model = tf.sequential({
    layers: [
      ddclReadout({ prototypes: 2, name: 'reader', outputs: 'outputs', inputShape: [3, 2] }),
      ddclQuantizer({ codes: 4, steps: 5, name: 'book' }),
    ],
  });
  const artifacts = await saved(model);
  const changed = (layer: number, change: (config: Record<string, unknown>) => void) => {
    const topology = structuredClone(artifacts.modelTopology) as {
      config: { layers: { config: Record<string, unknown> }[] };
    };
    change(topology.config.layers[layer]!.config);
    return tf.loadLayersModel(tf.io.fromMemory({ ...artifacts, modelTopology: topology }));
  };
  const readoutKeys = 'prototypes, outputs, normalize, temperature, lambda, lqThrough, tracking, rateRatio, seed';
  const remedy = 'Load the file as model.save wrote it, or save the model again.';
  for (const key of ['version', 'temperature', 'step'])
    await expect(changed(0, (config) => delete config[key])).rejects.toThrow(
      `DDCLReadout is saved with ${readoutKeys}, step, version, but the configuration to load lacks ${key}. ${remedy}`,
    );
  for (const key of ['version', 'schedule', 'norm'])
    await expect(changed(1, (config) => delete config[key])).rejects.toThrow(
      `DDCLQuantizer is saved with codes, steps, schedule, outputs, rateRatio, seed, norm, step, version, but the configuration to load lacks ${key}. ${remedy}`,
    );
  await expect(changed(0, (config) => (config['prototypes'] = 5))).rejects.toThrow(
    "DDCLReadout 'reader' holds prototypes [5, 2], but the weights given have [2, 2]. Load configuration and weights of one save, or make the layer with the options of the one that was saved.",
  );
});

it('weights that are loaded into a new model stay, in a layer of another ratio too', async () => {
  const make = (rateRatio: number) =>
    tf.sequential({ layers: [ddclReadout({ prototypes: 4, inputShape: [6, 3], rateRatio, lambda: 1 })] });
  const [trained, fresh] = [make(5), make(2)];
  const x = tf.randomNormal([8, 6, 3], 0, 1, 'float32', 4);
  for (const each of [trained, fresh]) each.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
  await trained.fit(x, tf.zeros([8, 3]), { verbose: 0 });
  fresh.setWeights(trained.getWeights());
  await fresh.fit(x, tf.zeros([8, 3]), { verbose: 0 });
  const [own, theirs] = await Promise.all(
    [fresh, trained].map((each) => (each.layers[0] as DDCLReadoutLayer).readPrototypes()),
  );
  expect(difference(own![0]!, theirs![0]!)).toBe(0);
  expect(await (fresh.layers[0] as DDCLReadoutLayer).readRateRatio()).toBe(5);
});
