import { createRandom } from '@ddcl/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { ddclCertificate, ddclLayers, type CertificateRecord, type DDCLReadoutLayer } from '../../src/layers.ts';
import { tf } from './tf.ts';

const { ddclReadout, ddclQuantizer } = ddclLayers(tf);
const random = createRandom(2);
/** Tokens in three heaps, so that there is something to find. */
const tokens = Float32Array.from(
  { length: 16 * 6 * 2 },
  (_, index) => 4 * (Math.floor(index / 2) % 3) * ((index % 2) - 0.3) + random.normal(),
);
const [batch, length, m] = [16, 6, 2];

async function trained(readout: DDCLReadoutLayer, options: Partial<Parameters<typeof ddclCertificate>[0]> = {}) {
  const model = tf.sequential({ layers: [readout] });
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
  const warnings: string[] = [];
  const certificate = ddclCertificate({ of: model, onWarning: (text) => warnings.push(text), ...options });
  const x = tf.tensor3d(tokens, [batch, length, m]);
  const y = tf.zeros([batch, m]);
  const before = tf.memory().numTensors;
  const { history } = await model.fit(x, y, { epochs: 4, batchSize: 8, verbose: 0, callbacks: certificate });
  return { certificate, warnings, history, left: tf.memory().numTensors - before, model };
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('ddclCertificate', () => {
  it('records each epoch, in the history too, and L_q = L_OLS + V', async () => {
    const seen: CertificateRecord[] = [];
    const shown: unknown[][] = [];
    const tfvis = { show: { history: async (...all: unknown[]) => void shown.push(all) } };
    const layer = ddclReadout({ prototypes: 3, name: 'reader', inputShape: [length, m], lambda: 1 });
    const { certificate, warnings, history } = await trained(layer, { onEpoch: (record) => seen.push(record), tfvis });
    expect(certificate.records).toEqual(seen);
    expect(seen.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
    for (const record of seen) {
      expect(record.layer).toBe('reader');
      expect(record.lq).toBeGreaterThan(0);
      expect(record.v).toBeGreaterThanOrEqual(0);
      expect(Math.abs(record.lq - record.lols - record.v)).toBeLessThan(1e-5 * record.lq);
      expect(record.defect).toBeLessThan(1e-5);
      expect(record.temperatureShare).toBeCloseTo(0.3, 3);
      expect(record.use).toBe(1);
      expect(record.epsilon).toBeCloseTo(0.1, 6);
      expect(record.separation.min).toBeGreaterThan(0);
      expect(record.separation.mean).toBeGreaterThanOrEqual(record.separation.min);
    }
    expect(history['reader/lq']).toEqual(seen.map(({ lq }) => lq));
    expect(history['reader/leastSeparation']).toEqual(seen.map(({ separation }) => separation.min));
    expect(shown.length).toBe(4);
    expect(shown[3]![0]).toEqual({ name: 'reader', tab: 'DDCL' });
    expect((shown[3]![1] as { history: Record<string, number[]> }).history['reader/v']).toEqual(seen.map(({ v }) => v));
    expect(shown[3]![2]).toEqual(
      ['lq', 'lols', 'v', 'defect', 'temperatureShare', 'use', 'separation', 'leastSeparation', 'epsilon'].map(
        (name) => `reader/${name}`,
      ),
    );
    expect(warnings).toEqual([]);
  });

  it('measures the codes of the epoch: use counts prototypes that no token is nearest to', async () => {
    const layer = ddclReadout({ prototypes: 3, temperature: 0.5, inputShape: [length, m], lambda: 0 });
    const model = tf.sequential({ layers: [layer] });
    layer.writeModel({
      count: 3,
      dimension: m,
      dtype: 'float32',
      prototypes: Float64Array.of(0, 0, 100, 0, 3, 1),
      temperature: 0.5,
      criticalTemperature: 10,
      offset: new Float64Array(m),
      scale: 1,
      totalVariance: 5,
    });
    model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
    const certificate = ddclCertificate({ of: [layer] });
    await model.fit(tf.tensor3d(tokens, [batch, length, m]), tf.zeros([batch, m]), {
      epochs: 1,
      verbose: 0,
      callbacks: certificate,
    });
    const [record] = certificate.records;
    expect(record!.use).toBeCloseTo(2 / 3, 6);
    expect(record!.separation.min).toBeCloseTo(Math.hypot(3, 1), 4);
    expect(record!.separation.mean).toBeCloseTo((Math.hypot(3, 1) + 100 + Math.hypot(97, 1)) / 3, 2);
    const sums = { lq: 0, lols: 0 };
    for (let token = 0; token < batch * length; token++) {
      const [a, b] = [tokens[2 * token]!, tokens[2 * token + 1]!];
      const d = [a * a + b * b, (a - 100) ** 2 + b * b, (a - 3) ** 2 + (b - 1) ** 2];
      const least = Math.min(...d);
      const q = d.map((each) => Math.exp((least - each) / 0.5));
      const all = q.reduce((sum, each) => sum + each);
      const y = [0, 1].map((axis) => (q[1]! * [100, 0][axis]! + q[2]! * [3, 1][axis]!) / all);
      sums.lq += q.reduce((sum, each, i) => sum + each * d[i]!, 0) / all;
      sums.lols += (a - y[0]!) ** 2 + (b - y[1]!) ** 2;
    }
    expect(record!.lq / (sums.lq / (batch * length))).toBeCloseTo(1, 4);
    expect(record!.lols / (sums.lols / (batch * length))).toBeCloseTo(1, 4);
  });

  it('warns once where T is at T_c or above, with the remedy, and where timescales do not separate', async () => {
    const layer = ddclReadout({ prototypes: 3, name: 'hot', temperature: 500, rateRatio: 1, inputShape: [length, m] });
    const { warnings, certificate } = await trained(layer);
    const [first] = certificate.records;
    const critical = Number(Math.min(first!.criticalTemperature, 500 / first!.temperatureRatio).toPrecision(3));
    expect(warnings).toEqual([
      `DDCLReadout 'hot', epoch 1: the temperature T = 500 is not below the critical temperature T_c = ${critical} of its tokens; at or above it all prototypes collapse into one point (docs/math.md section 5). Give the layer temperature: { ofCritical: 0.3 }, which follows T_c, or a lower number.`,
      "DDCLReadout 'hot', epoch 1: the timescales do not separate: epsilon = 1, the encoder's learning rate over that of the prototypes, should be well under 1 (docs/math.md section 4). Give the layer a larger rateRatio, such as 10.",
    ]);
    // It does as it says.
    expect(certificate.records[3]!.separation.mean).toBeLessThan(first!.separation.mean);
  });

  it('ends a training whose numbers are lost, and says which', async () => {
    const make = () => {
      const layer = ddclReadout({ prototypes: 3, name: 'reader', inputShape: [length, m] });
      const model = tf.sequential({ layers: [layer] });
      model.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' });
      return { layer, model };
    };
    const broken = tokens.slice();
    // In the second batch: the first is looked at.
    broken[9 * length * m] = NaN;
    const x = tf.tensor3d(broken, [batch, length, m]);
    const y = tf.zeros([batch, m]);
    const options = { epochs: 5, batchSize: 8, shuffle: false, verbose: 0 } as const;
    const text =
      "DDCLReadout 'reader', epoch 1: NaN or infinite: 3 of 3 prototypes, L_q, the model's loss. Training stops here, as such numbers spread to all weights. Look for NaN in the inputs and masks, lower the optimiser's rate or the layer's rateRatio, and train a new model or load one that was saved before.";
    const one = make();
    const warnings: string[] = [];
    const certificate = ddclCertificate({ of: one.model, onWarning: (warning) => warnings.push(warning) });
    const { epoch } = await one.model.fit(x, y, { ...options, callbacks: certificate });
    expect([epoch, warnings]).toEqual([[0], [text]]);
    // A list of layers has no model that it could end.
    const other = make();
    const callbacks = ddclCertificate({ of: [other.layer] });
    await expect(other.model.fit(x, y, { ...options, callbacks })).rejects.toMatchObject({
      code: 'data',
      message: text,
    });
  });

  it('finds layers of models inside, watches only while training, and leaves no tensor', async () => {
    const inner = tf.sequential({ layers: [ddclQuantizer({ codes: 4, steps: 20, inputShape: [m], depth: 2 })] });
    const outer = tf.sequential();
    outer.add(tf.layers.dense({ units: m, inputShape: [m] }));
    outer.add(inner);
    outer.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
    const certificate = ddclCertificate({ of: outer });
    const x = tf.tensor2d(tokens, [batch * length, m]);
    const options = { epochs: 2, batchSize: 32, verbose: 0, callbacks: certificate } as const;
    await outer.fit(x, x, options);
    const before = tf.memory().numTensors;
    await outer.fit(x, x, options);
    await outer.fit(x, x, { ...options, callbacks: [] });
    expect(tf.memory().numTensors).toBe(before);
    expect(certificate.records.length).toBe(4);
    for (const { defect, v, use, temperatureShare } of certificate.records) {
      expect(defect).toBeLessThan(1e-4);
      expect(v).toBeGreaterThanOrEqual(0);
      expect(use).toBeGreaterThan(0.2);
      expect(temperatureShare).toBeLessThan(0.06);
    }
    expect(await (inner.layers[0] as DDCLReadoutLayer).takeReports()).toBe(undefined);
  });
});
