import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describeBackend } from '@ddcl/backend-conformance';
import { tfjsBackend } from '../src/index.ts';

await tf.setBackend('cpu');

describeBackend('tfjs cpu', () => tfjsBackend({ tf }), { nativeTensors: () => tf.memory().numTensors });
