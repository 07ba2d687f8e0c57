import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { createRandom } from '@ddcl/core';
import { createState, decode, quantize, quantizerPart, stateFromBytes, type QuantizerState } from '@ddcl/vq';
import { beforeEach, describe, expect, it } from 'vitest';
import { tfjsBackend } from '../../src/index.ts';
import { ddclLayers, type DDCLQuantizerLayer } from '../../src/layers.ts';
import { difference, tf } from './tf.ts';

const [n, m, k] = [24, 3, 5];
const random = createRandom(11);
const normal = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
const z = normal(n * m).map((value, index) => value * (1 + (index % m)) + 2);

const { ddclQuantizer } = ddclLayers(tf);
const latents = () => tf.tensor2d(z, [n, m]);

function built(options: Record<string, unknown>, dimension: number = m): DDCLQuantizerLayer {
  const layer = ddclQuantizer({ codes: k, steps: 10, ...options });
  layer.build([null, dimension]);
  return layer;
}

const weightOf = (layer: DDCLQuantizerLayer, name: string): Tensor =>
  layer.weights.find((each) => each.originalName.endsWith(name))!.read();

/** One step at the very start of the schedule, without warm-up. */
const cold = { schedule: { warmUp: 0, start: 0.3, end: 0.001 } };

describe.each(['cpu', 'wasm'])('DDCLQuantizer on %s', (backend) => {
  beforeEach(async () => {
    await tf.setBackend(backend);
  });

  it('gives the vectors of the nearest codes once it is trained, by the running norm', async () => {
    const layer = built({ outputs: ['vectors', 'codes'] });
    const [codes] = await layer.readPrototypes();
    const state = await layer.readState();
    const [mean, variance] = [normal(m), 2.25];
    layer.writeState({
      ...state,
      tensors: { ...state.tensors, 'norm.mean': mean, 'norm.variance': Float32Array.of(variance) },
    });
    tf.tidy(() => {
      const [vectors, indices] = layer.apply(latents()) as Tensor[];
      const nearest = Int32Array.from({ length: n }, (_, token) => {
        const distances = Array.from({ length: k }, (_each, code) => {
          let square = 0;
          for (let axis = 0; axis < m; axis++)
            square += ((z[token * m + axis]! - mean[axis]!) / 1.5 - codes![code * m + axis]!) ** 2;
          return square;
        });
        return distances.indexOf(Math.min(...distances));
      });
      expect([...indices!.dataSync()]).toEqual([...nearest]);
      expect(indices!.dtype).toBe('int32');
      expect(indices!.shape).toEqual([n, 1]);
      const expected = Float32Array.from(
        { length: n * m },
        (_, i) => codes![nearest[Math.floor(i / m)]! * m + (i % m)]!,
      );
      expect(difference(vectors!.dataSync(), expected)).toBeLessThan(1e-6);
    });
  });

  it('has the gradients that tfjs finds of the written-out recipe: norm, noise, mixture, L_q stopped at the encoder', () => {
    const upstream = normal(n * m);
    for (const lqThrough of [false, true]) {
      const seed = 5;
      const layer = built({ ...cold, lqThrough, lqWeight: 0.6, rateRatio: 7, seed });
      const own = layer.trainableWeights[0]!.read() as Variable;
      const drawn = quantizerPart(createState({ kind: 'ddcl', codes: k, dimension: m, norm: 'scale' })).drawInputs(
        n,
        afterControls(createRandom(seed).fork(0)),
      );
      const noise = Object.values(drawn)[0]!.data as Float32Array;
      tf.tidy(() => {
        const codes = tf.mul(own, 7);
        const x = tf.variable(latents());
        const ours = tf.variableGrads(() => {
          const y = layer.apply(x, { training: true }) as Tensor;
          return tf.add(tf.sum(tf.mul(y, tf.tensor2d(upstream, [n, m]))), layer.calculateLosses()[0]!) as Scalar;
        }, [x, own]);
        const [temperature] = weightOf(layer, 'temperature.0.0').dataSync();
        const formula = (at: Tensor, prototypes: Tensor): Scalar => {
          const mean = tf.mean(at, 0, true);
          const centred = tf.sub(at, mean);
          const normed = tf.div(centred, tf.sqrt(tf.div(tf.sum(tf.square(centred)), n * m)));
          const noisy = tf.add(normed, tf.mul(tf.tensor2d(noise, [n, m]), Math.sqrt(temperature! / 2)));
          const stopped = lqThrough ? noisy : tf.tensor2d(noisy.dataSync(), [n, m]);
          const q = (rows: Tensor): Tensor => tf.softmax(tf.div(distances(rows, prototypes), -temperature!));
          const y = tf.matMul(q(noisy), prototypes);
          // The total variance of normed latents is m.
          const lq = tf.div(tf.sum(tf.mul(q(stopped), distances(stopped, prototypes))), n * m);
          return tf.add(tf.sum(tf.mul(y, tf.tensor2d(upstream, [n, m]))), tf.mul(lq, 0.6)) as Scalar;
        };
        const theirs = tf.grads(formula)([latents(), codes]);
        expect(difference(ours.value.dataSync(), formula(latents(), codes).dataSync())).toBeLessThan(2e-5);
        expect(difference(ours.grads[x.name]!.dataSync(), theirs[0]!.dataSync())).toBeLessThan(1e-5);
        expect(difference(ours.grads[own.name]!.dataSync(), theirs[1]!.dataSync())).toBeLessThan(1e-5);
      });
    }
  });
});

