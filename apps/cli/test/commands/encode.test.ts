import { readSafetensors } from '@ddcl/core/safetensors';
import { beforeAll, describe, expect, it } from 'vitest';
import { readNpy, type NpyArray } from '../../src/data/npy-reader.ts';
import { clusters, csv, ddclInTurn, npy, succeed, testFolder } from './support.ts';

const folder = testFolder();
const tokens = clusters(80, 3, 4);
/** Segment 2 has no tokens, and the segments are not in order. */
const segments = tokens.rows.map((_, row) => [3, 0, 1, 0][Math.floor(row / 7) % 4]!);
const count = 4;

interface Fitted {
  readonly prototypes: number[][];
  readonly temperature: number;
}

/** Prototypes and temperature straight from the file. */
function fitted(name: string): Fitted {
  const { tensors, metadata } = readSafetensors(folder.read(`${name}/model.safetensors`));
  const { shape, data } = tensors.get('prototypes')!;
  const flat = Array.from(data as Float32Array | Float64Array);
  const prototypes = Array.from({ length: shape[0]! }, (_, k) => flat.slice(k * shape[1]!, (k + 1) * shape[1]!));
  return { prototypes, temperature: Number(metadata['temperature']) };
}

/** Soft assignments by their definition, in doubles. */
function assignments(rows: readonly (readonly number[])[], { prototypes, temperature }: Fitted): number[][] {
  return rows.map((row) => {
    const distances = prototypes.map((prototype) => prototype.reduce((sum, p, axis) => sum + (row[axis]! - p) ** 2, 0));
    const least = Math.min(...distances);
    const weights = distances.map((distance) => Math.exp(-(distance - least) / temperature));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  });
}

/** `sum_k weights_k rows_k`. */
function mix(weights: readonly number[], rows: readonly (readonly number[])[]): number[] {
  return rows[0]!.map((_, axis) => rows.reduce((sum, row, k) => sum + weights[k]! * row[axis]!, 0));
}

/** A vector at length 1; zeros stay. */
function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((value) => (length === 0 ? 0 : value / length));
}

const argMax = (values: readonly number[]): number => values.indexOf(Math.max(...values));

/** What each `--outputs` must give, as rows, for tokens after preprocessing. */
function expected(
  rows: readonly (readonly number[])[],
  model: Fitted,
  ids: readonly number[],
): Record<string, number[][]> {
  const q = assignments(rows, model);
  const bySegment = Array.from({ length: Math.max(...ids) + 1 }, (_, id) => {
    const members = rows.map((_row, index) => index).filter((index) => ids[index] === id);
    const mass = model.prototypes.map((_, k) => members.reduce((sum, index) => sum + q[index]![k]!, 0));
    const share = mass.map((value) => (members.length === 0 ? 0 : value / members.length));
    const summaries = mass.map((total, k) => {
      const sums = rows[0]!.map((_, axis) =>
        members.reduce((sum, index) => sum + q[index]![k]! * rows[index]![axis]!, 0),
      );
      return sums.map((sum) => (total > 0 ? sum / total : 0));
    });
    const residuals = model.prototypes.map((prototype, k) =>
      unit(
        prototype.map((p, axis) => members.reduce((sum, index) => sum + q[index]![k]! * (rows[index]![axis]! - p), 0)),
      ),
    );
    return {
      occupancy: share,
      pooled: mix(share, model.prototypes),
      summaries: summaries.flat(),
      residuals: unit(residuals.flat()),
    };
  });
  return {
    outputs: q.map((row) => mix(row, model.prototypes)),
    assignments: q,
    codes: q.map((row) => [argMax(row)]),
    occupancy: bySegment.map(({ occupancy }) => occupancy),
    pooled: bySegment.map(({ pooled }) => pooled),
    summaries: bySegment.map(({ summaries }) => summaries),
    residuals: bySegment.map(({ residuals }) => residuals),
  };
}

function expectClose({ data }: NpyArray, rows: readonly (readonly number[])[], tolerance: number): void {
  const wanted = rows.flat();
  expect(data.length).toBe(wanted.length);
  const worst = wanted.reduce((most, value, index) => Math.max(most, Math.abs(value - data[index]!)), 0);
  expect(worst).toBeLessThan(tolerance);
}

/** Encodes with each `--outputs` into NAME-WHAT.npy. */
async function encodeAll(
  name: string,
  args: readonly string[],
  whats: readonly string[],
): Promise<Record<string, NpyArray>> {
  const out = (what: string): string => folder.at(`${name}-${what}.npy`);
  const ended = await ddclInTurn(whats.map((what) => ['encode', ...args, '--outputs', what, '--out', out(what)]));
  for (const { status, stderr } of ended) expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return Object.fromEntries(await Promise.all(whats.map(async (what) => [what, await readNpy(out(what))] as const)));
}

const perToken = ['outputs', 'assignments', 'codes'];
const perSegment = ['occupancy', 'pooled', 'summaries', 'residuals'];

