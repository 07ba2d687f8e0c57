import { adamW } from '../../src/optimise/adam.ts';
import { sgd } from '../../src/optimise/sgd.ts';
import { cosineSchedule } from '../../src/optimise/schedule.ts';
import { reshape } from '../../src/program/ops/layout.ts';
import { add, mul, sub } from '../../src/program/ops/elementwise.ts';
import type { Tensor } from '../../src/program/trace.ts';
import { matmul } from '../../src/program/ops/matmul.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import type { Backend } from '../../src/backend/contract.ts';
import { f32, f64, type TensorType } from '../../src/program/tensor-type.ts';
import type { LossResult } from '../../src/train/options.ts';
import { createTrainer, type Trainer } from '../../src/train/trainer.ts';
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

/** The sum of (x - a)^2 with a of two numbers, in float32; options replace those that it has. */
export function quadratic(options: object = {}, backend: Backend = strictBackend()) {
  return createTrainer(backend, {
    parameters: { a: { shape: [2], data: [1, 2] } },
    inputs: { x: f32('n', 2) },
    groups: [{ match: '*', optimizer: sgd(), learningRate: 0.1 }],
    loss: ({ a }: { a: Tensor }, { x }: { x: Tensor }) => {
      const error = sub(x, a);
      return { loss: sum(mul(error, error)) };
    },
    ...options,
  } as never) as unknown as Promise<AnyTrainer>;
}

/** Without types of names, for options that are given piece by piece. */
export type AnyTrainer = Trainer<
  Record<string, { readonly shape: readonly number[] }>,
  Record<string, TensorType>,
  never,
  LossResult
>;
