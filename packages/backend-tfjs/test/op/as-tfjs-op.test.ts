import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { add, argMax, createRandom, f32, forward, gather, i32, loss, mul, sum, trace, type Program } from '@ddcl/core';
import { beforeEach, describe, expect, it } from 'vitest';
import { asTfjsOp } from '../../src/index.ts';

const [n, m, k] = [7, 3, 4];
const random = createRandom(3);
const normal = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
const z = normal(n * m);
const p = normal(k * m);
const a = Float32Array.from({ length: n }, () => 0.2 + random.uniform());
const T = 0.8;

const program = trace(
  [f32('n', m), f32('n'), f32('k', m), f32()],
  (tokens, weights, prototypes, temperature) => {
    const y = forward({ tokens, prototypes, temperature });
    const parts = loss({ tokens, weights, prototypes, temperature });
    return [parts.lq, y, parts.v, argMax(y, 1)];
  },
  'losses',
);

/** L_q and y in double precision, in loops (docs/math.md section 1 and 2). */
function lossInLoops(tokens: ArrayLike<number>, prototypes: ArrayLike<number>, temperature: number) {
  let total = 0;
  const y = new Float64Array(n * m);
  for (let token = 0; token < n; token++) {
    const distances = Array.from({ length: k }, (_, code) => {
      let square = 0;
      for (let axis = 0; axis < m; axis++) square += (tokens[token * m + axis]! - prototypes[code * m + axis]!) ** 2;
      return square;
    });
    const shares = distances.map((distance) => Math.exp(-distance / temperature));
    const all = shares.reduce((one, other) => one + other);
    shares.forEach((share, code) => {
      total += (a[token]! * share * distances[code]!) / all;
      for (let axis = 0; axis < m; axis++) y[token * m + axis]! += (share / all) * prototypes[code * m + axis]!;
    });
  }
  return { lq: total, y };
}

/** The same formula in ops of tfjs, which differentiates them itself. */
function lossInTfjs(tokens: tf.Tensor2D, prototypes: tf.Tensor2D, temperature: tf.Scalar) {
  const cross = tf.matMul(tokens, prototypes, false, true);
  const distances = tf.add(
    tf.sub(tf.sum(tf.square(tokens), 1, true), tf.mul(cross, 2)),
    tf.reshape(tf.sum(tf.square(prototypes), 1), [1, k]),
  );
  const q = tf.softmax(tf.neg(tf.div(distances, temperature)));
  const lq = tf.sum(tf.mul(tf.tensor1d(a), tf.sum(tf.mul(q, distances), 1))) as tf.Scalar;
  return { lq, y: tf.matMul(q as tf.Tensor2D, prototypes) };
}

const inputs = (): [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D, tf.Scalar] => [
  tf.tensor2d(z, [n, m]),
  tf.tensor1d(a),
  tf.tensor2d(p, [k, m]),
  tf.scalar(T),
];

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const worst = Math.max(...Array.from(actual, (value, index) => Math.abs(value - expected[index]!)));
  expect(worst).toBeLessThan(tolerance);
}

