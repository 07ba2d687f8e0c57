import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from 'vitest';
import { ddclCertificate, ddclLayers, type TfjsLayers } from '../../src/layers.ts';
import { tf } from './tf.ts';

const { ddclReadout, ddclQuantizer } = ddclLayers(tf);

/** The whole text of what is thrown. */
function said(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toMatchObject({ name: 'DdclError' });
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('what ddclLayers refuses', () => {
  it('no tfjs, and one without layers', () => {
    expect(said(() => ddclLayers(undefined as never))).toBe(
      "ddclLayers takes the module of TensorFlow.js as 'tf', but got undefined. Install one of its packages and pass the module: import * as tf from '@tensorflow/tfjs'; ddclLayers(tf).",
    );
    expect(said(() => ddclLayers({} as never))).toBe(
      "ddclLayers takes the module of TensorFlow.js as 'tf', but got an empty object. Install one of its packages and pass the module: import * as tf from '@tensorflow/tfjs'; ddclLayers(tf).",
    );
    expect(said(() => ddclLayers({ tf } as never))).toBe(
      "ddclLayers takes the module of TensorFlow.js as 'tf', but got an object of tf. Install one of its packages and pass the module: import * as tf from '@tensorflow/tfjs'; ddclLayers(tf).",
    );
    const { layers: _layers, ...core } = tf;
    expect(said(() => ddclLayers(core as never))).toBe(
      "The 'tf' given to ddclLayers has no layers. Pass the module of '@tensorflow/tfjs', or both of its parts: ddclLayers({ ...tf, ...layers }) with import * as layers from '@tensorflow/tfjs-layers'.",
    );
  });

  it('two copies of tfjs-core, of which the layers know the other', () => {
    const require = createRequire(import.meta.url);
    const path = require.resolve('@tensorflow/tfjs-core');
    const first = require.cache[path];
    delete require.cache[path];
    const second = require(path) as TfjsLayers;
    if (first !== undefined) require.cache[path] = first;
    expect(said(() => ddclLayers({ ...second, layers: tf.layers }))).toBe(
      'ddclLayers: there are two copies of @tensorflow/tfjs-core in this process, one given and another that the layers were made with. Find both with npm ls @tensorflow/tfjs-core, bring them to one version, and pass parts that belong together.',
    );
  });

  it('gives the same classes again', () => {
    expect(ddclLayers(tf)).toBe(ddclLayers({ ...tf }));
  });
});

const temperatures =
  'a number > 0 (in squared units of the tokens), or { ofCritical } > 0 and < 1 (at T_c or above it all prototypes collapse into one point)';

describe('options out of range when a layer is made', () => {
  it.each([
    [{}, 'DDCLReadout takes prototypes as a whole number >= 1, but got undefined.'],
    [{ prototypes: 0 }, 'DDCLReadout takes prototypes as a whole number >= 1, but got 0.'],
    [{ prototypes: 2.5 }, 'DDCLReadout takes prototypes as a whole number >= 1, but got 2.5.'],
    [{ prototypes: 4, temperature: 0 }, `DDCLReadout takes temperature as ${temperatures}, but got 0.`],
    [
      { prototypes: 4, temperature: { ofCritical: 1 } },
      `DDCLReadout takes temperature as ${temperatures}, but got {"ofCritical":1}.`,
    ],
    [{ prototypes: 4, temperature: 'auto' }, `DDCLReadout takes temperature as ${temperatures}, but got 'auto'.`],
    [
      { prototypes: 4, outputs: 'mean' },
      "DDCLReadout takes outputs as one of outputs, assignments, codes, occupancy, pooled, summaries, residuals, or a list of them, but got 'mean'.",
    ],
    [{ prototypes: 4, lambda: -1 }, 'DDCLReadout takes lambda as a number >= 0, but got -1.'],
    [{ prototypes: 4, tracking: 1 }, 'DDCLReadout takes tracking as a number from 0 to below 1, but got 1.'],
    [{ prototypes: 4, rateRatio: 0 }, 'DDCLReadout takes rateRatio as a number > 0, but got 0.'],
    [{ prototypes: 4, seed: -1 }, 'DDCLReadout takes seed as a whole number >= 0, but got -1.'],
    [{ prototypes: 4, lqThrough: 'yes' }, "DDCLReadout takes lqThrough as true or false, but got 'yes'."],
    [
      { prototypes: 4, K: 3 },
      'DDCLReadout has no option K. It has prototypes, outputs, normalize, temperature, lambda, lqThrough, tracking, rateRatio, seed, name, trainable, inputShape, batchInputShape, batchSize, dtype, inputDType, weights.',
    ],
    [
      { prototypes: 4, version: 2 },
      'DDCLReadout was saved with format version 2, and this package reads version 1. Load the model with the @ddcl/backend-tfjs that saved it, and take its prototypes over: layer.toModelBytes() there, layer.fromModelBytes(bytes) here.',
    ],
  ])('readout %j', (options, message) => {
    expect(said(() => ddclReadout(options as never))).toBe(message);
  });

  it.each([
    [{ codes: 1, steps: 5 }, 'DDCLQuantizer takes codes as a whole number >= 2, but got 1.'],
    [
      { codes: 4 },
      'DDCLQuantizer takes steps as a whole number >= 1: the training batches over which its temperature falls, epochs times batches per epoch, but got undefined.',
    ],
    [
      { codes: 4, steps: 5, outputs: [] },
      'DDCLQuantizer takes outputs as one of vectors, codes, or a list of them, but got [].',
    ],
    [{ codes: 4, steps: 5, rateRatio: -2 }, 'DDCLQuantizer takes rateRatio as a number > 0, but got -2.'],
    [{ codes: 4, steps: 5, heads: 0 }, 'heads must be a whole number from 1 to 65535, but is 0.'],
    [
      { codes: 4, steps: 5, schedule: { start: 1 } },
      'A schedule has shares of a run in 0..1 (warmUp 0.03333333333333333, coolOver 0.7), temperatures > 0 (start 1, below 1, end 0.001, tauStart 1, tauEnd 0.05) and noise >= 0 (1).',
    ],
    [
      { codes: 4, steps: 5, version: 0 },
      'DDCLQuantizer was saved with format version 0, and this package reads version 1. Load the model with the @ddcl/backend-tfjs that saved it, and take its prototypes over: layer.toModelBytes() there, layer.fromModelBytes(bytes) here.',
    ],
  ])('quantizer %j', (options, message) => {
    expect(said(() => ddclQuantizer(options as never))).toBe(message);
  });
});

describe('what a layer refuses when it is built or called', () => {
  it('an input of other sizes', () => {
    expect(said(() => tf.sequential().add(ddclReadout({ prototypes: 4, name: 'flat', inputShape: [6] })))).toBe(
      "DDCLReadout 'flat' takes tokens [B, L, m] with a known m, but its input is [?, 6].",
    );
    expect(said(() => ddclQuantizer({ codes: 4, steps: 5, name: 'line' }).build([null]))).toBe(
      "DDCLQuantizer 'line' takes latents [B, ..., m] with a known m, but its input is [?].",
    );
    expect(said(() => ddclQuantizer({ codes: 4, steps: 5, heads: 4, name: 'odd' }).build([null, 6]))).toBe(
      '6 components cannot be cut into 4 heads of equal width. Give a number of heads that divides them, or a codeDimension.',
    );
  });

  it('a mask of another shape', () => {
    tf.tidy(() => {
      const layer = ddclReadout({ prototypes: 4, name: 'reader' });
      expect(said(() => layer.apply(tf.ones([2, 5, 3]), { mask: tf.ones([2, 4]) }))).toBe(
        "DDCLReadout 'reader' takes a mask [2, 5], a number for each token of [2, 5, 3], but got [2, 4]. Mask the same tokens as the layer's input has.",
      );
    });
  });

  it('a tensor that was disposed, of another dtype, or of no tfjs', () => {
    tf.tidy(() => {
      const layer = ddclReadout({ prototypes: 4, name: 'reader' });
      layer.apply(tf.ones([2, 5, 3]), { training: true });
      const gone = tf.ones([2, 5, 3]);
      gone.dispose();
      expect(said(() => layer.call(gone, {}))).toBe(
        'readout got a tensor that was disposed. Keep it with tf.keep, or use it before it ends.',
      );
      for (const dtype of ['int32', 'bool'] as const)
        expect(said(() => layer.call(tf.ones([2, 5, 3], dtype), {}))).toBe(
          `DDCLReadout 'reader' takes float32, but got ${dtype} [2, 5, 3]. Cast it before: tensor.cast('float32').`,
        );
      expect(said(() => layer.call({ shape: [2, 5, 3] } as never, {}))).toBe(
        'readout takes a tensor of tfjs for f32[2,5,3], but got an object of shape.',
      );
    });
  });

  it('tokens of another width than it was built for, and none at all', () => {
    tf.tidy(() => {
      const readout = ddclReadout({ prototypes: 4, name: 'reader' });
      readout.build([null, null, 3]);
      const quantizer = ddclQuantizer({ codes: 4, steps: 5, name: 'book' });
      quantizer.build([null, 3]);
      for (const training of [false, true]) {
        expect(said(() => readout.call(tf.ones([2, 5, 7]), { training }))).toBe(
          "DDCLReadout 'reader' was built for tokens [B, L, m], m = 3, but got [2, 5, 7]. Give it vectors of 3 numbers, or make a new layer for those of 7.",
        );
        expect(said(() => quantizer.call(tf.ones([5, 7]), { training }))).toBe(
          "DDCLQuantizer 'book' was built for latents [B, ..., m], m = 3, but got [5, 7]. Give it vectors of 3 numbers, or make a new layer for those of 7.",
        );
        expect(said(() => readout.call(tf.ones([0, 5, 3]), { training }))).toBe(
          "DDCLReadout 'reader' got the empty batch [0, 5, 3]. Leave it out, or give it at least one token.",
        );
      }
    });
  });

  it('to read before its prototypes have seen tokens, while a model of it is built, shown, saved and loaded', async () => {
    const readout = ddclReadout({ prototypes: 4, name: 'reader', inputShape: [5, 3] });
    const model = tf.sequential({ layers: [readout] });
    model.summary(undefined, undefined, () => undefined);
    const text =
      "DDCLReadout 'reader' has seen no tokens yet: its prototypes start among those of the first training batch. Train the model first (model.fit, or layer.apply(tokens, { training: true }) in a loop of your own), or give the layer trained prototypes: layer.writeModel(model), layer.fromModelBytes(bytes) or model.setWeights(weights).";
    const x = tf.randomNormal([2, 5, 3]);
    expect(said(() => model.predict(x))).toBe(text);
    let artifacts: Parameters<typeof tf.io.fromMemory>[0] | undefined;
    await model.save(
      tf.io.withSaveHandler(async (each) => {
        artifacts = each as never;
        return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
      }),
    );
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts!));
    expect(said(() => loaded.predict(x))).toBe(text);
    loaded.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' });
    await loaded.fit(x, tf.zeros([2, 3]), { verbose: 0 });
    // Weights of a trained model are as good as training.
    model.setWeights(loaded.getWeights());
    const [made, theirs] = [model, loaded].map((each) => (each.predict(x) as ReturnType<typeof tf.ones>).dataSync());
    expect(made).toEqual(theirs);
    expect(made!.some((value) => value !== 0)).toBe(true);
  });

  it('numbers that are none in its first training batch, masked ones aside', () => {
    tf.tidy(() => {
      const remedy =
        'It would spread to all prototypes. Look for it in the data and in the layers before, and mask or remove such tokens.';
      const values = Float32Array.from({ length: 2 * 5 * 3 }, (_, index) => Math.sin(index));
      values[(1 * 5 + 2) * 3 + 1] = NaN;
      const x = tf.tensor3d(values, [2, 5, 3]);
      const readout = ddclReadout({ prototypes: 4, name: 'reader' });
      const train = (input: typeof x, mask: number[]) => () =>
        readout.apply(input, { training: true, mask: tf.tensor2d(mask, [2, 5]) }) as typeof x;
      const all = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
      expect(said(train(x, all))).toBe(
        `DDCLReadout 'reader': component 1 of token [1, 2] of its first training batch is NaN. ${remedy}`,
      );
      expect(said(train(tf.ones([2, 5, 3]), [1, 1, 1, NaN, 1, 1, 1, 1, 1, 1]))).toBe(
        `DDCLReadout 'reader': the mask of token [0, 3] of its first training batch is NaN. ${remedy}`,
      );
      const quantizer = ddclQuantizer({ codes: 4, steps: 5, name: 'book' });
      expect(said(() => quantizer.apply(tf.tensor2d([1, 2, 3, -Infinity], [2, 2]), { training: true }))).toBe(
        `DDCLQuantizer 'book': component 1 of token [1] of its first training batch is -Infinity. ${remedy}`,
      );
      const pooled = train(x, [1, 1, 1, 1, 1, 1, 1, 0, 1, 1])();
      expect([...pooled.dataSync()].every(Number.isFinite)).toBe(true);
    });
  });

  it('numbers of a layer that has none yet, and models and states that do not fit', async () => {
    const fresh = ddclReadout({ prototypes: 4, name: 'fresh' });
    expect(said(() => fresh.writeModel({} as never))).toBe(
      "DDCLReadout 'fresh' has no weights before it is part of a model or was called. Add it to a model first.",
    );
    fresh.build([null, null, 3]);
    await expect(fresh.readModel()).rejects.toThrow(
      "DDCLReadout 'fresh' has seen no tokens yet, and its prototypes mean nothing. Train the model first.",
    );
    const model = { count: 5, dimension: 3 };
    expect(said(() => fresh.writeModel(model as never))).toBe(
      "DDCLReadout 'fresh' has 4 prototypes of 3 numbers, but the model has 5 of 3. Make the layer with { prototypes: 5 } on tokens [B, L, 3].",
    );
    const [four, five] = [4, 5].map((codes) => ddclQuantizer({ codes, steps: 5, norm: 'none', name: `q${codes}` }));
    four!.build([null, 2]);
    five!.build([null, 2]);
    const state = await five!.readState();
    expect(said(() => four!.writeState(state))).toBe(
      `DDCLQuantizer 'q4' holds codes.0.0 [4, 2], mass.0.0 [4], direction.0.0 [2], averages.0.0 [5], temperature.0.0 [], but the state codes.0.0, mass.0.0, direction.0.0, averages.0.0, temperature.0.0 of ${JSON.stringify(state.spec)}. Make the layer with the options of its spec.`,
    );
  });

  it('a certificate of a model without such layers', () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
    expect(said(() => ddclCertificate({ of: model }))).toBe(
      'ddclCertificate takes a model that has a DDCLReadout or a DDCLQuantizer, or a list of such layers, as { of: model }, but found none.',
    );
  });
});
