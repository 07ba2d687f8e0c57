// Runs ddcl on tfjs-node for real: the conformance suite, both layers in a model that is saved and loaded, and the speed of steps. By hand, and no part of any
// build: its report stands in docs/results/tfjs.md.
//
//     npm run setup && node tooling/tfjs-node.mjs FOLDER
//
// The install script of tfjs-node downloads libtensorflow from a place of its own. This takes it out of TensorFlow's Python package instead, and compiles the binding. It needs,
// beside Node and npm: pip (with a registry that has tensorflow-cpu), unzip, a C++ compiler with make, Python for node-gyp, and the headers of this Node under
// /usr/include/node or below DDCL_NODE_HEADERS; 2 GB of disk. What is in FOLDER already is not made again.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [given, ...flags] = process.argv.slice(2);
if (given === undefined) {
  process.stderr.write('Name a folder for tfjs-node and libtensorflow: node tooling/tfjs-node.mjs FOLDER\n');
  process.exit(2);
}
const folder = resolve(given);
const library = join(folder, 'wheel', 'tensorflow');
const packageFolder = join(folder, 'node_modules', '@tensorflow', 'tfjs-node');

/** @param {string} command @param {string[]} args @param {string} cwd */
function run(command, args, cwd) {
  process.stderr.write(`${command} ${args.join(' ')}\n`);
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status === 0) return;
  process.stderr.write(
    `${command} failed (${error?.message ?? `status ${status}`}). What is needed is said at the top of this file.\n`,
  );
  process.exit(1);
}

function make() {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(packageFolder)) {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    run('npm', ['install', '--ignore-scripts', '@tensorflow/tfjs-node@4.22.0'], folder);
  }
  if (!existsSync(library)) {
    run('pip', ['download', '--no-deps', '--dest', 'download', 'tensorflow-cpu'], folder);
    const wheel = readdirSync(join(folder, 'download')).find((name) => name.endsWith('.whl')) ?? '';
    run(
      'unzip',
      ['-q', '-o', join('download', wheel), 'tensorflow/include/*', 'tensorflow/libtensorflow*', '-d', 'wheel'],
      folder,
    );
  }
  const deps = join(packageFolder, 'deps');
  const links = {
    include: 'include',
    'lib/libtensorflow.so': 'libtensorflow_cc.so.2',
    'lib/libtensorflow_framework.so': 'libtensorflow_framework.so.2',
    'lib/libtensorflow_framework.so.2': 'libtensorflow_framework.so.2',
  };
  mkdirSync(join(deps, 'lib'), { recursive: true });
  for (const [name, target] of Object.entries(links)) {
    rmSync(join(deps, name), { force: true });
    symlinkSync(join(library, target), join(deps, name));
  }
  if (!existsSync(join(packageFolder, 'lib/napi-v8/tfjs_binding.node'))) {
    const options = [
      `--nodedir=${process.env['DDCL_NODE_HEADERS'] ?? '/usr'}`,
      '--module_name=tfjs_binding',
      `--module_path=${join(packageFolder, 'lib/napi-v8')}`,
      '--napi_version=8',
      '--napi_build_version=8',
    ];
    run('npx', ['-y', 'node-gyp@10', 'rebuild', ...options], packageFolder);
  }
}

/** Everything that is checked on the tfjs in the folder. */
async function check() {
  const tf = createRequire(join(folder, 'package.json'))('@tensorflow/tfjs-node');
  const { tfjsBackend } = await import('../packages/backend-tfjs/dist/index.js');
  const { ddclCertificate, ddclLayers } = await import('../packages/backend-tfjs/dist/layers.js');
  const { runConformance } = await import('../packages/backend-conformance/dist/index.js');
  const { measureTfjs, tfjsTables } = await import('../apps/bench/dist/tfjs/measure.js');
  /** @param {string} text */
  const say = (text) => process.stdout.write(`${text}\n`);
  say(
    `tfjs-node ${tf.version['tfjs-node']} on libtensorflow ${tf.version_core === undefined ? '' : tf.backend().binding.TF_Version}, backend '${tf.getBackend()}'`,
  );

  const outcomes = await runConformance(() => tfjsBackend({ tf }), { nativeTensors: () => tf.memory().numTensors });
  const failed = outcomes.filter(({ status }) => status === 'failed');
  say(`conformance: ${outcomes.length - failed.length} of ${outcomes.length} cases pass`);
  for (const { id, message } of failed) say(`  ${id}: ${message}`);

  const { ddclReadout, ddclQuantizer } = ddclLayers(tf);
  const model = tf.sequential();
  model.add(tf.layers.embedding({ inputDim: 20, outputDim: 8, inputLength: 12, maskZero: true }));
  model.add(ddclReadout({ prototypes: 6, rateRatio: 3 }));
  model.add(ddclQuantizer({ codes: 4, steps: 40, rateRatio: 3 }));
  model.add(tf.layers.dense({ units: 1, activation: 'sigmoid' }));
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'binaryCrossentropy' });
  const texts = Array.from({ length: 128 }, (_, text) =>
    Array.from({ length: 12 }, (_each, at) => (text % 2) * 10 + 1 + ((text * 7 + at * 5) % 9)),
  );
  const [x, y] = [tf.tensor2d(texts), tf.tensor2d(texts.map((_, text) => [text % 2]))];
  const certificate = ddclCertificate({ of: model });
  const options = { epochs: 10, batchSize: 32, verbose: 0, callbacks: certificate };
  const { history } = await model.fit(x, y, options);
  const before = tf.memory().numTensors;
  await model.fit(x, y, options);
  say(
    `a model with both layers: loss ${history.loss[0].toFixed(4)} to ${history.loss.at(-1).toFixed(4)}, largest defect ${Math.max(...certificate.records.map(({ defect }) => defect)).toExponential(1)}, least V ${Math.min(...certificate.records.map(({ v }) => v)).toExponential(1)}, ${tf.memory().numTensors - before} tensors left by ten epochs`,
  );
  const path = `file://${join(folder, 'model')}`;
  await model.save(path);
  const loaded = await tf.loadLayersModel(`${path}/model.json`);
  const apart = tf.tidy(() => tf.max(tf.abs(tf.sub(model.predict(x), loaded.predict(x)))).dataSync()[0]);
  say(`saved by file:// and loaded: predictions differ by ${apart}\n`);
  say(tfjsTables(await measureTfjs(tf, { tokens: 8192, dimension: 384, prototypes: 64 }, 15)));
}

if (flags.includes('--check')) {
  await check();
} else {
  make();
  const own = fileURLToPath(import.meta.url);
  const LD_LIBRARY_PATH = [library, process.env['LD_LIBRARY_PATH'] ?? ''].filter(Boolean).join(':');
  const { status } = spawnSync(process.execPath, [own, folder, '--check'], {
    stdio: 'inherit',
    env: { ...process.env, LD_LIBRARY_PATH },
  });
  process.exitCode = status ?? 1;
}
