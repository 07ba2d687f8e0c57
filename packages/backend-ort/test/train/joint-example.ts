import {
  adam,
  adamW,
  add,
  crossEntropy,
  detach,
  f32,
  f64,
  forward,
  i32,
  loss,
  matmul,
  relu,
  sum,
  type Tensor,
} from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { createTrainer, geometricSchedule, heNormal, normalInitializer } from '@ddcl/core/train';

export const totalSteps = 20;

/** The training of core's README (a test compares the lines) on any backend, in float32 or float64. */
export function joinedTraining(backend: Backend, dtype: 'float32' | 'float64') {
  const float = dtype === 'float32' ? f32 : f64;
  // What follows is the README's.
  const encode = (p: Record<'hidden.weight' | 'hidden.bias' | 'out.weight', Tensor>, x: Tensor) =>
    matmul(relu(add(matmul(x, p['hidden.weight']), p['hidden.bias'])), p['out.weight']);
  // End of what is the README's.
  return createTrainer(backend, {
    dtype,
    // And from here too.
    parameters: {
      'hidden.weight': { shape: [8, 16], initialize: heNormal() },
      'hidden.bias': { shape: [16], data: new Float32Array(16) },
      'out.weight': { shape: [16, 4], initialize: heNormal() },
      'head.weight': { shape: [4, 3], initialize: heNormal() },
      prototypes: { shape: [6, 4], initialize: normalInitializer(0.1) },
    },
    inputs: { x: float('n', 8), weights: float('n'), labels: i32('n') },
    groups: [
      { match: 'prototypes', optimizer: adam(), learningRate: 0.1 },
      { match: '*', optimizer: adamW(), noWeightDecay: '*.bias', learningRate: 0.002 },
    ],
    totalSteps,
    trackTemperature: { tokens: (p, { x }) => ({ tokens: encode(p, x) }), share: geometricSchedule(0.5, 0.05) },
    loss: (p, { x, weights, labels }, _controls, { temperature }) => {
      const operands = { tokens: encode(p, x), prototypes: p.prototypes, temperature };
      const task = sum(crossEntropy(matmul(forward(operands), p['head.weight']), labels));
      // It trains the prototypes alone: through the encoder it would make all tokens equal.
      const { lq, lols, v } = loss({ ...operands, tokens: detach(operands.tokens), weights });
      return { loss: add(task, lq), task, lq, lols, v, weight: sum(weights) };
    },
    // End.
  });
}
