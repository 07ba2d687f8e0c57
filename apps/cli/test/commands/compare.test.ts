import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { ddcl, testFolder } from './support.ts';
import { requireRefusals, reviews, runAll, runJson, writeEncoder } from './text-support.ts';

const folder = testFolder();
let encoder = '';

interface Row {
  readonly readout: string;
  readonly prototypes: number | null;
  readonly vectors: number | null;
  readonly numbers: number;
  readonly seeds: number;
  readonly accuracy: { readonly mean: number; readonly low: number; readonly high: number } | null;
  readonly validationAccuracy: number | null;
  readonly clustering: { readonly accuracy: number } | null;
  readonly retrieval: { readonly ndcg10: number; readonly ndcg10Spread: number } | null;
  readonly forms?: readonly object[];
}

interface Advice {
  readonly task: string;
  readonly measure: string;
  readonly readout: string;
  readonly mean: number;
  readonly best: number;
  readonly numbers: number;
}

interface Compared {
  readonly classes: readonly string[];
  readonly rows: readonly Row[];
  readonly backend: string;
  readonly advice: readonly Advice[];
}

const small = ['--steps', '40', '--vectors', '2,3', '--queries', '10'];
const common = ['--labels', 'topic', '--prototypes', '3', ...small];
const data = (name: string): string => folder.at(`${name}.jsonl`);

beforeAll(async () => {
  encoder = await writeEncoder(folder);
  const lines = reviews(140).trim().split('\n');
  folder.write('train.jsonl', `${lines.slice(0, 100).join('\n')}\n`);
  folder.write('test.jsonl', `${lines.slice(100).join('\n')}\n`);
});