/** The controls draw before the inputs do: how many levels count. */
function afterControls(own: ReturnType<typeof createRandom>): ReturnType<typeof createRandom> {
  own.integer(1);
  return own;
}

function distances(rows: Tensor, prototypes: Tensor): Tensor {
  const cross = tf.matMul(rows, prototypes, false, true);
  const squares = tf.reshape(tf.sum(tf.square(prototypes), 1), [1, k]);
  return tf.add(tf.sub(tf.sum(tf.square(rows), 1, true), tf.mul(cross, 2)), squares);
}

describe('DDCLQuantizer in training', () => {
  beforeEach(async () => {
    await tf.setBackend('cpu');
  });

  it('lets latents pass in the warm-up, then cools to its end, at shares of the tracked T_c', async () => {
    const layer = built({ steps: 11, schedule: { warmUp: 0.2, start: 0.2, end: 0.02, coolOver: 0.5 }, tracking: 0 });
    const shares: number[] = [];
    for (let step = 0; step < 12; step++) {
      const y = tf.tidy(() => (layer.apply(latents(), { training: true }) as Tensor).dataSync());
      if (step === 0) {
        const mean = Array.from(
          { length: m },
          (_, axis) => z.filter((_each, i) => i % m === axis).reduce((a, b) => a + b) / n,
        );
        const deviation = Math.sqrt(z.reduce((sum, value, i) => sum + (value - mean[i % m]!) ** 2, 0) / (n * m));
        expect(
          difference(
            y,
            z.map((value, i) => (value - mean[i % m]!) / deviation),
          ),
        ).toBeLessThan(1e-5);
      }
      const [temperature] = await weightOf(layer, 'temperature.0.0').data();
      const [sum, weight] = await weightOf(layer, 'averages.0.0').data();
      shares.push(temperature! / ((4 * sum!) / weight!));
    }
    expect(shares.slice(2, 8).map((share) => share / 0.2)).toEqual(
      [0, 1, 2, 3, 4, 5].map((step) => expect.closeTo(0.1 ** Math.min(1, step / 5), 3)),
    );
    expect(shares.slice(8).every((share) => Math.abs(share - 0.02) < 1e-6)).toBe(true);
    expect(layer.step).toBe(12);
  });

  it('reads and writes a state of @ddcl/vq, whose quantize finds the same codes', async () => {
    const options = { outputs: ['vectors', 'codes'], heads: 2, depth: 2, codes: 4 };
    const layer = built({ ...options, ...cold }, 4);
    const data = normal(20 * 4);
    for (let step = 0; step < 3; step++)
      tf.tidy(() => void layer.apply(tf.tensor2d(data, [20, 4]), { training: true }));
    const state = stateFromBytes(await layer.toBytes());
    expect(state.spec).toMatchObject({ kind: 'ddcl', heads: 2, depth: 2, codes: 4, dimension: 4, norm: 'scale' });
    const backend = await tfjsBackend({ tf });
    const found = await quantize(backend, state, { data, shape: [20, 4] });
    backend.dispose();
    const [vectors, codes] = tf.tidy(() =>
      (layer.apply(tf.tensor2d(data, [20, 4])) as Tensor[]).map((each) => each.dataSync()),
    );
    expect([...codes!]).toEqual([...found.indices]);
    expect(difference(vectors!, decode(state, found.indices))).toBeLessThan(1e-6);

    const other = built({ ...options, seed: 3 }, 4);
    other.fromBytes(await layer.toBytes());
    expect((await other.readState()).tensors).toEqual(state.tensors);
    const again = tf.tidy(() => (other.apply(tf.tensor2d(data, [20, 4])) as Tensor[])[0]!.dataSync());
    expect(difference(again, vectors!)).toBe(0);
  });

  it('quantizes latents of any rank under a mask, and no number of padding counts', () => {
    const given = Float32Array.from({ length: 24 }, (_, place) => Number(place % 5 !== 0));
    const states: QuantizerState['tensors'][] = [];
    const made = [0, 1e3].map((padding) =>
      tf.tidy(() => {
        const layer = ddclQuantizer({ codes: k, steps: 10, ...cold });
        const padded = z.map((value, index) => (given[Math.floor(index / m)]! > 0 ? value : padding));
        const kwargs = { training: true, mask: tf.tensor2d(given, [4, 6]) };
        const y = layer.apply(tf.tensor3d(padded, [4, 6, m]), kwargs) as Tensor;
        states.push(
          Object.fromEntries(layer.weights.map((each) => [each.originalName, each.read().dataSync()])) as never,
        );
        return [...y.dataSync()];
      }),
    );
    expect(made[0]).toEqual(made[1]);
    expect(made[0]!.every((value, index) => (given[Math.floor(index / m)]! > 0 ? value !== 0 : value === 0))).toBe(
      true,
    );
    expect(Object.values(states[0]!)).toEqual(Object.values(states[1]!));
  });
});
