import {
  documentsFromArrays,
  hierarchyFromBytes,
  hierarchyToBytes,
  mergeShards,
  partialFit,
  shardFromBytes,
} from '@ddcl/hier';
import { beforeAll, describe, expect, it } from 'vitest';
import { npy, testFolder } from './support.ts';
import { requireRefusals, reviews, runAll, runJson, writeEncoder } from './text-support.ts';

const folder = testFolder();
const count = 60;
let encoder = '';

interface Fit {
  documents: number;
  tokens: number;
  empty: number;
  badRows: number;
  levels: { level: string; items: number; v: number; defect: number; use: number }[];
}
interface Line {
  id: string;
  topic: number | null;
  entropy: number | null;
  distance: number | null;
  levels: { name: string; items: number; main: number | null }[];
}

const settings = ['--prototypes', '6,2', '--epochs', '2', '--restarts', '1'];
const linesOf = (name: string): Line[] =>
  folder
    .read(name)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

beforeAll(async () => {
  encoder = await writeEncoder(folder);
  const lines = reviews(count).trimEnd().split('\n');
  folder.write('reviews.jsonl', `${lines.join('\n')}\n`);
  folder.write('first.jsonl', `${lines.slice(0, 20).join('\n')}\n`);
  folder.write('rest.jsonl', `${lines.slice(20).join('\n')}\n`);
  folder.write(
    'broken.jsonl',
    `${lines[0]}\nnot json\n${lines[1]}\n{"id": 9, "text": 5}\n${lines.slice(2).join('\n')}\n`,
  );
});

