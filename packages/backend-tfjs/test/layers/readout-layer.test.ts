import { createRandom } from '@ddcl/core';
import type { Scalar, Tensor as TfTensor, Variable } from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { ddclLayers, type DDCLReadoutLayer } from '../../src/layers.ts';
import { difference, tf } from './tf.ts';

const [batch, length, m, k] = [3, 5, 4, 3];
const random = createRandom(7);
const normal = (count: number): Float32Array => Float32Array.from({ length: count }, () => random.normal());
const z = normal(batch * length * m);
const p = normal(k * m);
/** The last sequence has no token at all. */
const mask = Float32Array.from({ length: batch * length }, (_, token) =>
  Number(token < length || (token < 2 * length && token % 2 === 0)),
);
const temperature = 0.9;

const { ddclReadout } = ddclLayers(tf);
const tokens = () => tf.tensor3d(z, [batch, length, m]);
const given = () => tf.tensor2d(mask, [batch, length]);

/** A layer whose prototypes are `p` and which has seen tokens of total variance `variance`. */
function withPrototypes(options: Record<string, unknown>, variance: number = m): DDCLReadoutLayer {
  const layer = ddclReadout({ prototypes: k, temperature, ...options });
  layer.build([null, length, m]);
  layer.writeModel({
    count: k,
    dimension: m,
    dtype: 'float32',
    prototypes: Float64Array.from(p),
    temperature,
    criticalTemperature: 5,
    offset: new Float64Array(m),
    scale: 1,
    totalVariance: variance,
  });
  return layer;
}

/** docs/math.md sections 1 and 6 in double precision, in loops. */
function readoutInLoops() {
  const q = new Float64Array(batch * length * k);
  for (let token = 0; token < batch * length; token++) {
    const shares = Array.from({ length: k }, (_, code) => {
      let square = 0;
      for (let axis = 0; axis < m; axis++) square += (z[token * m + axis]! - p[code * m + axis]!) ** 2;
      return Math.exp(-square / temperature);
    });
    const all = shares.reduce((sum, share) => sum + share);
    shares.forEach((share, code) => (q[token * k + code] = share / all));
  }
  const occupancy = new Float64Array(batch * k);
  const mass = new Float64Array(batch * k);
  const sums = new Float64Array(batch * k * m);
  for (let row = 0; row < batch; row++) {
    let weight = 0;
    for (let place = 0; place < length; place++) {
      const token = row * length + place;
      weight += mask[token]!;
      for (let code = 0; code < k; code++) {
        const share = mask[token]! * q[token * k + code]!;
        mass[row * k + code]! += share;
        for (let axis = 0; axis < m; axis++) sums[(row * k + code) * m + axis]! += share * z[token * m + axis]!;
      }
    }
    for (let code = 0; code < k; code++) occupancy[row * k + code] = weight > 0 ? mass[row * k + code]! / weight : 0;
  }
  const each = (count: number, value: (index: number) => number) =>
    Float64Array.from({ length: count }, (_, i) => value(i));
  const combined = (shares: ArrayLike<number>, rows: number) =>
    each(rows * m, (index) => {
      const [row, axis] = [Math.floor(index / m), index % m];
      let total = 0;
      for (let code = 0; code < k; code++) total += shares[row * k + code]! * p[code * m + axis]!;
      return total;
    });
  const perToken = (values: Float64Array, width: number) =>
    values.map((value, index) => value * mask[Math.floor(index / width)]!);
  return {
    assignments: perToken(q, k),
    outputs: perToken(combined(q, batch * length), m),
    codes: each(batch * length, (token) => {
      const own = [...q.subarray(token * k, (token + 1) * k)];
      return mask[token]! * own.indexOf(Math.max(...own));
    }),
    occupancy,
    pooled: combined(occupancy, batch),
    summaries: each(batch * k * m, (index) => {
      const own = mass[Math.floor(index / m)]!;
      return own > 0 ? sums[index]! / own : 0;
    }),
    residuals: each(batch * k * m, (index) => sums[index]! - mass[Math.floor(index / m)]! * p[index % (k * m)]!),
  };
}