describe.each(['cpu', 'wasm'])('asTfjsOp on %s', (backend) => {
  beforeEach(async () => {
    await tf.setBackend(backend);
  });

  it('computes what the program says, at any sizes, and leaves its results to tidy', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const op = asTfjsOp(tf, program);
      const [lq, y, , nearest] = op(...inputs());
      const expected = lossInLoops(z, p, T);
      expectClose(lq!.dataSync(), [expected.lq], 1e-5);
      expectClose(y!.dataSync(), expected.y, 1e-6);
      expect([nearest!.dtype, nearest!.shape]).toEqual(['int32', [n]]);
      const [few] = op(tf.tensor2d(z.subarray(0, m), [1, m]), tf.tensor1d([1]), tf.tensor2d(p, [k, m]), tf.scalar(T));
      expect(few!.shape).toEqual([]);
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('has the gradient that finite differences have, and that tfjs finds by itself', () => {
    const upstream = normal(n * m);
    const step = 1e-5;
    const change = (array: Float32Array, index: number, by: number): Float64Array => {
      const moved = Float64Array.from(array);
      moved[index]! += by;
      return moved;
    };
    const total = (tokens: ArrayLike<number>, prototypes: ArrayLike<number>, temperature: number): number => {
      const { lq, y } = lossInLoops(tokens, prototypes, temperature);
      return lq + y.reduce((so, value, index) => so + value * upstream[index]!, 0);
    };
    const byDifferences = [
      Float64Array.from(z, (_, i) => (total(change(z, i, step), p, T) - total(change(z, i, -step), p, T)) / (2 * step)),
      Float64Array.from(p, (_, i) => (total(z, change(p, i, step), T) - total(z, change(p, i, -step), T)) / (2 * step)),
      Float64Array.of((total(z, p, T + step) - total(z, p, T - step)) / (2 * step)),
    ];
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const op = asTfjsOp(tf, program);
      const [tokens, weights, prototypes, temperature] = inputs();
      const g = tf.tensor2d(upstream, [n, m]);
      const both = (lq: tf.Tensor, y: tf.Tensor): tf.Scalar => tf.add(lq, tf.sum(tf.mul(y, g))) as tf.Scalar;
      const ours = tf.grads((x: tf.Tensor, c: tf.Tensor, t: tf.Tensor) => {
        const [lq, y] = op(x, weights, c, t);
        return both(lq!, y!);
      })([tokens, prototypes, temperature]);
      const theirs = tf.grads((x: tf.Tensor, c: tf.Tensor, t: tf.Tensor) => {
        const { lq, y } = lossInTfjs(x as tf.Tensor2D, c as tf.Tensor2D, t as tf.Scalar);
        return both(lq, y);
      })([tokens, prototypes, temperature]);
      ours.forEach((gradient, index) => {
        expectClose(gradient.dataSync(), byDifferences[index]!, 1e-5);
        expectClose(gradient.dataSync(), theirs[index]!.dataSync(), 1e-5);
      });
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('passes gradients beside integer operands, and has second derivatives', () => {
    tf.tidy(() => {
      const rows = asTfjsOp(
        tf,
        trace([f32(3), i32(2)], (x, ids) => [gather(mul(mul(x, x), x), ids)]),
      );
      const ids = tf.tensor1d([2, 2], 'int32');
      const f = (x: tf.Tensor): tf.Scalar => tf.sum(rows(x, ids)[0]!);
      const x = tf.tensor1d([1, 2, 3]);
      // 2 x_2^3 has the derivatives 6 x_2^2 and 12 x_2.
      expect([...tf.grad(f)(x).dataSync()]).toEqual([0, 0, 54]);
      const second = tf.grad((at: tf.Tensor) => tf.sum(tf.grad(f)(at)));
      expect([...second(x).dataSync()]).toEqual([0, 0, 36]);
    });
  });
});

describe('asTfjsOp under an optimizer of tfjs', () => {
  it('trains with an optimizer of tfjs in 1,000 steps and leaves no tensor behind', async () => {
    await tf.setBackend('wasm');
    const op = asTfjsOp(
      tf,
      trace([f32(n, m), f32(n), f32(k, m), f32()], (tokens, weights, prototypes, temperature) => [
        loss({ tokens, weights, prototypes, temperature }).lq,
      ]),
    );
    const prototypes = tf.variable(tf.tensor2d(p, [k, m]));
    const optimizer = tf.train.sgd(0.01);
    const fixed = inputs();
    const step = (): number => {
      const value = optimizer.minimize(() => op(fixed[0], fixed[1], prototypes, fixed[3])[0] as tf.Scalar, true)!;
      const [lq] = value.dataSync();
      value.dispose();
      return lq!;
    };
    const first = step();
    const before = tf.memory().numTensors;
    let last = first;
    for (let count = 0; count < 1000; count++) last = step();
    expect(tf.memory().numTensors).toBe(before);
    expect(last).toBeLessThan(first);
    tf.dispose([prototypes, ...fixed]);
    optimizer.dispose();
  });
});

describe('what asTfjsOp refuses', () => {
  const pairs: Program = trace([f32('n', 2), f32('n', 2)], (x, y) => [sum(add(x, y))], 'pairs');
  const op = asTfjsOp(tf, pairs);

  it('operands that do not fit, each with what was expected', async () => {
    await tf.setBackend('cpu');
    tf.tidy(() => {
      const x = tf.ones([3, 2]);
      expect(() => op(x)).toThrow(/pairs takes 2 tensors, but got 1/);
      expect(() => op(x, tf.ones([4, 2]))).toThrow(/pairs|n/);
      for (const dtype of ['int32', 'bool', 'string', 'complex64'] as const) {
        const other =
          dtype === 'string'
            ? tf.tensor1d(['a'])
            : dtype === 'complex64'
              ? tf.complex(tf.zeros([1]), tf.zeros([1]))
              : tf.ones([1], dtype);
        expect(() => op(x, other)).toThrow(
          `pairs takes f32[n,2], but got a tensor of ${dtype} [1], and there is no promotion. Cast it before: tensor.cast('float32').`,
        );
      }
      expect(() => op(x, tf.ones([0, 2]))).toThrow();
      expect(() => op(tf.ones([0, 2]), tf.ones([0, 2]))).toThrow(/no empty tensors/);
      const gone = tf.ones([3, 2]);
      gone.dispose();
      expect(() => op(x, gone)).toThrow(/disposed/);
      expect(() => op(x, [1, 2] as unknown as tf.Tensor)).toThrow(/takes a tensor of tfjs/);
    });
  });
});