describe('ddcl hier', () => {
  it('fits texts, encodes them in order, updates, and merges shards exactly', async () => {
    const model = folder.at('model');
    const [fit] = await runAll<Fit>([
      ['hier', 'fit', folder.at('reviews.jsonl'), '--encoder', encoder, '--drop-special', ...settings, '--out', model],
      ['hier', 'encode', model, folder.at('reviews.jsonl'), '--out', folder.at('topics.jsonl')],
      ['hier', 'encode', model, folder.at('first.jsonl'), '--out', folder.at('first-topics.jsonl')],
      ['hier', 'update', model, folder.at('first.jsonl'), '--out', folder.at('updated')],
      ['hier', 'shard', model, folder.at('first.jsonl'), '--part', '1/2', '--out', folder.at('first.safetensors')],
      ['hier', 'shard', model, folder.at('rest.jsonl'), '--part', '2/2', '--out', folder.at('rest.safetensors')],
      ['hier', 'shard', model, folder.at('reviews.jsonl'), '--out', folder.at('all.safetensors')],
      [
        'hier',
        'merge',
        model,
        folder.at('rest.safetensors'),
        folder.at('first.safetensors'),
        '--out',
        folder.at('merged'),
      ],
      ['hier', 'merge', model, folder.at('all.safetensors'), '--out', folder.at('whole')],
      ['hier', 'topics', model, folder.at('reviews.jsonl'), '--html', folder.at('page.html')],
    ]);
    expect(fit).toMatchObject({ documents: count - 1, empty: 1, badRows: 0 });
    expect(fit!.levels.map(({ level, items }) => [level, items])).toEqual([
      ['token', fit!.tokens],
      ['document', count - 1],
    ]);
    const lines = linesOf('topics.jsonl');
    expect(lines.map(({ id }) => id)).toEqual(Array.from({ length: count }, (_, index) => String(index)));
    expect(lines[3]).toEqual({
      id: '3',
      topic: null,
      entropy: null,
      distance: null,
      levels: [
        { name: 'token', items: 0, main: null },
        { name: 'document', items: 0, main: null },
      ],
    });
    expect(new Set(lines.flatMap(({ topic }) => topic ?? []))).toEqual(new Set([0, 1]));
    expect(linesOf('first-topics.jsonl')).toEqual(lines.slice(0, 20));
    expect(folder.read('model/history.jsonl').toString().trim().split('\n').length).toBeGreaterThanOrEqual(4);
    // A document without tokens has no place on the map.
    const rows = JSON.parse(/id="documents-data">([^<]*)</.exec(folder.read('page.html').toString())![1]!) as [
      string,
    ][];
    expect(rows.map(([id]) => id)).toEqual(lines.flatMap(({ id, topic }) => (topic === null ? [] : [id])));
    const { levels } = await runJson<{ levels: object }>(['inspect', model]);
    expect(levels).toMatchObject({
      token: { prototypes: 6, passes: 'residuals' },
      document: { prototypes: 2, width: 64 },
    });
    const bytes = (name: string): Buffer => folder.read(`${name}/hierarchy.safetensors`);
    expect(bytes('merged')).toEqual(bytes('whole'));
    expect(bytes('merged')).not.toEqual(bytes('model'));
    expect(hierarchyFromBytes(bytes('updated')).documents).toBe(count - 1 + 19);
  });

  it('takes vectors, token shards and the means of their documents', async () => {
    const data = Float32Array.from(
      { length: 90 * 3 },
      (_, index) => Math.sin(index * index) + (Math.floor(index / 3) % 3) * 4,
    );
    folder.write('vectors.npy', npy([90, 3], 'float32', data));
    const shards = folder.at('shards');
    const out = (name: string): string[] => ['--out', folder.at(name)];
    const [vectors, , tokens, means] = await runAll<Fit>([
      ['hier', 'fit', folder.at('vectors.npy'), '--prototypes', '3', '--joint', ...out('flat')],
      ['encode-tokens', '--text', folder.at('reviews.jsonl'), '--encoder', encoder, '--out', shards],
      ['hier', 'fit', shards, ...settings, ...out('of-shards')],
      ['hier', 'fit', shards, '--documents', 'mean', '--prototypes', '2', ...out('of-means')],
      ['hier', 'encode', folder.at('flat'), folder.at('vectors.npy'), '--out', folder.at('flat.jsonl')],
    ]);
    expect(vectors).toMatchObject({ documents: 90, tokens: 90 });
    const topics = linesOf('flat.jsonl').map(({ topic }) => topic);
    expect(topics.every((topic, index) => topic === topics[index % 3])).toBe(true);
    expect(tokens!.levels.map(({ level }) => level)).toEqual(['token', 'document']);
    expect(means!.levels.map(({ items }) => items)).toEqual([count]);
  });

  it('hands levels, what is forgotten and the rate to the library', async () => {
    const vectors = (rows: number, more: number): Float32Array =>
      Float32Array.from({ length: 3 * rows }, (_, index) => Math.sin(index * index + more) + (index % 4) * 3 + more);
    folder.write('old.npy', npy([60, 3], 'float32', vectors(60, 0)));
    const data = vectors(40, 1);
    folder.write('new.npy', npy([40, 3], 'float32', data));
    const [model, fresh] = [folder.at('pair'), folder.at('new.npy')];
    const update = (name: string, ...more: string[]): string[] => [
      'hier',
      'update',
      model,
      fresh,
      ...more,
      '--out',
      folder.at(name),
    ];
    await runAll([
      ['hier', 'fit', folder.at('old.npy'), ...settings, '--out', model],
      update('last', '--no-births'),
      update('all', '--no-births', '--all-levels'),
      update('forgot', '--no-births', '--forget', '0.5'),
      ['hier', 'shard', model, fresh, '--out', folder.at('new.safetensors')],
      ['hier', 'merge', model, folder.at('new.safetensors'), '--rate', '0.25', '--out', folder.at('slow')],
      ['hier', 'merge', model, folder.at('new.safetensors'), '--out', folder.at('fast')],
    ]);
    const bytes = (name: string): Buffer => folder.read(`${name}/hierarchy.safetensors`);
    const before = hierarchyFromBytes(bytes('pair'));
    const source = documentsFromArrays({ data, dimension: 3 });
    const sums = shardFromBytes(folder.read('new.safetensors'));
    const wanted = {
      last: (await partialFit(before, source, { births: false, levels: 'last' })).model,
      all: (await partialFit(before, source, { births: false, levels: 'all' })).model,
      forgot: (await partialFit(before, source, { births: false, forget: 0.5 })).model,
      slow: mergeShards(before, [sums], { rate: 0.25 }),
      fast: mergeShards(before, [sums], { rate: 1 }),
    };
    const levelsOf = (model: typeof before) => model.levels.map((level) => [level.model.prototypes, level.masses]);
    for (const [name, made] of Object.entries(wanted))
      expect(levelsOf(hierarchyFromBytes(bytes(name))), name).toEqual(
        levelsOf(hierarchyFromBytes(hierarchyToBytes(made))),
      );
    // Twenty of the documents again.
    folder.write('again.npy', npy([20, 3], 'float32', data.slice(0, 60)));
    const both = ['hier', 'merge', model, folder.at('new.safetensors'), folder.at('again.safetensors')];
    await runAll([['hier', 'shard', model, folder.at('again.npy'), '--out', folder.at('again.safetensors')]]);
    await requireRefusals([
      [[...both, '--out', folder.at('refused')], /have 20 documents in common, which count twice/],
    ]);
    const shared = await runJson([...both, '--allow-shared', '--out', folder.at('shared')]);
    expect(shared).toMatchObject({ documents: 60 });
    expect(shared.stderr).toContain('have 20 documents in common');
    // None of them is another one by chance.
    expect(new Set(Object.keys(wanted).map((name) => bytes(name).toString('hex'))).size).toBe(5);
  });

  it('leaves corrupt lines out and counts them, or stops', async () => {
    const args = ['hier', 'fit', folder.at('broken.jsonl'), '--encoder', encoder, ...settings];
    const fit = await runJson<Fit>([...args, '--out', folder.at('of-broken')]);
    expect(fit).toMatchObject({ documents: count, badRows: 2 });
    expect(fit.stderr).toContain('warning: 2 rows are no texts and were left out: ');
    expect(fit.stderr).toContain('broken.jsonl line 2 (');
    expect(fit.stderr).toContain('broken.jsonl line 4 (');
    // The texts in which words are looked for leave the same lines out.
    const guided = await runJson<{ seeded: object }>([
      ...args,
      '--seed-words',
      'tree,river',
      '--out',
      folder.at('guided'),
    ]);
    expect(guided.seeded).toEqual([{ topic: 0, words: ['tree', 'river'] }]);
    await requireRefusals([
      [[...args, '--strict', '--out', folder.at('strict')], /line 2 is not JSON: .*Write one complete JSON/],
    ]);
  });
});

