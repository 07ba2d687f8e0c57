import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { describeBackend } from '@ddcl/backend-conformance';
import { tfjsBackend } from '../src/index.ts';

await tf.setBackend('wasm');

describeBackend('tfjs wasm', () => tfjsBackend({ tf }), { nativeTensors: () => tf.memory().numTensors });
