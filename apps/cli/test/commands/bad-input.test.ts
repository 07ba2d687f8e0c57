import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeSafetensors } from '@ddcl/core/safetensors';
import { beforeAll, describe, expect, it } from 'vitest';
import { fixture } from '../data/fixtures.ts';
import { clusters, csv, ddclInTurn, ddclProcess, npy, succeed, testFolder } from './support.ts';

const folder = testFolder();
const tokens = clusters(60, 3, 3);
const out = folder.at('new/deep/model');

/** Arguments, and the texts that the one line on stderr holds: what is wrong, and what to do. */
type Case = readonly [name: string, args: readonly string[], ...texts: readonly string[]];

const fit = (...rest: string[]): string[] => ['fit', ...rest, '--out', out];
const fitTokens = (...rest: string[]): string[] => fit(folder.at('tokens.npy'), '--prototypes', '3', ...rest);
const fitFile = (name: string, ...rest: string[]): string[] => fit(folder.at(name), '--prototypes', '2', ...rest);
const measure = (...rest: string[]): string[] => ['measure', folder.at('tokens.npy'), ...rest];
const measureAt = (prototypes: string, ...rest: string[]): string[] =>
  measure('--prototypes', folder.at(prototypes), ...rest);
const encode = (model: string, data: string, ...rest: string[]): string[] => [
  'encode',
  folder.at(model),
  folder.at(data),
  '--out',
  folder.at('new.npy'),
  ...rest,
];

beforeAll(async () => {
  const whole = npy([60, 3], 'float32', tokens.flat);
  folder.write('tokens.npy', whole);
  folder.write('short.npy', whole.subarray(0, whole.length - 5));
  folder.write('object.npy', fixture('npy_object'));
  folder.write('flat.npy', npy([180], 'float32', tokens.flat));
  folder.write('nan.npy', npy([2, 2], 'float32', [1, 2, NaN, 4]));
  folder.write('beyond.npy', npy([2, 2], 'float64', [1, 2, 3.5e38, 4]));
  folder.write('beyond.csv', 'a,b\n1,2\n3,-3.5e38\n');
  folder.write('infinite.npy', npy([2, 2], 'float64', [1, 2, 3, -Infinity]));
  folder.write(
    'same.npy',
    npy(
      [40, 2],
      'float32',
      Array.from({ length: 80 }, (_, index) => (index % 4) - (index % 2)),
    ),
  );
  folder.write('wide.npy', npy([30, 6], 'float32', tokens.flat));
  folder.write('empty.csv', '');
  folder.write('header.csv', 'a,b\n');
  folder.write('ragged.csv', 'a,b\n1,2\n3\n5,6\n');
  folder.write('text.csv', 'a,b\n1,2\n3,four\n');
  folder.write('nan.csv', 'a,b\n1,2\n3,NaN\n');
  folder.write('infinity.csv', 'a,b\n1,2\n-inf,4\n');
  folder.write('missing.csv', 'a,b\n1,2\n3,\n');
  folder.write('tokens.csv', csv(tokens));
  folder.write('labels.txt', 'x\ny\n');
  folder.write('bad.jsonl', '{"a":1,"b":2}\n{"a":3\n');
  folder.write('short.parquet', fixture('pq_snappy').subarray(0, 300));
  const tensors = new Map([
    ['tokens', { dtype: 'F32' as const, shape: [60, 3], data: Float32Array.from(tokens.flat) }],
  ]);
  const safetensors = writeSafetensors(tensors);
  folder.write('tokens.safetensors', safetensors);
  folder.write('short.safetensors', safetensors.subarray(0, safetensors.length - 8));
  folder.write('tokens.xyz', 'whatever');
  folder.write('full/precious.txt', 'not to be lost');
  folder.write('prototypes.npy', npy([2, 3], 'float32', [0, 0, 0, 1, 1, 1]));
  folder.write('weights.npy', npy([59], 'float32', Array<number>(59).fill(1)));
  folder.write(
    'negative.npy',
    npy(
      [60],
      'float32',
      Array.from({ length: 60 }, (_, index) => 1 - (index % 3)),
    ),
  );
  folder.write('nothing.npy', npy([60], 'float32', Array<number>(60).fill(0)));
  folder.write('segments.npy', npy([59], 'int32', Array<number>(59).fill(0)));
  folder.write(
    'halves.npy',
    npy(
      [60],
      'float32',
      Array.from({ length: 60 }, (_, index) => index / 2),
    ),
  );
  folder.write('below.npy', npy([60], 'int32', Array<number>(60).fill(-1)));

  await succeed(['fit', folder.at('tokens.csv'), '--prototypes', '3', '--epochs', '20', '--out', folder.at('model')]);
  const copy = (name: string, change: (name: string, bytes: Buffer) => Buffer | string | undefined): void => {
    for (const file of readdirSync(folder.at('model'))) {
      const changed = change(file, folder.read(`model/${file}`));
      if (changed !== undefined) folder.write(`${name}/${file}`, changed);
    }
  };
  copy('later', (name, bytes) =>
    name === 'config.json' ? bytes.toString().replace('"formatVersion": 1', '"formatVersion": 9') : bytes,
  );
  copy('later-file', (name, bytes) =>
    name === 'model.safetensors'
      ? Buffer.from(bytes.toString('latin1').replace('"formatVersion":"1"', '"formatVersion":"9"'), 'latin1')
      : bytes,
  );
  copy('no-model', (name, bytes) => (name === 'model.safetensors' ? undefined : bytes));
  copy('interrupted', (name, bytes) => (name === 'model.safetensors' ? undefined : bytes));
  folder.write('interrupted/checkpoint.safetensors', 'a checkpoint');
  copy('no-config', (name, bytes) => (name === 'config.json' ? undefined : bytes));
  copy('cut', (name, bytes) => (name === 'model.safetensors' ? bytes.subarray(0, 200) : bytes));
  copy('no-json', (name, bytes) => (name === 'config.json' ? '{' : bytes));
  copy('null', (name, bytes) => (name === 'config.json' ? 'null' : bytes));
  copy('hollow', (name, bytes) => (name === 'config.json' ? '{"format":"ddcl.config","formatVersion":1}' : bytes));
});