describe('ddcl compare', () => {
  it('scores all readouts on all measures, and is the same from text and from token shards', async () => {
    const from = ['--train', data('train'), '--test', data('test'), '--encoder', encoder];
    const [text] = await runAll<Compared>([
      ['compare', ...from, ...common, '--seeds', '2', '--trained', '3'],
      ['encode-tokens', '--text', data('train'), '--labels', 'topic', '--encoder', encoder, '--out', folder.at('a')],
      ['encode-tokens', '--text', data('test'), '--labels', 'topic', '--encoder', encoder, '--out', folder.at('b')],
    ]);
    const { classes, rows, advice, backend, stderr } = text!;
    expect(backend).toBe('ort cpu');
    expect(stderr).toMatch(/train: 100 documents, \d+ tokens \(0 cut to 64, 1 empty\)/);
    expect(classes).toEqual(['art', 'nature']);
    const names = rows.map(({ readout, vectors }) => (vectors === null ? readout : `${readout} ${vectors}`));
    expect(names).toEqual([
      'mean',
      'CLS',
      'max',
      'last token',
      'weighted mean',
      'k-means occupancy',
      'pooled',
      'occupancy',
      'mean + occupancy',
      'residuals',
      'binary residuals',
      'mean + residuals',
      'residuals, trained',
      'attention, trained',
      'prototype summaries 2',
      'prototype summaries 3',
      'Ward pooling 2',
      'Ward pooling 3',
    ]);
    for (const row of rows) {
      expect(row.seeds, row.readout).toBe(2);
      if (row.accuracy !== null) {
        // The topic is in the words, so a random encoder's tokens tell it.
        expect(row.accuracy.mean, row.readout).toBeGreaterThan(0.55);
        expect(row.accuracy.low).toBeLessThan(row.accuracy.mean);
        expect(row.accuracy.high).toBeGreaterThan(row.accuracy.mean);
      }
      if (row.retrieval !== null) expect(row.retrieval.ndcg10, row.readout).toBeGreaterThan(0.4);
      expect(row.accuracy === null, row.readout).toBe(row.vectors !== null);
      // One form a seed, for all numbers of vectors.
      const isSummary = row.readout === 'prototype summaries';
      expect(row.forms?.length, row.readout).toBe(isSummary ? 2 : undefined);
      if (isSummary) expect(row.forms).toEqual(rows.find(({ readout }) => readout === row.readout)!.forms);
      for (const form of row.forms ?? [])
        expect(Object.keys(form)).toEqual(['withMean', 'shrinkage', 'occupancyPower']);
      expect(row.clustering === null, row.readout).toBe(row.vectors !== null || row.readout.includes('trained'));
    }
    expect(rows.find(({ readout }) => readout === 'binary residuals')!.numbers).toBe(3);
    expect(rows.find(({ readout }) => readout === 'residuals')!.numbers).toBe(96);
    expect(advice.map(({ task, measure }) => [task, measure])).toEqual([
      ['probe', 'validation accuracy'],
      ['clustering', 'NMI'],
      ['retrieval', 'nDCG@10'],
    ]);
    const validations = rows.flatMap(({ validationAccuracy }) => validationAccuracy ?? []);
    expect(advice[0]!.best).toBeCloseTo(Math.max(...validations), 12);
    expect(advice[2]!.best).toBeCloseTo(Math.max(...rows.map(({ retrieval }) => retrieval?.ndcg10 ?? 0)), 12);

    const shards = ['--train', folder.at('a'), '--test', folder.at('b'), '--out', folder.at('table.md')];
    const again = await runJson<Compared>(['compare', ...shards, ...common, '--seeds', '2', '--measures', 'probe']);
    for (const row of again.rows) {
      expect([row.clustering, row.retrieval]).toEqual([null, null]);
      const same = rows.find(({ readout, vectors }) => readout === row.readout && vectors === null)!;
      expect(row.accuracy, row.readout).toEqual(same.accuracy);
    }
    expect(readFileSync(folder.at('table.md'), 'utf8')).toMatch(/^\| readout +\| +K \|.*\n\| -+ \|/);
  });

  it('goes on from --resume, and refuses rows of other settings', async () => {
    const args = ['--train', folder.at('a'), '--test', folder.at('b'), '--prototypes', '3', '--measures', 'probe'];
    const kept = ['--steps', '20', '--resume', folder.at('rows.jsonl')];
    const without = (rows: readonly Row[]): unknown[] =>
      rows.map((row) => ({ ...row, microsecondsPerDocument: undefined }));
    const [whole, one, two] = await runAll<Compared>([
      ['compare', ...args, '--steps', '20', '--seeds', '2'],
      ['compare', ...args, ...kept],
      ['compare', ...args, ...kept, '--seeds', '2'],
    ]);
    expect(one!.rows.map(({ seeds }) => seeds)).toEqual(whole!.rows.map(() => 1));
    expect(without(two!.rows)).toEqual(without(whole!.rows));
    const other = ['compare', ...args, '--steps', '30', '--resume', folder.at('rows.jsonl')];
    await requireRefusals([[other, /of a comparison with other steps\. Give --resume a new file/]]);
    const first = await runJson<Compared>(['compare', ...args, ...kept]);
    expect(first.rows).toEqual(one!.rows);
  });

  it('prints a table, and which readout to take for each task', async () => {
    const args = ['--train', folder.at('a'), '--test', folder.at('b'), '--prototypes', '3', '--steps', '20'];
    const { status, stdout } = await ddcl(['compare', ...args, '--no-vectors', '--measures', 'probe']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/\| mean +\| .* 32 \| +\d+\.\d \(\d+\.\d to \d+\.\d\)/);
    expect(stdout).toMatch(
      /\n\nfor probe: .* \(\d+ numbers\): validation accuracy \d\.\d{3} ± 0\.000, spread unknown: --seeds 5 tells it(; .*)?\n$/,
    );
    expect(stdout).not.toContain('nDCG');
  });

  it('draws fewer documents of train for each seed, and makes the rows that are named', async () => {
    const args = [
      '--train',
      folder.at('a'),
      '--test',
      folder.at('b'),
      '--prototypes',
      '3',
      '--steps',
      '20',
      '--no-vectors',
    ];
    const named = ['--readouts', 'mean,residuals', '--measures', 'retrieval', '--seeds', '2'];
    const [few, all] = await runAll<Compared>([
      ['compare', ...args, ...named, '--train-documents', '12'],
      ['compare', ...args, ...named, '--train-documents', '1000'],
    ]);
    for (const { rows } of [few!, all!]) expect(rows.map(({ readout }) => readout)).toEqual(['mean', 'residuals']);
    // Mean vectors depend on no seed, but on which documents are searched.
    const [spread, none] = [few!, all!].map(({ rows }) => rows[0]!.retrieval!.ndcg10Spread);
    expect(spread).toBeGreaterThan(0);
    expect(none).toBe(0);
  });

  it('refuses bad input in one line', async () => {
    folder.write('other.jsonl', '{"text":"river","topic":"sport"}\n{"text":"stone","topic":"art"}\n');
    folder.write('one.jsonl', '{"text":"river","topic":"art"}\n{"text":"stone","topic":"art"}\n');
    folder.write('latin.jsonl', Buffer.from('{"text":"caf\xe9","topic":"art"}\n', 'latin1'));
    const [train, test] = [data('train'), data('test')];
    const text = (a: string, b: string, ...more: string[]): string[] => ['compare', '--train', a, '--test', b, ...more];
    await requireRefusals([
      [text(train, test, '--encoder', encoder), /--train needs labels.*--labels/],
      [text(train, test, '--labels', 'topic'), /Text needs an encoder.*--encoder/],
      [text(train, test, '--labels', 'topics', '--encoder', encoder), /no field "topics"; did you mean "topic"/],
      [
        text(train, data('other'), '--labels', 'topic', '--encoder', encoder),
        /--test has labels that --train lacks: sport/,
      ],
      [
        text(data('one'), test, '--labels', 'topic', '--encoder', encoder),
        /All documents of --train have the label 'art'/,
      ],
      [text(data('latin'), test, '--labels', 'topic', '--encoder', encoder), /latin\.jsonl.*not UTF-8/],
      [text(train, test, '--prototypes', '3', '--trained', '4'), /--trained 4 is not among --prototypes 3/],
      [text(train, test, '--measures', 'speed'), /Expected some of probe, clustering, retrieval/],
      [text(train, test, '--temperatures', '2'), /shares between 0 and 1/],
    ]);
  });
});