/** The pooled vector and L_q per token and total variance in ops of tfjs, which differentiates them itself. */
function formulas(x: TfTensor, codes: TfTensor, variance: number) {
  const flat = tf.reshape(x, [batch * length, m]);
  const cross = tf.matMul(flat, codes, false, true);
  const squares = tf.reshape(tf.sum(tf.square(codes), 1), [1, k]);
  const distances = tf.add(tf.sub(tf.sum(tf.square(flat), 1, true), tf.mul(cross, 2)), squares);
  const q = tf.softmax(tf.div(distances, -temperature));
  const a = tf.tensor2d(mask, [batch * length, 1]);
  const mass = tf.sum(tf.reshape(tf.mul(a, q), [batch, length, k]), 1);
  const weight = tf.maximum(tf.sum(tf.tensor2d(mask, [batch, length]), 1, true), 1e-20);
  const lq = tf.div(tf.sum(tf.mul(a, tf.mul(q, distances))), tf.mul(tf.sum(a), variance));
  return { pooled: tf.matMul(tf.div(mass, weight), codes), lq };
}

/** Total variance of the tokens that count, in double precision. */
function totalVariance(): number {
  const rows = Array.from({ length: batch * length }, (_, token) => token).filter((token) => mask[token]! > 0);
  let all = 0;
  for (let axis = 0; axis < m; axis++) {
    const values = rows.map((row) => z[row * m + axis]!);
    const mean = values.reduce((sum, value) => sum + value, 0) / rows.length;
    all += values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / rows.length;
  }
  return all;
}

const every = ['assignments', 'outputs', 'codes', 'occupancy', 'pooled', 'summaries', 'residuals'] as const;

describe.each(['cpu', 'wasm'])('DDCLReadout on %s', (backend) => {
  beforeEach(async () => {
    await tf.setBackend(backend);
  });

  it('gives each output as the formulas say, with a mask, and zeros for padding', () => {
    const layer = withPrototypes({ outputs: [...every] });
    const expected = readoutInLoops();
    tf.tidy(() => {
      const made = layer.call(tokens(), { mask: given() }) as TfTensor[];
      every.forEach((name, index) => {
        expect([name, difference(made[index]!.dataSync(), expected[name])], name).toEqual([name, expect.closeTo(0, 5)]);
        expect([null, ...made[index]!.shape.slice(1)]).toEqual(
          (layer.computeOutputShape([null, length, m]) as unknown[])[index],
        );
      });
    });
  });

  it('gives vectors length 1 where asked, and residuals as VLAD', () => {
    const expected = readoutInLoops();
    tf.tidy(() => {
      const layer = withPrototypes({ outputs: ['pooled', 'residuals'], normalize: true });
      const [pooled, residuals] = layer.call(tokens(), { mask: given() }) as TfTensor[];
      const own = expected.pooled.subarray(0, m);
      const size = Math.hypot(...own);
      expect(
        difference(
          pooled!.dataSync().subarray(0, m),
          own.map((value) => value / size),
        ),
      ).toBeLessThan(1e-6);
      const vlad = expected.residuals.slice(0, k * m);
      for (let code = 0; code < k; code++) {
        const each = vlad.subarray(code * m, (code + 1) * m);
        const long = Math.hypot(...each);
        each.forEach((value, axis) => (each[axis] = value / long / Math.sqrt(k)));
      }
      expect(difference(residuals!.dataSync().subarray(0, k * m), vlad)).toBeLessThan(1e-5);
    });
  });

  it('has the gradients that tfjs finds of the written-out formula, L_q stopped at the encoder', () => {
    const upstream = normal(batch * m);
    const variance = totalVariance();
    for (const lqThrough of [false, true]) {
      const layer = withPrototypes({ lambda: 0.7, lqThrough, rateRatio: 8 }, variance);
      const own = layer.trainableWeights[0]!.read();
      tf.tidy(() => {
        const g = tf.tensor2d(upstream, [batch, m]);
        const x = tf.variable(tokens());
        const ours = tf.variableGrads(
          () => {
            const pooled = layer.apply(x, { training: true, mask: given() }) as TfTensor;
            const [lq] = layer.calculateLosses();
            return tf.add(tf.sum(tf.mul(pooled, g)), lq!);
          },
          [x, own] as never,
        );
        const codes = tf.tensor2d(p, [k, m]);
        const theirs = tf.grads((at, prototypes) => {
          const { pooled } = formulas(at, prototypes, variance);
          const { lq } = formulas(lqThrough ? at : tokens(), prototypes, variance);
          return tf.add(tf.sum(tf.mul(pooled, g)), tf.mul(lq, 0.7)) as Scalar;
        })([tokens(), codes]);
        const [byTokens, byPrototypes] = [ours.grads[x.name]!, ours.grads[(own as Variable).name]!];
        expect(difference(byTokens.dataSync(), theirs[0]!.dataSync())).toBeLessThan(1e-5);
        // The variable gets the gradient of prototypes in units of the deviation.
        const unit = Math.sqrt(variance / m);
        expect(
          difference(
            byPrototypes.dataSync(),
            theirs[1]!.dataSync().map((value) => value * unit),
          ),
        ).toBeLessThan(1e-5);
        expect(
          difference(ours.value.dataSync(), [
            tf
              .add(
                tf.sum(tf.mul(formulas(tokens(), codes, variance).pooled, g)),
                tf.mul(formulas(tokens(), codes, variance).lq, 0.7),
              )
              .dataSync()[0]!,
          ]),
        ).toBeLessThan(1e-5);
      });
    }
  });
});

