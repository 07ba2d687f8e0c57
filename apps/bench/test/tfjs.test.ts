import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers';
import { tfjsBackend } from '@ddcl/backend-tfjs';
import { expect, it } from 'vitest';
import { backendStep } from '../src/compare/backend-contestants.ts';
import { requireAgreement } from '../src/compare/contestant.ts';
import { makeInputs } from '../src/compare/inputs.ts';
import { tfjsStep } from '../src/compare/tfjs-contestant.ts';
import { measureTfjs, tfjsTables } from '../src/tfjs/measure.ts';

const shape = { tokens: 40, dimension: 3, prototypes: 4 };

it('times ddcl on tfjs beside the same by hand, which agrees, and leaves no tensor', async () => {
  await tf.setBackend('cpu');
  const inputs = makeInputs(shape);
  const backend = await tfjsBackend({ tf });
  const [ours, byHand] = [await backendStep(backend, inputs), tfjsStep(tf, inputs, 1)];
  requireAgreement(byHand.name, await byHand.check!(), await ours.check!());
  ours.dispose();
  byHand.dispose();
  backend.dispose();
  inputs.remove();

  const before = tf.memory().numTensors;
  const times = await measureTfjs(tf, shape, 2);
  expect(tf.memory().numTensors).toBe(before);
  expect(times.map(({ rows }) => rows.length)).toEqual([4, 3]);
  expect(times.flatMap(({ rows }) => rows).every(({ processor, wall }) => processor > 0 && wall > 0)).toBe(true);
  expect(tfjsTables(times)).toMatch(/\| a program of ddcl, as fit runs it \| [\d.]+ \| [\d.]+ \| 1\.00 \|/);
});
