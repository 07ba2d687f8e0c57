import { existsSync, readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { readSafetensors, writeSafetensors } from '@ddcl/core/safetensors';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../data/fixtures.ts';
import { clusters, csv, ddcl, ddclInTurn, npy, succeed, testFolder } from './support.ts';

const folder = testFolder();
const tokens = clusters(90, 3, 3);
folder.write('tokens.npy', npy([90, 3], 'float32', tokens.flat));
folder.write('tokens.csv', csv(tokens, { labels: true }));

interface Measures {
  readonly [key: string]: unknown;
  readonly tokens: number;
  readonly dimension: number;
  readonly prototypes: number;
  readonly temperature: number;
  readonly criticalTemperature: number;
  readonly totalVariance: number;
  readonly explainedVariance: number;
  readonly loss: { lq: number; lols: number; v: number; hard: number; defect: number };
  readonly separation: { mean: number; min: number };
  readonly entropy: number;
  readonly used: number;
  readonly distinct: number;
  readonly perplexity: number;
  readonly stability: { lambdaMin: number; lambdaMax: number; maxLearningRate: number };
  readonly labels?: { acc: number; nmi: number; ari: number };
  readonly seconds: number;
  readonly phases?: Readonly<Record<string, number>>;
}

const phaseKeys = ['phases.statistics', 'phases.fit', 'phases.measure', 'phases.stability'];

/** What two runs have in common. */
const timeless = ({ seconds: _seconds, phases: _phases, ...rest }: Measures): object => rest;

interface Config {
  readonly data: { columns: string[] | null; tensor: string | null; tokens: number };
  readonly preprocessing: { standardize: { mean: number[]; deviation: number[] } | null; normalize: boolean };
  readonly fit: Record<string, unknown>;
  readonly measures: Record<string, unknown>;
}

interface Line extends Measures {
  readonly restart: number;
  readonly step: number;
  readonly epoch: number;
  readonly learningRate: number;
}

const history = (name: string): Line[] => {
  const text = folder.read(`${name}/history.jsonl`).toString();
  expect(text.endsWith('\n')).toBe(true);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
};

const table = folder.at('tokens.csv');
const quick = ['--prototypes', '3', '--epochs', '40'];
const quickFit = [folder.at('tokens.npy'), ...quick];

const plain = csv(tokens);
const [head, ...lines] = plain.trimEnd().split('\n');
const objects = tokens.rows.map(([a, b, c]) => JSON.stringify({ c0: a, c1: b, c2: c }));
/** The same numbers in every format. */
const formats: Readonly<Record<string, string | Uint8Array>> = {
  'same-f8.npy': npy([90, 3], 'float64', tokens.flat),
  'same.csv': plain,
  'same.tsv.gz': gzipSync(csv(tokens, { separator: '\t' })),
  'same.jsonl': `${objects.join('\n')}\n`,
  'arrays.jsonl.gz': gzipSync(tokens.rows.map((row) => JSON.stringify(row)).join('\n')),
  'same.safetensors': writeSafetensors(
    new Map([['tokens', { dtype: 'F64', shape: [90, 3], data: Float64Array.from(tokens.flat) }]]),
  ),
};
const classes = ['--prototypes', '2', '--epochs', '40', '--labels', 'class'];

/** Arguments of the fits of this file, each into a folder of its name. */
const commands: Readonly<Record<string, readonly string[]>> = {
  base: quickFit,
  again: quickFit,
  anneal: [...quickFit, '--anneal'],
  'no-anneal': [...quickFit, '--no-anneal'],
  seed: [...quickFit, '--seed', '1'],
  rate: [...quickFit, '--learning-rate', '0.02'],
  batch: [...quickFit, '--batch', '30'],
  temperature: [...quickFit, '--temperature', '2'],
  share: [...quickFit, '--temperature', '0.01TC'],
  double: [...quickFit, '--dtype', 'float64'],
  restarts: [...quickFit, '--restarts', '3'],
  labels: [...quickFit, '--labels', folder.at('labels.txt')],
  table: [table, ...quick, '--columns', 'c2,c0', '--labels', 'kind', '--standardize'],
  prepared: [table, ...quick, '--columns', 'c2,c0', '--standardize', '--normalize'],
  parquet: [folder.at('small.parquet'), ...classes],
  text: [folder.at('small.csv'), ...classes],
  'of-two': [folder.at('first.csv'), folder.at('second.csv'), ...quick],
  ...Object.fromEntries(Object.keys(formats).map((name) => [`of-${name}`, [folder.at(name), ...quick]])),
};
let fitted: Readonly<Record<string, Measures>> = {};

beforeAll(async () => {
  for (const [name, content] of Object.entries(formats)) folder.write(name, content);
  folder.write('first.csv', [head, ...lines.slice(0, 40)].join('\n'));
  folder.write('second.csv', [head, ...lines.slice(40)].join('\n'));
  folder.write('small.parquet', fixture('pq_snappy'));
  folder.write('small.csv', 'x,n,y,class\n1.5,1,.5,a\n-2,2,.25,b\n.25,-3,.125,a\n3,4,8,c\n');
  folder.write('labels.txt', `${tokens.classes.join('\n')}\n`);
  const list = Object.entries(commands).map(([name, args]) => ['fit', ...args, '--json', '--out', folder.at(name)]);
  const ended = await ddclInTurn(list);
  const measures = Object.keys(commands).map((name, index) => {
    const { status, stdout, stderr } = ended[index]!;
    expect({ name, status, stderr }).toEqual({ name, status: 0, stderr: '' });
    return [name, JSON.parse(stdout) as Measures] as const;
  });
  fitted = Object.fromEntries(measures);
});

const model = (name: string): Buffer => folder.read(`${name}/model.safetensors`);

/** Keys of an object and of those in it, in their order. */
function keysOf(value: object): string[] {
  return Object.entries(value).flatMap(([key, entry]: [string, unknown]) =>
    typeof entry === 'object' && entry !== null ? Object.keys(entry).map((inner) => `${key}.${inner}`) : [key],
  );
}

const measureKeys = [
  'backend',
  'tokens',
  'dimension',
  'prototypes',
  'temperature',
  'criticalTemperature',
  'totalVariance',
  'explainedVariance',
  'loss.lq',
  'loss.lols',
  'loss.v',
  'loss.hard',
  'loss.defect',
  'separation.mean',
  'separation.min',
  'entropy',
  'used',
  'distinct',
  'perplexity',
  'stability.tokens',
  'stability.sampled',
  'stability.lambdaMin',
  'stability.lambdaMax',
  'stability.maxLearningRate',
  'stability.curvature',
  'stability.decrease',
  'stability.iterations',
  'stability.converged',
  'stability.weakest',
];
const labelKeys = ['labels.acc', 'labels.nmi', 'labels.ari'];

function checkMeasures(measures: Measures): void {
  const { loss, stability } = measures;
  expect(loss.defect).toBeCloseTo(Math.abs(loss.lq - loss.lols - loss.v) / loss.lq, 12);
  expect(loss.defect).toBeLessThanOrEqual(1e-5);
  expect(loss.v).toBeGreaterThanOrEqual(0);
  expect(loss.hard).toBeLessThanOrEqual(loss.lq);
  expect(measures.explainedVariance).toBeCloseTo(1 - loss.hard / measures.totalVariance, 12);
  expect(measures.explainedVariance).toBeGreaterThan(0);
  expect(measures.separation.min).toBeLessThanOrEqual(measures.separation.mean);
  expect(measures.used).toBeGreaterThan(0);
  expect(measures.used).toBeLessThanOrEqual(1);
  expect(measures.distinct).toBeLessThanOrEqual(measures.prototypes);
  expect(measures.perplexity).toBeGreaterThanOrEqual(1);
  expect(measures.perplexity).toBeLessThanOrEqual(measures.prototypes + 1e-9);
  expect(measures.entropy).toBeLessThanOrEqual(Math.log(measures.prototypes));
  expect(stability.maxLearningRate).toBeCloseTo(2 / stability.lambdaMax, 10);
  expect(stability.lambdaMin).toBeLessThanOrEqual(stability.lambdaMax);
  expect(measures.seconds).toBeGreaterThan(0);
}

describe('ddcl fit --json', () => {
  it('prints one object with the keys of the documentation and nothing else', async () => {
    const plain = JSON.parse(await succeed(['fit', ...quickFit, '--json', '--out', folder.at('json')])) as Measures;
    expect(keysOf(plain)).toEqual([...measureKeys, 'seconds', ...phaseKeys]);
    for (const spent of Object.values(plain.phases!)) expect(spent).toBeGreaterThan(0);
    checkMeasures(plain);
    expect(plain).toMatchObject({ backend: 'cpu', tokens: 90, dimension: 3, prototypes: 3, used: 1, distinct: 3 });

    const args = ['fit', table, ...quick, '--columns', 'c0,c1,c2', '--labels', 'kind', '--json'];
    const labelled = JSON.parse(await succeed([...args, '--out', folder.at('json-labels')])) as Measures;
    expect(keysOf(labelled)).toEqual([...measureKeys, ...labelKeys, 'seconds', ...phaseKeys]);
    // Clusters that lie this far apart are found whole.
    expect(labelled.labels).toEqual({ acc: 1, nmi: 1, ari: 1 });
    expect({ ...timeless(labelled), labels: undefined }).toEqual({ ...timeless(plain), labels: undefined });
  });

  it('is reproduced by measure of the model', async () => {
    const stdout = await succeed(['measure', table, '--labels', 'kind', '--prototypes', folder.at('table'), '--json']);
    const measured = JSON.parse(stdout) as Measures;
    expect(keysOf(measured)).toEqual([...measureKeys, ...labelKeys, 'seconds']);
    checkMeasures(measured);
    expect(timeless(measured)).toEqual(timeless(fitted['table']!));
  });
});

describe('ddcl fit without --json', () => {
  it('prints the quantities and the classes, and says where the report is', async () => {
    const stdout = await succeed(['fit', table, ...quick, '--labels', 'kind', '--out', folder.at('plain')]);
    for (const text of ['loss L_q', '90 of dimension 3', 'ACC 1.0000', 'class 2', folder.at('plain'), 'report.html']) {
      expect(stdout).toContain(text);
    }
  });
});

describe('data formats', () => {
  it('give the same model for the same numbers', () => {
    const names = Object.keys(commands).filter((name) => name.startsWith('of-'));
    expect(names.length).toBe(7);
    for (const name of names) expect(model(name).equals(model('base')), name).toBe(true);
  });

  it('read .parquet as .csv', () => {
    expect(model('parquet').equals(model('text'))).toBe(true);
    expect(timeless(fitted['parquet']!)).toEqual(timeless(fitted['text']!));
  });
});

describe('the model folder', () => {
  it('has the documented files alone, and a history with every quantity on each line', () => {
    const measures = fitted['base']!;
    const names = ['config.json', 'history.jsonl', 'model.safetensors', 'report.html'];
    expect(readdirSync(folder.at('base')).sort()).toEqual(names);
    const records = history('base');
    const keys = ['restart', 'step', 'epoch', 'temperature', 'learningRate', ...measureKeys.slice(8, 19)];
    for (const line of records) {
      expect(keysOf(line).sort()).toEqual(keys.sort());
      expect(JSON.stringify(line)).not.toContain('null');
    }
    // 40 steps in about 12 records.
    expect(records.map(({ step }) => step)).toEqual([
      1,
      ...Array.from({ length: 13 }, (_, index) => 3 * index + 3),
      40,
    ]);
    expect(records[0]!.temperature).toBeCloseTo(0.9 * measures.criticalTemperature, 6);
    expect(records.at(-1)!.temperature).toBeCloseTo(measures.temperature, 10);
    // 90 tokens are all in the sample on which the history is measured.
    expect(records.at(-1)!.loss.lq).toBeCloseTo(measures.loss.lq, 5);
  });

  it('has a report that needs nothing else', () => {
    const report = folder.read('table/report.html').toString();
    expect(report).toMatch(/^<!doctype html>/i);
    expect(report).toContain('<svg');
    expect(report).toContain('class 2');
    expect(report).not.toMatch(
      /<(link|iframe|object|embed)\b|<script[^>]*\bsrc|<img[^>]*\bsrc="(?!data:)|@import|url\((?!['"]?(#|data:))/i,
    );
  });

  it('records columns, standardization and normalization', () => {
    const { data: source, preprocessing } = folder.json('prepared/config.json') as Config;
    expect(source).toMatchObject({ columns: ['c2', 'c0'], tensor: null, tokens: 90 });
    expect(preprocessing.normalize).toBe(true);
    for (const [place, column] of [2, 0].entries()) {
      const values = tokens.rows.map((row) => row[column]!);
      const mean = values.reduce((sum, value) => sum + value, 0) / 90;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 90;
      expect(preprocessing.standardize!.mean[place]).toBeCloseTo(mean, 10);
      expect(preprocessing.standardize!.deviation[place]).toBeCloseTo(Math.sqrt(variance), 10);
    }
    const bare = folder.json('base/config.json') as Config;
    expect(bare.preprocessing).toEqual({ standardize: null, normalize: false });
    expect(bare.data.columns).toBeNull();
  });
});

describe('options of fit', () => {
  it('take effect and are recorded', () => {
    const same = (a: string, b: string): boolean => model(a).equals(model(b));
    const config = (name: string): Config['fit'] => (folder.json(`${name}/config.json`) as Config).fit;
    expect(same('base', 'again')).toBe(true);
    expect(same('base', 'anneal')).toBe(true);
    expect(folder.read('base/history.jsonl').equals(folder.read('again/history.jsonl'))).toBe(true);
    for (const name of ['no-anneal', 'seed', 'rate', 'batch', 'temperature', 'double'])
      expect(same('base', name), name).toBe(false);

    expect(config('base')).toMatchObject({
      prototypes: 3,
      temperature: 'auto',
      anneal: true,
      epochs: 40,
      batch: 1024,
      'learning rate': 0.3,
      restarts: 1,
      dtype: 'float32',
      seed: 0,
      backend: 'cpu',
      steps: 40,
    });
    expect(config('seed')).toMatchObject({ seed: 1 });

    const temperatures = new Set(history('no-anneal').map(({ temperature }) => temperature));
    expect([...temperatures]).toEqual([fitted['no-anneal']!.temperature]);
    expect(config('no-anneal')).toMatchObject({ anneal: false });

    expect(history('rate')[0]!.learningRate).toBe(0.02);
    expect(config('rate')).toMatchObject({ 'learning rate': 0.02 });

    expect(history('batch').at(-1)).toMatchObject({ step: 120, epoch: 40 });
    expect(config('batch')).toMatchObject({ batch: 30, steps: 120 });

    expect(fitted['temperature']!.temperature).toBe(2);
    expect(config('temperature')).toMatchObject({ temperature: 2, 'final temperature': 2 });
    const { temperature, criticalTemperature } = fitted['share']!;
    expect(temperature).toBe(0.01 * criticalTemperature);
    expect(config('share')).toMatchObject({ temperature: '0.01tc', 'final temperature': temperature });
    expect((folder.json('share/config.json') as { identity: object }).identity).toMatchObject({
      temperature: '0.01 of T_c',
    });

    expect(readSafetensors(model('double')).tensors.get('prototypes')!.dtype).toBe('F64');
    expect(readSafetensors(model('base')).tensors.get('prototypes')!.dtype).toBe('F32');
    expect(fitted['double']!.loss.defect).toBeLessThanOrEqual(1e-12);
    expect(fitted['double']!.loss.hard).toBeCloseTo(fitted['base']!.loss.hard, 4);

    expect([...new Set(history('restarts').map(({ restart }) => restart))]).toEqual([0, 1, 2]);
    expect(fitted['restarts']!.loss.hard).toBeLessThanOrEqual(fitted['base']!.loss.hard);
    expect(config('restarts')).toMatchObject({ restarts: 3 });

    expect(fitted['labels']!.labels).toEqual({ acc: 1, nmi: 1, ari: 1 });
    expect(same('base', 'labels')).toBe(true);
  });

  it('has a way out where the whole is too hot: T, T_c and the remedy in the text', async () => {
    const criticalTemperature = Number((folder.json('base/config.json') as Config).measures['criticalTemperature']);
    const hot = String(1.01 * criticalTemperature);
    const { status, stderr } = await ddcl(['fit', ...quickFit, '--temperature', hot, '--out', folder.at('hot')]);
    const short = (value: number): string => Number(value.toPrecision(4)).toString();
    expect(status).toBe(2);
    expect(stderr).toContain(`T = ${short(Number(hot))}`);
    expect(stderr).toContain(`T_c = ${short(criticalTemperature)}`);
    expect(stderr).toContain("Use 'auto'");
    expect(existsSync(folder.at('hot'))).toBe(false);
  });
});