const cases: readonly Case[] = [
  ['empty file', fitFile('empty.csv'), 'empty.csv', 'empty', 'Write it again'],
  ['header alone', fitFile('header.csv'), 'header.csv', 'Write it again'],
  ['ragged CSV', fitFile('ragged.csv'), 'line 3', '1 cell', '2'],
  ['cell that is no number', fitFile('text.csv'), 'line 3', 'column "b"', '"four"', '--columns a'],
  ['NaN', fitFile('nan.csv'), 'line 3', 'column "b"', 'NaN', 'Repair the cell'],
  ['infinity', fitFile('infinity.csv'), 'line 3', 'column "a"', '-inf', 'Repair the cell'],
  ['empty cell', fitFile('missing.csv'), 'line 3', 'column "b"', 'empty cell', 'Repair the cell'],
  ['NaN in .npy', fitFile('nan.npy'), 'row 1, column 0', 'NaN', 'Remove or repair the row'],
  [
    'numbers beyond float32',
    fitFile('beyond.npy'),
    'beyond.npy: row 1, column 0 (counted from 0) is 3.5e+38, too large for float32. Use --dtype float64 or scale the data.',
  ],
  [
    'cells beyond float32',
    fitFile('beyond.csv'),
    'beyond.csv: line 3, column "b"',
    '-3.5e+38 is too large for float32; scale it or use --dtype float64',
  ],
  ['infinity in .npy', fitFile('infinite.npy'), 'row 1, column 1', '-Infinity', 'Remove or repair the row'],
  ['malformed JSON', fitFile('bad.jsonl'), 'line 2', 'JSON'],
  ['K above the distinct tokens', fitFile('same.npy', '--prototypes', '5'), 'distinct tokens', 'at most 2'],
  ['temperature 0', fitTokens('--temperature', '0'), 'must be > 0', "Use 'auto'", 'T_c ='],
  ['negative temperature', fitTokens('--temperature=-1'), 'must be > 0', "Use 'auto'"],
  ['temperature at or above T_c', fitTokens('--temperature', '1e6'), 'T = 1000000', 'T_c =', "Use 'auto'"],
  [
    'temperature that is no number',
    fitTokens('--temperature', 'warm'),
    'warm',
    "Expected 'auto', a number, or a share",
    'ddcl fit --help',
  ],
  ['temperature at T_c', fitTokens('--temperature', '1tc'), '1tc', 'must be > 0 and < 1', 'collapse'],
  ['temperature of no T_c', fitTokens('--temperature', '0tc'), '0tc', 'must be > 0 and < 1', 'such as 0.03tc'],
  ['share without a number', measureAt('prototypes.npy', '--temperature', 'tc'), 'tc', 'such as 0.03tc'],
  ['share above 1 to measure at', measureAt('prototypes.npy', '--temperature', '1.2Tc'), '1.2Tc', 'collapse'],
  [
    'missing column',
    fit(folder.at('tokens.csv'), '--prototypes', '2', '--columns', 'c0,d1'),
    '"d1"',
    'Its columns: "c0", "c1", "c2"',
  ],
  ['column twice', fit(folder.at('tokens.csv'), '--prototypes', '2', '--columns', 'c0,c0'), 'twice', 'once'],
  ['columns of .npy', fitTokens('--columns', 'a'), 'Leave --columns out'],
  ['missing tensor', fitFile('tokens.safetensors', '--tensor', 'other'), '"other"', 'tokens'],
  ['tensor of .npy', fitTokens('--tensor', 'tokens'), '--tensor', 'Leave it out'],
  [
    'missing labels',
    fit(folder.at('tokens.csv'), '--prototypes', '2', '--labels', 'sort'),
    '"sort"',
    'neither a column of the data nor a file',
  ],
  [
    'too few labels',
    fitTokens('--labels', folder.at('labels.txt')),
    '2 labels',
    '60 tokens',
    'one label for each token',
  ],
  ['truncated .npy', fitFile('short.npy'), 'cut short', 'Write it again'],
  ['truncated .parquet', fitFile('short.parquet'), 'cut short', 'Write it again'],
  ['truncated .safetensors', fitFile('short.safetensors'), 'short.safetensors', 'rite it again'],
  ['objects in .npy', fitFile('object.npy'), 'Python objects', 'astype(numpy.float32)'],
  ['1-D .npy', fitFile('flat.npy'), 'two axes', 'reshape(-1, 1)'],
  ['unknown ending', fitFile('tokens.xyz'), '.npy', 'Rename or convert it'],
  ['missing file', fitFile('nowhere.npy'), 'nowhere.npy', 'heck the path'],
  ['folder as data', fitFile('full'), 'full'],
  ['unknown backend', fitTokens('--backend', 'gpu'), "'gpu'", 'cpu', 'ddcl doctor'],
  ['provider for a backend without', fitTokens('--backend', 'cpu:cuda'), 'cpu:cuda', 'ddcl doctor'],
  ['provider that cannot start', fitTokens('--backend', 'ort:nonsense'), "'nonsense'", 'cannot start here'],
  ['dtype that the backend lacks', fitTokens('--backend', 'ort', '--dtype', 'float64'), 'no float64'],
  ['unknown flag', fitTokens('--epoch', '3'), "'--epoch'", 'Did you mean --epochs?', 'ddcl fit --help'],
  ['unknown command', ['fitt'], "'fitt'", 'Did you mean fit?', 'ddcl --help'],
  ['no data', ['fit', '--prototypes', '2', '--out', out], "'data'", 'ddcl fit --help'],
  ['no --prototypes', ['fit', folder.at('tokens.npy'), '--out', out], '--prototypes', 'ddcl fit --help'],
  ['no --out', ['fit', folder.at('tokens.npy'), '--prototypes', '2'], '--out', 'ddcl fit --help'],
  ['no value', ['fit', folder.at('tokens.npy'), '--out', out, '--prototypes'], '--prototypes', 'ddcl fit --help'],
  ['K = 0', fitTokens('--prototypes', '0'), 'whole number >= 1', 'ddcl fit --help'],
  ['K that is no number', fitTokens('--prototypes', '2.5'), 'whole number >= 1', 'ddcl fit --help'],
  ['no epoch', fitTokens('--epochs', '0'), 'whole number >= 1'],
  ['no token in a batch', fitTokens('--batch', '0'), 'whole number >= 1'],
  ['no restart', fitTokens('--restarts', '0'), 'whole number >= 1'],
  ['learning rate 0', fitTokens('--learning-rate', '0'), 'Expected a number > 0', 'ddcl fit --help'],
  ['wrong seed', fitTokens('--seed', 'x'), 'whole number >= 0'],
  ['wrong dtype', fitTokens('--dtype', 'float16'), "'float16'", 'float32, float64'],
  [
    'out folder with files',
    ['fit', folder.at('tokens.npy'), '--prototypes', '2', '--out', folder.at('full')],
    'not empty',
    'Choose another with --out',
  ],
  [
    'out folder of an interrupted fit',
    ['fit', folder.at('tokens.npy'), '--prototypes', '2', '--out', folder.at('interrupted')],
    'not empty',
    '--resume',
  ],
  [
    'out folder is a file',
    ['fit', folder.at('tokens.npy'), '--prototypes', '2', '--out', folder.at('tokens.csv')],
    'Choose another with --out',
  ],
  [
    'out folder below a file',
    ['fit', folder.at('tokens.npy'), '--prototypes', '2', '--out', folder.at('tokens.csv/model')],
    'Choose another with --out',
  ],
  [
    'out folder that cannot be made',
    ['fit', folder.at('tokens.npy'), '--prototypes', '2', '--out', '/proc/ddcl'],
    'Choose another with --out',
  ],
  [
    'damaged checkpoint',
    [
      'fit',
      folder.at('tokens.csv'),
      '--prototypes',
      '3',
      '--epochs',
      '20',
      '--resume',
      '--out',
      folder.at('interrupted'),
    ],
    'checkpoint.safetensors',
    'Remove it',
  ],
  [
    'resumed with other options',
    ['fit', folder.at('tokens.csv'), '--prototypes', '2', '--epochs', '20', '--resume', '--out', folder.at('model')],
    'prototypes was 3, is 2',
    '--out',
  ],
  [
    'prototypes in another kind of file',
    measureAt('tokens.safetensors', '--temperature', '1'),
    'takes an .npy file or a model folder',
    'numpy.save',
  ],
  ['no prototypes to measure', measure('--temperature', '1'), '--prototypes', 'ddcl measure --help'],
  ['prototypes without temperature', measureAt('prototypes.npy'), '--temperature'],
  ['temperature 0 to measure at', measureAt('prototypes.npy', '--temperature', '0'), 'must be > 0', '--temperature'],
  ['missing prototypes', measureAt('nowhere.npy', '--temperature', '1'), 'nowhere.npy', 'heck the path'],
  [
    'prototypes of another dimension',
    ['measure', folder.at('wide.npy'), '--prototypes', folder.at('prototypes.npy'), '--temperature', '1'],
    'dimension 3',
    '6',
    '--columns',
  ],
  ['prototypes that are no matrix', measureAt('flat.npy', '--temperature', '1'), '[K, m]', '[180]', 'rows'],
  ['NaN among prototypes', measureAt('nan.npy', '--temperature', '1'), 'NaN', 'Remove or repair'],
  ['the file in a model folder', measureAt('model/model.safetensors'), 'Give the folder'],
  ['standardization beside a model', measureAt('model', '--standardize'), 'Leave out --standardize'],
  ['too few weights', measureAt('model', '--weights', folder.at('weights.npy')), '[60]', '[59]', 'order of the tokens'],
  ['negative weight', measureAt('model', '--weights', folder.at('negative.npy')), '-1', 'token 2', 'Use 0'],
  ['no weight', measureAt('model', '--weights', folder.at('nothing.npy')), 'every token', '> 0'],
  ['missing weights', measureAt('model', '--weights', folder.at('nowhere.npy')), 'nowhere.npy', 'heck the path'],
  ['missing model', encode('nowhere', 'tokens.npy', '--outputs', 'codes'), 'nowhere', "'ddcl fit --out'"],
  ['file as a model', encode('tokens.csv', 'tokens.npy', '--outputs', 'codes'), 'is a file', "'ddcl fit --out'"],
  [
    'any folder as a model',
    encode('full', 'tokens.npy', '--outputs', 'codes'),
    'no model.safetensors',
    "'ddcl fit --out'",
  ],
  [
    'model folder without its model',
    encode('no-model', 'tokens.npy', '--outputs', 'codes'),
    'no model.safetensors',
    "'ddcl fit --out'",
  ],
  [
    'model folder of an interrupted fit',
    encode('interrupted', 'tokens.npy', '--outputs', 'codes'),
    'interrupted',
    '--resume',
  ],
  [
    'model folder without its config',
    encode('no-config', 'tokens.npy', '--outputs', 'codes'),
    'config.json',
    'Copy the whole folder',
  ],
  [
    'model folder of another version',
    encode('later', 'tokens.npy', '--outputs', 'codes'),
    'format version 1',
    '9',
    'fit again',
  ],
  [
    'model file of another version',
    encode('later-file', 'tokens.npy', '--outputs', 'codes'),
    'later-file/model.safetensors',
    'formatVersion is 9',
    'Fit the model again',
  ],
  [
    'truncated model',
    encode('cut', 'tokens.npy', '--outputs', 'codes'),
    'cut/model.safetensors',
    'Fit the model again',
  ],
  [
    'config that is no JSON',
    encode('no-json', 'tokens.npy', '--outputs', 'codes'),
    'config.json is not JSON',
    'Fit the model again',
  ],
  ['config that is null', encode('null', 'tokens.npy', '--outputs', 'codes'), 'config.json', 'fit again'],
  ['config without content', encode('hollow', 'tokens.npy', '--outputs', 'codes'), 'lacks', 'Fit the model again'],
  ['tokens of another dimension', encode('model', 'wide.npy', '--outputs', 'codes'), 'dimension 3', '6', 'fitted on'],
  [
    'missing columns of the model',
    encode('model', 'header.csv', '--outputs', 'codes'),
    '"c0", a column of the model',
    'Its columns: "a", "b"',
  ],
  ['no --outputs', encode('model', 'tokens.npy'), '--outputs', 'ddcl encode --help'],
  [
    'unknown --outputs',
    encode('model', 'tokens.npy', '--outputs', 'everything'),
    'everything',
    'outputs, assignments, codes, occupancy, pooled, summaries',
  ],
  [
    'segments of tokens',
    encode('model', 'tokens.npy', '--outputs', 'codes', '--segments', folder.at('segments.npy')),
    'one row per token',
    'Leave it out',
  ],
  [
    'too few segments',
    encode('model', 'tokens.npy', '--outputs', 'pooled', '--segments', folder.at('segments.npy')),
    '[59]',
    '[60]',
    'order of the tokens',
  ],
  [
    'halves as segments',
    encode('model', 'tokens.npy', '--outputs', 'pooled', '--segments', folder.at('halves.npy')),
    '0.5',
    'token 1',
    '0, 1, 2',
  ],
  [
    'negative segments',
    encode('model', 'tokens.npy', '--outputs', 'pooled', '--segments', folder.at('below.npy')),
    '-1',
    'token 0',
    '0, 1, 2',
  ],
  [
    'missing segments',
    encode('model', 'tokens.npy', '--outputs', 'pooled', '--segments', folder.at('nowhere.npy')),
    'nowhere.npy',
    'heck the path',
  ],
  [
    'another ending for encode',
    ['encode', folder.at('model'), folder.at('tokens.npy'), '--outputs', 'codes', '--out', folder.at('new.csv')],
    'end in .npy',
    '--out FILE.npy',
  ],
  [
    'encode onto its data',
    ['encode', folder.at('model'), folder.at('tokens.npy'), '--outputs', 'codes', '--out', folder.at('tokens.npy')],
    'overwritten',
    '--out FILE.npy',
  ],
  [
    'encode into a missing folder',
    ['encode', folder.at('model'), folder.at('tokens.npy'), '--outputs', 'codes', '--out', folder.at('new/codes.npy')],
    'no folder',
    'Make it',
  ],
  [
    'encode into /proc',
    ['encode', folder.at('model'), folder.at('tokens.npy'), '--outputs', 'codes', '--out', '/proc/codes.npy'],
    'cannot be written',
    'Choose a folder',
  ],
  ['inspect nothing', ['inspect', folder.at('nowhere')], 'nowhere', "'ddcl fit --out'"],
  ['demo on a model', ['demo', '--out', folder.at('model')], 'not empty', 'Choose another with --out'],
];

