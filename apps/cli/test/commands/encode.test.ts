import { readSafetensors } from '@ddcl/core/safetensors';
import { parquetReadObjects } from 'hyparquet';
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

/** Rows of a .jsonl file. */
const jsonRows = (name: string): Record<string, unknown>[] =>
  folder
    .read(name)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Rows of a .parquet file, as another program reads them. */
async function parquetRows(name: string): Promise<Record<string, unknown>[]> {
  const bytes = folder.read(name);
  return parquetReadObjects({ file: new Uint8Array(bytes).buffer as ArrayBuffer });
}

describe('ddcl encode --id', () => {
  it('puts the value of a column beside each row, codes with their distances, in the order of the data', async () => {
    const lines = csv(tokens).trimEnd().split('\n');
    const named = lines.map((line, index) => `${index === 0 ? 'name' : `"n,${index}"`},${line}`).join('\n');
    folder.write('named.csv', `${named}\n`);
    for (const ending of ['jsonl', 'parquet']) {
      await succeed([
        'encode',
        folder.at('prepared'),
        folder.at('named.csv'),
        '--id',
        'name',
        '--outputs',
        'codes',
        '--out',
        folder.at(`codes.${ending}`),
      ]);
      await succeed([
        'encode',
        folder.at('prepared'),
        folder.at('named.csv'),
        '--id',
        'name',
        '--outputs',
        'outputs',
        '--out',
        folder.at(`outputs.${ending}`),
      ]);
    }
    // Doubles, by the formulas of packages/core/README.md, from the model's file alone.
    const { tensors, metadata } = readSafetensors(folder.read('prepared/model.safetensors'));
    expect(metadata['normalize']).toBe('true');
    const [mean, deviation] = ['mean', 'deviation'].map((name) => tensors.get(name)!.data as Float64Array);
    const rows = tokens.rows.map((row) =>
      unit([row[2]!, row[0]!].map((value, axis) => (value - mean![axis]!) / deviation![axis]!)),
    );
    const model = fitted('prepared');
    const distances = rows.map((row) =>
      model.prototypes.map((prototype) => prototype.reduce((sum, p, axis) => sum + (row[axis]! - p) ** 2, 0)),
    );
    const codes = distances.map((own) => own.indexOf(Math.min(...own)));
    const written = jsonRows('codes.jsonl');
    expect(written.map(({ id }) => id)).toEqual(rows.map((_, row) => `n,${row + 1}`));
    expect(written.map((row) => row['codes'])).toEqual(codes);
    written.forEach((row, index) => {
      expect(Object.keys(row)).toEqual(['id', 'squaredDistance', 'codes']);
      expect(row['squaredDistance']).toBeCloseTo(Math.min(...distances[index]!), 10);
    });
    expect(await parquetRows('codes.parquet')).toEqual(written);
    const mixed = assignments(rows, model).map((weights) => mix(weights, model.prototypes));
    const outputs = jsonRows('outputs.jsonl');
    outputs.forEach((row, index) =>
      mixed[index]!.forEach((value, axis) => expect((row['outputs'] as number[])[axis]).toBeCloseTo(value, 5)),
    );
    expect(await parquetRows('outputs.parquet')).toEqual(outputs);
  });

  it('writes segments of several axes, and has no id for them', async () => {
    const common = [
      'encode',
      folder.at('model'),
      folder.at('tokens.npy'),
      '--segments',
      folder.at('segments.npy'),
      '--outputs',
      'residuals',
    ];
    for (const ending of ['npy', 'jsonl', 'parquet']) await succeed([...common, '--out', folder.at(`vlad.${ending}`)]);
    const { data, shape } = await readNpy(folder.at('vlad.npy'));
    expect(shape).toEqual([4, 4, 3]);
    const nested = jsonRows('vlad.jsonl').map((row) => row['residuals'] as number[][]);
    expect(nested.flat(2)).toEqual([...data]);
    expect(nested[1]).toHaveLength(4);
    const flat = (await parquetRows('vlad.parquet')).map((row) => row['residuals'] as number[]);
    expect(flat.flat()).toEqual([...data]);
    expect(flat[0]).toHaveLength(12);
  });

  it.each([
    [
      'a kind of file that it does not write',
      ['--outputs', 'codes', '--out', 'x.csv'],
      /^ddcl: .*x\.csv does not end in \.npy, \.parquet, \.jsonl, which are what this command writes\. Give another --out FILE\.npy\.\n$/,
    ],
    [
      'an id in one array',
      ['--outputs', 'codes', '--id', 'name', '--out', 'x.npy'],
      /^ddcl: .*x\.npy is one array and has no room for --id\. Give another --out FILE\.parquet or FILE\.jsonl\.\n$/,
    ],
    [
      'an id that is no column',
      ['--outputs', 'codes', '--id', 'nam', '--out', 'x.jsonl'],
      /^ddcl: .*named\.csv: --id "nam" is neither a column of the data nor a file; did you mean "name"\? Its columns: "name", "c0", "c1", "c2"\. A file has an id for each token: [^\n]*\n$/,
    ],
    [
      'an id of segments',
      ['--outputs', 'pooled', '--id', 'name', '--out', 'x.jsonl'],
      /^ddcl: --id names rows of the data, but rows of pooled are segments of them\. Leave it out\.\n$/,
    ],
    [
      'an id that is a number of the token',
      ['--outputs', 'codes', '--id', 'c0', '--columns', 'c0,c2', '--out', 'x.jsonl'],
      /^ddcl: --id c0 is among --columns, but ids are not tokens\. Leave it out there\.\n$/,
    ],
  ])('refuses %s', async (_, args, message) => {
    const own = args.map((arg) => (arg.startsWith('x.') ? folder.at(arg) : arg));
    const [ended] = await ddclInTurn([['encode', folder.at('prepared'), folder.at('named.csv'), ...own]]);
    expect(ended!.stderr).toMatch(message);
    expect(ended!.status).toBe(2);
  });
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
