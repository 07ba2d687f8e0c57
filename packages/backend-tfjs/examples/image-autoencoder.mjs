// An autoencoder of images with a DDCL codebook between encoder and decoder, on TensorFlow.js: each patch of an image becomes one of 16 codes.
//
//     node image-autoencoder.mjs FOLDER            trains it, writes it into FOLDER, and prints how it does
//     node image-autoencoder.mjs FOLDER --load     reads it in a new process, and prints how that does
//     node image-autoencoder.mjs FOLDER --plain    the same autoencoder without a codebook
//
// npm install @tensorflow/tfjs-core @tensorflow/tfjs-layers @tensorflow/tfjs-backend-wasm @ddcl/backend-tfjs
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as core from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-wasm';
import { ddclCertificate, ddclLayers } from '@ddcl/backend-tfjs/layers';

const tf = { ...core, ...layers };
const { ddclQuantizer } = ddclLayers(tf);

const [side, patch, latent, codes] = [8, 4, 4, 16];
const [patches, pixels] = [(side / patch) ** 2, patch * patch];
const [epochs, batch, images] = [16, 32, 512];
const seed = Number(process.env['SEED'] ?? 0);
const [folder, ...flags] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name a folder: node image-autoencoder.mjs FOLDER');

/** Numbers in 0..1 that repeat (mulberry32). */
function createRandom(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a patch shows: bars across, down and slanting, and corners. */
const shapes = [
  ...[0, 1, 2, 3].map((at) => (row) => Number(row === at)),
  ...[0, 1, 2, 3].map((at) => (_row, column) => Number(column === at)),
  (row, column) => Number(row === column),
  (row, column) => Number(row + column === 3),
  (row, column) => Number(row < 2 && column < 2),
  (row, column) => Number(row > 1 && column > 1),
];

/** Images of four patches [4, 16] each, with noise, and without. */
function makeImages(count, random) {
  const clean = Float32Array.from({ length: count * patches * pixels });
  for (let each = 0; each < count * patches; each++) {
    const shape = shapes[Math.floor(random() * shapes.length)];
    for (let pixel = 0; pixel < pixels; pixel++)
      clean[each * pixels + pixel] = shape(Math.floor(pixel / patch), pixel % patch);
  }
  const noisy = clean.map((value) => value + 0.1 * (random() + random() + random() - 1.5));
  return [noisy, clean].map((values) => tf.tensor3d(values, [count, patches, pixels]));
}

function createModel() {
  const dense = (units, activation, own, more = {}) =>
    tf.layers.dense({
      units,
      activation,
      kernelInitializer: tf.initializers.glorotUniform({ seed: 10 * seed + own }),
      ...more,
    });
  const model = tf.sequential();
  model.add(dense(32, 'relu', 1, { inputShape: [patches, pixels] }));
  model.add(dense(latent, 'linear', 2));
  const steps = epochs * (images / batch);
  // A tenth of the steps without codes; then Adam moves them by up to rate times ratio a step: 0.03 of the latents' deviation.
  const options = { schedule: { warmUp: 0.1, start: 0.1 }, rateRatio: 6, name: 'codebook', seed };
  if (!flags.includes('--plain')) model.add(ddclQuantizer({ codes, steps, ...options }));
  model.add(dense(32, 'relu', 3));
  model.add(dense(pixels, 'linear', 4));
  return model;
}

/** Models as files, where tfjs-node and its file:// are not installed. */
async function save(model) {
  await mkdir(folder, { recursive: true });
  await model.save(
    tf.io.withSaveHandler(async ({ weightData, ...rest }) => {
      await writeFile(join(folder, 'model.json'), JSON.stringify(rest));
      await writeFile(join(folder, 'weights.bin'), new Uint8Array(weightData));
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    }),
  );
}

async function load() {
  const rest = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8'));
  const weights = await readFile(join(folder, 'weights.bin'));
  return tf.loadLayersModel(tf.io.fromMemory({ ...rest, weightData: new Uint8Array(weights).buffer }));
}

await tf.setBackend('wasm');
const random = createRandom(seed + 1);
const [x] = makeImages(images, random);
const [noisy, clean] = makeImages(100, random);

let model;
let records = [];
if (flags.includes('--load')) {
  model = await load();
} else {
  model = createModel();
  model.compile({ optimizer: tf.train.adam(0.005), loss: 'meanSquaredError' });
  const callbacks = [];
  if (!flags.includes('--plain')) {
    const certificate = ddclCertificate({ of: model });
    records = certificate.records;
    callbacks.push(certificate);
  }
  await model.fit(x, x, { epochs, batchSize: batch, shuffle: false, verbose: 0, callbacks });
  await save(model);
  // The codebook for everything else that reads ddcl codebooks, such as `ddcl inspect FOLDER`.
  if (!flags.includes('--plain'))
    await writeFile(join(folder, 'quantizer.safetensors'), await model.getLayer('codebook').toBytes());
}
const made = model.predict(noisy);
const errorTo = (images) => tf.losses.meanSquaredError(images, made).dataSync()[0];
const predictions = [...(await made.data())].slice(0, 64);
process.stdout.write(
  `${JSON.stringify({ error: errorTo(noisy), errorToClean: errorTo(clean), predictions, records })}\n`,
);