/** Every file below the folder with its bytes. */
function snapshot(): Record<string, string> {
  const names = readdirSync(folder.path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = names.map((entry) => `${entry.parentPath}/${entry.name}`).sort();
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path).toString('base64')]));
}

describe('bad input', () => {
  it('exits with 2, says what is wrong and what to do on one line, and writes nothing', async () => {
    const before = snapshot();
    const results = await ddclInTurn(cases.map(([, args]) => args));
    const failures = cases.flatMap(([name, , ...texts], index) => {
      const { status, stdout, stderr } = results[index]!;
      const missing = texts.filter((text) => !stderr.includes(text));
      if (status === 2 && stdout === '' && /^ddcl: [^\n]+\n$/.test(stderr) && missing.length === 0) return [];
      return [`${name}: status ${status}, missing ${JSON.stringify(missing)}\n  stdout ${stdout}\n  stderr ${stderr}`];
    });
    expect(failures.join('\n')).toBe('');
    expect(existsSync(folder.at('new'))).toBe(false);
    expect(snapshot()).toEqual(before);
  });

  it.each([fitFile('ragged.csv'), fitTokens('--epoch', '3')])('as a process: %s', async (...args) => {
    const { status, stdout, stderr } = await ddclProcess(args);
    expect(stderr).toMatch(/^ddcl: [^\n]+\n$/);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  it('ends quietly when the reader of its output goes away', async () => {
    const { status, stderr } = await ddclProcess(['fit', '--help'], { onStart: (child) => child.stdout!.destroy() });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