describe('refuses', () => {
  it('what does not fit, in one line each', async () => {
    const model = folder.at('model');
    const texts = folder.at('first.jsonl');
    const other = await writeEncoder(folder, 'other', { seed: 9 });
    folder.write('named.csv', 'id,text\n1,\n2,a film\n');
    folder.write('numbers.csv', 'a,b\n1,\n2,3\n');
    folder.write('model-2/hierarchy.safetensors', 'nonsense');
    const damaged = Buffer.from(folder.read('model/hierarchy.safetensors'));
    damaged[damaged.length - 5]! ^= 1;
    folder.write('damaged/hierarchy.safetensors', damaged);
    await requireRefusals([
      [
        ['hier', 'fit', texts, '--encoder', encoder, '--drop-special', '--prototypes', '6,40', '--out', folder.at('a')],
        /Level 'document' has 19 items of 19 documents \(1 more have no tokens\), but 40 prototypes\. Ask for at most 19/,
      ],
      [
        ['hier', 'fit', texts, '--encoder', encoder, '--prototypes', '6,x', '--out', folder.at('a')],
        /whole numbers >= 1 separated by commas/,
      ],
      [
        ['hier', 'fit', texts, ...settings, '--out', folder.at('a')],
        /first\.jsonl: line 1, column "text": expected a number, but ".*" came.*Text needs --encoder\. If it is none, repair the cell/,
      ],
      [
        ['hier', 'fit', folder.at('named.csv'), ...settings, '--out', folder.at('a')],
        /column "text": expected a number, but an empty cell came\. Text needs --encoder\./,
      ],
      [
        ['hier', 'fit', folder.at('numbers.csv'), ...settings, '--out', folder.at('a')],
        /column "b": expected a number, but an empty cell came\. Repair the cell/,
      ],
      [
        ['hier', 'fit', folder.at('vectors.npy'), ...settings, '--through', '--out', folder.at('a')],
        /--through says how levels move together, so it needs --joint\. Add --joint, or leave --through out\.$/m,
      ],
      [
        ['hier', 'encode', model, texts, '--encoder', other, '--out', folder.at('a.jsonl')],
        /is not the encoder that the model was fitted with/,
      ],
      [
        ['hier', 'encode', folder.at('damaged'), texts, '--out', folder.at('a.jsonl')],
        /its checksum does not fit what it holds, so it is damaged/,
      ],
      [
        ['hier', 'encode', folder.at('shards'), texts, '--out', folder.at('a.jsonl')],
        /has no hierarchy\.safetensors\. Give the folder that 'ddcl hier fit --out' wrote/,
      ],
      [
        ['hier', 'merge', folder.at('merged'), folder.at('first.safetensors'), '--out', folder.at('b')],
        /Shard 1 was made with the model [\da-f]{16}, but this is [\da-f]{16}/,
      ],
      [
        [
          'hier',
          'merge',
          model,
          folder.at('first.safetensors'),
          folder.at('first.safetensors'),
          '--out',
          folder.at('b'),
        ],
        /Shards 1 and 2 hold the same 19 documents/,
      ],
      [['hier', 'merge', model, texts, '--out', folder.at('b')], /first\.jsonl/],
      [
        ['hier', 'merge', model, folder.at('rest.safetensors'), '--out', folder.at('b')],
        /Of 2 parts one is missing: 1\. Give all parts/,
      ],
      [
        ['hier', 'shard', model, texts, '--part', '3/2', '--out', folder.at('c.safetensors')],
        /Expected the number of the part and of all, such as 2\/7/,
      ],
    ]);
  });
});
