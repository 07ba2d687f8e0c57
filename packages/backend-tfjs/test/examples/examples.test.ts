import { readFile, rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelFromBytes } from '@ddcl/core/fit';
import { stateFromBytes } from '@ddcl/vq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CertificateRecord } from '../../src/layers.ts';
import { runExample, type ExampleOutput } from './run-example.ts';

let folder = '';
let made: readonly ExampleOutput[] = [];
const of = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ddcl-tfjs-'));
  made = await Promise.all(['text-classifier', 'image-autoencoder'].map((name) => runExample(name, [of(name)])));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As the theory says, at every epoch: L_q = L_OLS + V, V >= 0, T below T_c, and prototypes apart. */
function expectCertified(records: readonly CertificateRecord[], epochs: number): void {
  expect(records.map(({ epoch }) => epoch)).toEqual(Array.from({ length: epochs }, (_, index) => index + 1));
  for (const { v, defect, temperatureShare, separation, epsilon } of records) {
    expect(v).toBeGreaterThanOrEqual(0);
    expect(defect).toBeLessThan(1e-4);
    expect(temperatureShare).toBeLessThan(1);
    expect(separation.min).toBeGreaterThan(0.01);
    expect(epsilon).toBeLessThan(0.5);
  }
}

describe('text-classifier.mjs', () => {
  it('learns, within its certificate, and predicts the same in a new process that loads it', async () => {
    const [trained] = made;
    expectCertified(trained!.records, 8);
    expect(trained!.accuracy).toBeGreaterThan(0.92);
    expect(trained!.records.at(-1)!.use).toBeGreaterThan(0.7);
    const loaded = await runExample('text-classifier', [of('text-classifier'), '--load']);
    expect(loaded.predictions).toEqual(trained!.predictions);
    expect(loaded.accuracy).toBe(trained!.accuracy);
  });

  it('writes prototypes that read as a ddcl model', async () => {
    const model = modelFromBytes(new Uint8Array(await readFile(join(of('text-classifier'), 'model.safetensors'))));
    expect([model.count, model.dimension]).toEqual([8, 8]);
    expect(model.temperature / model.criticalTemperature).toBeCloseTo(0.3, 4);
  });
});

describe('image-autoencoder.mjs', () => {
  it('learns, within its certificate, and decodes the same in a new process that loads it', async () => {
    const trained = made[1]!;
    expectCertified(trained.records, 16);
    // Twelve shapes need twelve of the 16 codes, and noise none.
    expect(trained.records.at(-1)!.use).toBeGreaterThanOrEqual(0.75);
    // The noise alone has a variance of 0.0025.
    expect(trained.error).toBeLessThan(0.0035);
    expect(trained.errorToClean).toBeLessThan(0.001);
    const loaded = await runExample('image-autoencoder', [of('image-autoencoder'), '--load']);
    expect(loaded.predictions).toEqual(trained.predictions);
    expect(loaded.errorToClean).toBe(trained.errorToClean);
  });

  it('writes a codebook that reads as a state of @ddcl/vq', async () => {
    const state = stateFromBytes(
      new Uint8Array(await readFile(join(of('image-autoencoder'), 'quantizer.safetensors'))),
    );
    expect(state.spec).toMatchObject({ kind: 'ddcl', codes: 16, dimension: 4, norm: 'scale' });
  });
});