describe('DDCLReadout in training', () => {
  beforeEach(async () => {
    await tf.setBackend('cpu');
  });

  it('adds L_q to the loss that model.fit minimises and reports', async () => {
    const losses: number[] = [];
    for (const lambda of [0, 2]) {
      const layer = ddclReadout({ prototypes: k, temperature, lambda, inputShape: [length, m] });
      const model = tf.sequential({ layers: [layer] });
      layer.writeModel(await withPrototypes({}, totalVariance()).readModel());
      model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
      const history = await model.fit(tokens(), tf.zeros([batch, m]), { epochs: 1, batchSize: batch, verbose: 0 });
      losses.push(history.history['loss']![0] as number);
    }
    const all = new Float32Array(batch * length).fill(1);
    const variance = varianceOf(z);
    const q = lossOf(z, all);
    expect(losses[1]! - losses[0]!).toBeCloseTo((2 * q) / variance, 5);
  });

  it.each([
    ['sgd', () => tf.train.sgd(0.05), (rate: number) => tf.train.sgd(rate)],
    ['momentum', () => tf.train.momentum(0.05, 0.9), (rate: number) => tf.train.momentum(rate, 0.9)],
    ['adam', () => tf.train.adam(0.05), (rate: number) => tf.train.adam(rate)],
    ['rmsprop', () => tf.train.rmsprop(0.05), (rate: number) => tf.train.rmsprop(rate)],
  ] as const)('moves prototypes as an optimiser of rateRatio times the rate would: %s', async (_name, ours, theirs) => {
    const rateRatio = 4;
    const variance = totalVariance();
    const unit = Math.sqrt(variance / m);
    const layer = withPrototypes({ rateRatio, lambda: 1 }, variance);
    const optimizer = ours();
    const weight = layer.trainableWeights[0]!.read();
    // The reference trains prototypes in units of the deviation, with a rate of their own.
    const reference = tf.variable(
      tf.tensor2d(
        p.map((value) => value / unit),
        [k, m],
      ),
    );
    const own = theirs(0.05 * rateRatio);
    for (let step = 0; step < 5; step++) {
      optimizer.minimize(
        () => {
          const pooled = layer.apply(tokens(), { training: true, mask: given() }) as TfTensor;
          return tf.add(tf.sum(pooled), layer.calculateLosses()[0]!) as Scalar;
        },
        false,
        [weight] as never,
      );
      own.minimize(
        () => {
          const { pooled, lq } = formulas(tokens(), tf.mul(reference, unit), variance);
          return tf.add(tf.sum(pooled), lq) as Scalar;
        },
        false,
        [reference],
      );
    }
    const [moved] = await layer.readPrototypes();
    expect(difference(moved!, p)).toBeGreaterThan(0.1);
    expect(
      difference(
        moved!,
        reference.dataSync().map((value) => value * unit),
      ),
    ).toBeLessThan(2e-5);
  });

  it('starts prototypes at the tokens of the first batch, once, and follows T_c', async () => {
    const layer = ddclReadout({
      prototypes: k,
      inputShape: [length, m],
      temperature: { ofCritical: 0.1 },
      tracking: 0.5,
    });
    const model = tf.sequential({ layers: [layer] });
    model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
    // Far from 0 and large: prototypes that started without looking would be lost.
    const far = tf.add(tf.mul(tokens(), 100), 1000);
    await model.fit(far, tf.zeros([batch, m]), { epochs: 1, batchSize: batch, verbose: 0 });
    const [first] = await layer.readPrototypes();
    expect(Math.min(...first!)).toBeGreaterThan(900);
    expect(Math.max(...first!)).toBeLessThan(1100);
    expect(difference(first!.subarray(0, m), first!.subarray(m, 2 * m))).toBeGreaterThan(1);
    await model.fit(far, tf.zeros([batch, m]), { epochs: 60, batchSize: batch, verbose: 0 });
    const [second] = await layer.readPrototypes();
    expect(second).toEqual(first);
    const made = await layer.readModel();
    expect(made.criticalTemperature / (1e4 * 4 * largestVariance(z))).toBeCloseTo(1, 3);
    expect(made.temperature / made.criticalTemperature).toBeCloseTo(0.1, 5);
    expect(layer.step).toBe(61);
  });

  it('takes the mask of layers before it, and no number of padding counts', async () => {
    const model = tf.sequential();
    model.add(tf.layers.masking({ maskValue: 9, inputShape: [length, m] }));
    model.add(ddclReadout({ prototypes: k, outputs: 'summaries', temperature }));
    const layer = model.layers[1] as DDCLReadoutLayer;
    layer.writeModel(await withPrototypes({}).readModel());
    const padded = Float32Array.from(z, (value, index) => (mask[Math.floor(index / m)]! > 0 ? value : 9));
    const made = model.predict(tf.tensor3d(padded, [batch, length, m])) as TfTensor;
    expect(difference(made.dataSync(), readoutInLoops().summaries)).toBeLessThan(1e-5);
  });

  it('hands the mask on with outputs per token, and ends it with those per sequence', () => {
    const per = (outputs: never) => ddclReadout({ prototypes: k, outputs });
    const own = given();
    expect(per('outputs' as never).computeMask(tokens(), own)).toBe(own);
    expect(per('pooled' as never).computeMask(tokens(), own)).toBe(null);
    expect(per(['pooled', 'outputs'] as never).computeMask(tokens(), own)).toEqual([null, own]);
  });

  it('takes no mask of layers that ended it, which tfjs hands on all the same', async () => {
    const words = tf.tensor2d([1, 2, 0, 3, 0, 0], [2, 3]);
    const embedding = (): ReturnType<typeof tf.layers.embedding> =>
      tf.layers.embedding({ inputDim: 4, outputDim: m, inputLength: 3, maskZero: true });
    const book = ddclLayers(tf).ddclQuantizer({ codes: 2, steps: 3 });
    const after = tf.sequential({
      layers: [embedding(), ddclReadout({ prototypes: k }), tf.layers.dense({ units: 2 }), book],
    });
    (after.layers[1] as DDCLReadoutLayer).writeModel(await withPrototypes({}).readModel());
    expect(after.predict(words) as TfTensor).toMatchObject({ shape: [2, 2] });
    // A convolution ends the mask, as it does in Keras: padding counts from there on.
    const convolved = tf.sequential();
    convolved.add(embedding());
    convolved.add(tf.layers.conv1d({ filters: m, kernelSize: 1 }));
    convolved.add(ddclReadout({ prototypes: k, outputs: 'outputs', temperature }));
    (convolved.layers[2] as DDCLReadoutLayer).writeModel(await withPrototypes({}).readModel());
    const made = (convolved.predict(words) as TfTensor).dataSync();
    expect(made.subarray(2 * m, 3 * m).some((value) => value !== 0)).toBe(true);
    const direct = tf.sequential({
      layers: [
        embedding(),
        tf.layers.dense({ units: m }),
        ddclReadout({ prototypes: k, outputs: 'outputs', temperature }),
      ],
    });
    (direct.layers[2] as DDCLReadoutLayer).writeModel(await withPrototypes({}).readModel());
    const masked = (direct.predict(words) as TfTensor).dataSync();
    expect(masked.subarray(2 * m, 3 * m).every((value) => value === 0)).toBe(true);
    expect(masked.subarray(0, 2 * m).every((value) => value !== 0)).toBe(true);
  });

  it('works in a model inside a model, and shared by two inputs', async () => {
    const inner = tf.sequential({ layers: [ddclReadout({ prototypes: k, inputShape: [length, m], lambda: 1 })] });
    const [left, right] = [tf.input({ shape: [length, m] }), tf.input({ shape: [length, m] })];
    const both = tf.layers.add().apply([inner.apply(left), inner.apply(right)] as never) as never;
    const model = tf.model({ inputs: [left, right], outputs: both });
    model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
    const x = [tokens(), tokens()];
    const y = tf.zeros([batch, m]);
    await model.fit(x, y, { epochs: 2, batchSize: batch, verbose: 0 });
    const before = tf.memory().numTensors;
    const { history } = await model.fit(x, y, { epochs: 3, batchSize: batch, verbose: 0 });
    expect((history['loss'] as number[]).every(Number.isFinite)).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
    expect((inner.layers[0] as DDCLReadoutLayer).step).toBe(10);
  });
});

