import { adamW } from '../../src/optimise/adam.ts';
import { sgd } from '../../src/optimise/sgd.ts';
import { cosineSchedule } from '../../src/optimise/schedule.ts';
import { reshape } from '../../src/program/ops/layout.ts';
import { add, mul, sub } from '../../src/program/ops/elementwise.ts';
import { matmul } from '../../src/program/ops/matmul.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f64 } from '../../src/program/tensor-type.ts';
import { createTrainer } from '../../src/train/trainer.ts';
import { randomNumbers } from '../support/run.ts';
import { strictBackend, type StrictBackend } from '../support/strict-backend.ts';

export const [rows, width] = [21, 3];
const random = randomNumbers(5);
const numbers = (length: number): number[] => Array.from({ length }, () => 2 * random() - 1);
export const data = {
  x: numbers(rows * width),
  y: numbers(rows),
  a: numbers(rows).map((value) => 0.5 + value * value),
};
export const start = { 'model.weight': numbers(width), 'model.bias': [0.3], scale: [1.2] };
export const rates = { weight: cosineSchedule(0.05, 0.001), bias: 0.02 };
export const totalSteps = 25;
export const decay = 0.3;

/** Rows of the data as a batch. */
export function rowsOf(from: number, to: number): { x: number[]; y: number[]; a: number[] } {
  return { x: data.x.slice(from * width, to * width), y: data.y.slice(from, to), a: data.a.slice(from, to) };
}

/** Weighted least squares of scale * (x . weight + bias), where the scale stays as it is: mean or sum with its weight. */
export function leastSquares(
  options: { clipNorm?: number; isSum?: boolean; reports?: boolean } = {},
  backend: StrictBackend = strictBackend(),
) {
  const { isSum = true, ...others } = options;
  return createTrainer(backend, {
    parameters: {
      'model.weight': { shape: [width], data: start['model.weight'] },
      'model.bias': { shape: [], data: start['model.bias'] },
      scale: { shape: [], data: start.scale, frozen: true },
    },
    inputs: { x: f64('n', width), y: f64('n'), a: f64('n') },
    controls: ['factor'],
    groups: [
      { match: '*.bias', optimizer: sgd({ momentum: 0.5 }), learningRate: rates.bias },
      { match: 'model.*', optimizer: adamW({ weightDecay: decay }), learningRate: rates.weight },
    ],
    totalSteps,
    dtype: 'float64',
    loss: (p, { x, y, a }, { factor }) => {
      const made = reshape(matmul(x, reshape(p['model.weight'], [width, 1])), [x.shape[0]!]);
      const error = sub(mul(add(made, p['model.bias']), p.scale), y);
      const squares = sum(mul(a, mul(error, error)));
      const total = mul(squares, factor);
      return isSum ? { loss: total, squares, weight: sum(a) } : { loss: total, squares };
    },
    ...others,
  });
}
