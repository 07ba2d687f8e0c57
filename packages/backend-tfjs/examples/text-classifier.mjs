// A text classifier with a DDCL readout in the place of globalAveragePooling1d, on TensorFlow.js.
//
//     node text-classifier.mjs FOLDER            trains it, writes it into FOLDER, and prints what it predicts
//     node text-classifier.mjs FOLDER --load     reads it in a new process, and prints what that predicts
//     node text-classifier.mjs FOLDER --plain    the same model with globalAveragePooling1d
//
// npm install @tensorflow/tfjs-core @tensorflow/tfjs-layers @tensorflow/tfjs-backend-cpu @ddcl/backend-tfjs
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as core from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-cpu';
import { ddclCertificate, ddclLayers } from '@ddcl/backend-tfjs/layers';

const tf = { ...core, ...layers };
const { ddclReadout } = ddclLayers(tf);

const [words, length, topics] = [41, 16, 4];
const seed = Number(process.env['SEED'] ?? 0);
const [folder, ...flags] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name a folder: node text-classifier.mjs FOLDER');

/** Numbers in 0..1 that repeat (mulberry32). */
function createRandom(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Texts of 6 to 16 words, padded with 0. Words 1 to 40 belong to four topics of ten; a text has words of all of them, and its label says whether those of the
 * first two topics stand more often.
 */
function makeTexts(count, random) {
  const texts = [];
  const labels = [];
  for (let text = 0; text < count; text++) {
    const label = text % 2;
    const size = 6 + Math.floor(random() * (length - 5));
    const own = Array.from({ length: size }, () => {
      const isOwn = random() < 0.75;
      const half = isOwn ? label : 1 - label;
      const topic = 2 * half + Math.floor(random() * 2);
      return 1 + 10 * topic + Math.floor(random() * 10);
    });
    texts.push([...own, ...Array(length - size).fill(0)]);
    labels.push([label]);
  }
  return { x: tf.tensor2d(texts), y: tf.tensor2d(labels) };
}

function createModel() {
  const model = tf.sequential();
  model.add(
    tf.layers.embedding({
      inputDim: words,
      outputDim: 8,
      inputLength: length,
      maskZero: true,
      embeddingsInitializer: tf.initializers.randomUniform({ minval: -0.5, maxval: 0.5, seed }),
    }),
  );
  if (flags.includes('--plain')) model.add(tf.layers.globalAveragePooling1d());
  // The embedding masks padding.
  // Adam moves prototypes by up to rate times ratio a step: 0.03 of the tokens' deviation.
  else model.add(ddclReadout({ prototypes: 2 * topics, name: 'readout', rateRatio: 3, seed }));
  model.add(
    tf.layers.dense({
      units: 1,
      activation: 'sigmoid',
      kernelInitializer: tf.initializers.glorotUniform({ seed: seed + 1 }),
    }),
  );
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

await tf.setBackend('cpu');
const random = createRandom(seed + 1);
const training = makeTexts(320, random);
const test = makeTexts(200, random);

let model;
let records = [];
if (flags.includes('--load')) {
  model = await load();
} else {
  model = createModel();
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'binaryCrossentropy', metrics: ['accuracy'] });
  const callbacks = [];
  if (!flags.includes('--plain')) {
    const certificate = ddclCertificate({ of: model });
    records = certificate.records;
    callbacks.push(certificate);
  }
  await model.fit(training.x, training.y, { epochs: 8, batchSize: 32, shuffle: false, verbose: 0, callbacks });
  await save(model);
  // The prototypes for everything else that reads ddcl models, such as `ddcl inspect FOLDER`.
  if (!flags.includes('--plain'))
    await writeFile(join(folder, 'model.safetensors'), await model.getLayer('readout').toModelBytes());
}
const predictions = [...(await model.predict(test.x).data())];
const labels = await test.y.data();
const right = predictions.filter((share, text) => Math.round(share) === labels[text]).length;
process.stdout.write(
  `${JSON.stringify({ accuracy: right / predictions.length, predictions: predictions.slice(0, 20), records })}\n`,
);