/** Eigenvalues of the covariance by power steps in double precision; all tokens count. */
function largestVariance(values: Float32Array): number {
  const n = values.length / m;
  const mean = Array.from(
    { length: m },
    (_, axis) => values.reduce((sum, value, i) => sum + (i % m === axis ? value : 0), 0) / n,
  );
  const covariance = Array.from({ length: m }, (_, i) =>
    Array.from({ length: m }, (_each, j) => {
      let sum = 0;
      for (let row = 0; row < n; row++) sum += (values[row * m + i]! - mean[i]!) * (values[row * m + j]! - mean[j]!);
      return sum / n;
    }),
  );
  let vector = Array.from({ length: m }, (_, i) => 1 + i / 10);
  let size = 0;
  for (let step = 0; step < 2000; step++) {
    const next = covariance.map((row) => row.reduce((sum, value, i) => sum + value * vector[i]!, 0));
    size = Math.hypot(...next);
    vector = next.map((value) => value / size);
  }
  return size;
}

function varianceOf(values: Float32Array): number {
  const n = values.length / m;
  let all = 0;
  for (let axis = 0; axis < m; axis++) {
    const own = Array.from({ length: n }, (_, row) => values[row * m + axis]!);
    const mean = own.reduce((sum, value) => sum + value, 0) / n;
    all += own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n;
  }
  return all;
}

/** L_q per unit of weight, in double precision. */
function lossOf(values: Float32Array, weights: Float32Array): number {
  let [all, mass] = [0, 0];
  for (let token = 0; token < weights.length; token++) {
    const distances = Array.from({ length: k }, (_, code) => {
      let square = 0;
      for (let axis = 0; axis < m; axis++) square += (values[token * m + axis]! - p[code * m + axis]!) ** 2;
      return square;
    });
    const shares = distances.map((each) => Math.exp(-each / temperature));
    const sum = shares.reduce((total, each) => total + each);
    all += (weights[token]! * shares.reduce((total, share, i) => total + share * distances[i]!, 0)) / sum;
    mass += weights[token]!;
  }
  return all / mass;
}