beforeAll(async () => {
  folder.write('tokens.npy', npy([80, 3], 'float32', tokens.flat));
  folder.write('tokens.csv', csv(tokens));
  folder.write('segments.npy', npy([80], 'int32', segments));
  const ended = await ddclInTurn([
    // Warm enough for assignments between 0 and 1.
    [
      'fit',
      folder.at('tokens.npy'),
      '--prototypes',
      '4',
      '--epochs',
      '50',
      '--temperature',
      '60',
      '--out',
      folder.at('model'),
    ],
    [
      'fit',
      folder.at('tokens.npy'),
      '--prototypes',
      '4',
      '--epochs',
      '50',
      '--temperature',
      '60',
      '--dtype',
      'float64',
      '--out',
      folder.at('double'),
    ],
    [
      'fit',
      folder.at('tokens.csv'),
      '--prototypes',
      '4',
      '--epochs',
      '50',
      '--temperature',
      '0.2',
      '--columns',
      'c2,c0',
      '--standardize',
      '--normalize',
      '--out',
      folder.at('prepared'),
    ],
  ]);
  for (const { status } of ended) expect(status).toBe(0);
});

describe('ddcl encode', () => {
  it.each([
    // Sums of float32 numbers of about 20.
    ['model', 2e-5],
    ['double', 1e-11],
  ])('gives what the definitions say: %s', async (name, tolerance) => {
    const dtype = name === 'model' ? Float32Array : Float64Array;
    const args = [folder.at(name), folder.at('tokens.npy')];
    const wanted = expected(tokens.rows, fitted(name), segments);
    expect(Math.min(...wanted['assignments']!.map((row) => Math.max(...row)))).toBeLessThan(0.9);
    const results = {
      ...(await encodeAll(name, args, perToken)),
      ...(await encodeAll(name, [...args, '--segments', folder.at('segments.npy')], perSegment)),
    };
    const shapes = {
      outputs: [80, 3],
      assignments: [80, count],
      codes: [80],
      occupancy: [4, count],
      pooled: [4, 3],
      summaries: [4, count, 3],
      residuals: [4, count, 3],
    };
    for (const [what, shape] of Object.entries(shapes)) {
      expect(results[what]!.shape).toEqual(shape);
      expect(results[what]!.data).toBeInstanceOf(what === 'codes' ? Int32Array : dtype);
      expectClose(results[what]!, wanted[what]!, tolerance);
    }
  });

  it('takes another temperature, as a number or as a share of the critical one', async () => {
    const args = [folder.at('model'), folder.at('tokens.npy')];
    const { criticalTemperature } = (folder.json('model/config.json') as { measures: { criticalTemperature: number } })
      .measures;
    const whats = ['assignments', 'pooled'];
    const number = await encodeAll('number', [...args, '--temperature', String(0.5 * criticalTemperature)], whats);
    const share = await encodeAll('share', [...args, '--temperature', '0.5tc'], whats);
    const warmer = { ...fitted('model'), temperature: 0.5 * criticalTemperature };
    const wanted = expected(
      tokens.rows,
      warmer,
      segments.map(() => 0),
    );
    for (const what of whats) {
      expectClose(number[what]!, wanted[what]!, 2e-5);
      expectClose(share[what]!, wanted[what]!, 2e-5);
    }
    expect(0.5 * criticalTemperature).toBeGreaterThan(1.2 * fitted('model').temperature);
  });

  it('takes all tokens as one segment without --segments', async () => {
    const results = await encodeAll('one', [folder.at('model'), folder.at('tokens.npy')], perSegment);
    const wanted = expected(
      tokens.rows,
      fitted('model'),
      segments.map(() => 0),
    );
    for (const what of perSegment) expectClose(results[what]!, wanted[what]!, 2e-5);
    expect(results['summaries']!.shape).toEqual([1, count, 3]);
  });

  it('prepares tokens as the fit did, whatever the order of the columns', async () => {
    const { preprocessing } = folder.json('prepared/config.json') as {
      preprocessing: { standardize: { mean: number[]; deviation: number[] } };
    };
    const { mean, deviation } = preprocessing.standardize;
    const prepared = tokens.rows.map((row) => {
      const scaled = [row[2]!, row[0]!].map((value, axis) => (value - mean[axis]!) / deviation[axis]!);
      return scaled.map((value) => value / Math.hypot(...scaled));
    });
    const wanted = expected(prepared, fitted('prepared'), segments);
    const turned = tokens.rows.map(([a, b, c]) => `${c},9,${a},${b}`);
    folder.write('turned.csv', `c2,more,c0,c1\n${turned.join('\n')}\n`);
    const results = await encodeAll('turned', [folder.at('prepared'), folder.at('turned.csv')], perToken);
    for (const what of perToken) expectClose(results[what]!, wanted[what]!, 1e-5);
    const plain = await encodeAll('plain', [folder.at('prepared'), folder.at('tokens.csv')], perToken);
    expect(plain['outputs']!.data).toEqual(results['outputs']!.data);
  });

  it('computes in the dtype that was asked for', async () => {
    const { outputs } = await encodeAll(
      'wide',
      [folder.at('model'), folder.at('tokens.npy'), '--dtype', 'float64'],
      ['outputs'],
    );
    expect(outputs!.data).toBeInstanceOf(Float64Array);
    expectClose(outputs!, expected(tokens.rows, fitted('model'), segments)['outputs']!, 1e-11);
  });

  it('--json says what was written', async () => {
    const args = [
      'encode',
      folder.at('model'),
      folder.at('tokens.npy'),
      '--outputs',
      'codes',
      '--out',
      folder.at('json.npy'),
      '--json',
    ];
    const summary = JSON.parse(await succeed(args)) as object;
    expect(summary).toEqual({
      outputs: 'codes',
      shape: [80],
      dtype: 'int32',
      temperature: 60,
      backend: 'cpu',
      out: folder.at('json.npy'),
      seconds: expect.any(Number) as number,
    });
  });
});
