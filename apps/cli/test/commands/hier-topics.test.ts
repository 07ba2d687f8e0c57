import { beforeAll, describe, expect, it } from 'vitest';
import { npy, testFolder } from './support.ts';
import { requireRefusals, runAll, runJson } from './text-support.ts';

const folder = testFolder();
const count = 90;
/** Three kinds of texts, whose vectors lie around three places. */
const kinds = ['The rocket flew to the moon', 'An apple pie with pears', 'The engine of the car'];
const places = [
  [0, 0],
  [9, 0],
  [0, 9],
] as const;

interface Topics {
  documents: number;
  empty: number;
  coherence: number;
  diversity: number;
  topics: { id: number; size: number; share: number; words: { word: string }[]; documents: { id: string }[] }[];
  outliers: { count: number; ids: string[] };
  time?: { period: string; dated: number; unreadable: { count: number }; counts: number[][] };
}

beforeAll(async () => {
  const lines = Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      id: `post-${index}`,
      text: `${kinds[index % 3]}, number ${'abcdefghij'[index % 10]}${index % 7}.`,
      date: index === 5 ? 'soon' : `20${10 + (index % 14)}-03-01`,
    }),
  );
  folder.write('posts.jsonl', `${lines.join('\n')}\n`);
  folder.write('few.jsonl', `${lines.slice(0, 4).join('\n')}\n`);
  folder.write('stop.txt', 'The\nof\n');
  const vectors = Float32Array.from(
    { length: 2 * count },
    (_, index) => places[Math.floor(index / 2) % 3]![index % 2]! + Math.sin(index * index) / 2,
  );
  folder.write('posts.npy', npy([count, 2], 'float32', vectors));
  await runAll([
    ['hier', 'fit', folder.at('posts.npy'), '--prototypes', '3', '--restarts', '3', '--out', folder.at('model')],
  ]);
});

const topicsOf = (...more: string[]): Promise<Topics> =>
  runJson<Topics>([
    'hier',
    'topics',
    folder.at('model'),
    folder.at('posts.jsonl'),
    '--vectors',
    folder.at('posts.npy'),
    ...more,
  ]);

describe('ddcl hier topics', () => {
  it('tells words, sizes, documents and dates, and writes a page', async () => {
    const told = await topicsOf('--html', folder.at('topics.html'), '--time', 'date', '--words', '3', '--seed', '1');
    expect(told).toMatchObject({ documents: count, empty: 0, diversity: 1 });
    expect(told.topics.map(({ size }) => size)).toEqual([30, 30, 30]);
    const words = told.topics
      .map((topic) =>
        topic.words
          .map(({ word }) => word)
          .sort()
          .join(' '),
      )
      .sort();
    expect(words).toEqual([
      expect.stringContaining('apple'),
      expect.stringContaining('engine'),
      expect.stringContaining('rocket'),
    ]);
    expect(
      told.topics.flatMap(({ documents }) => documents.map(({ id }) => id)).every((id) => id.startsWith('post-')),
    ).toBe(true);
    expect(told.outliers.count).toBe(Math.round(0.05 * count));
    expect(told.time).toMatchObject({ period: 'year', dated: count - 1, unreadable: { count: 1 } });
    expect(told.time!.counts.flat().reduce((sum, own) => sum + own, 0)).toBe(count - 1);
    const page = folder.read('topics.html').toString();
    expect(page).toContain('<title>Topics of model</title>');
    expect(page.match(/\n,?\["post-/g)).toHaveLength(count);
  });

  it('merges topics, tells outliers by thresholds, and takes a sample for the page', async () => {
    const told = await topicsOf(
      '--merge-to',
      '2',
      '--outliers',
      'distance=1000',
      '--stop-words',
      folder.at('stop.txt'),
      '--page-documents',
      '10',
      '--map',
      'umap',
      '--html',
      folder.at('few.html'),
    );
    expect(told.topics.map(({ size }) => size).sort()).toEqual([30, 60]);
    expect(told.outliers.count).toBe(0);
    expect(told.time).toBeUndefined();
    const page = folder.read('few.html').toString();
    expect(page.match(/\n,?\["post-/g)).toHaveLength(10);
    expect(page).toContain('its place on a map by UMAP');
  });

  it('marks the outliers of a sample of documents on the page', async () => {
    const told = await topicsOf('--outliers', '0.5', '--page-documents', '40', '--html', folder.at('sample.html'));
    const found = /id="documents-data">([^<]*)</.exec(folder.read('sample.html').toString())![1]!;
    const rows = JSON.parse(found) as [id: string, topic: number, x: number, y: number, outlier: number][];
    expect(rows).toHaveLength(40);
    const outliers = new Set(told.outliers.ids);
    expect(rows.map(([id, , , , outlier]) => [id, outlier])).toEqual(
      rows.map(([id]) => [id, outliers.has(id) ? 1 : 0]),
    );
    expect(new Set(rows.map((row) => row[4])).size).toBe(2);
  });

  it('takes topics together that are not worth their price', async () => {
    const told = await topicsOf('--merge-price', '0.9');
    expect(told.topics.map(({ size }) => size)).toEqual([count]);
    expect((await topicsOf('--merge-price', '0.01')).topics).toHaveLength(3);
  });

  it('are looked for by words', async () => {
    folder.write('seeds.txt', 'engine, car\n\napple\n');
    const posts = ['--vectors', folder.at('posts.npy')];
    const fit = ['hier', 'fit', folder.at('posts.npy'), '--prototypes', '3', '--seed-text', folder.at('posts.jsonl')];
    const made = await runAll<{ seeded: object }>([
      [...fit, '--seed-words', folder.at('seeds.txt'), '--out', folder.at('guided')],
      [...fit, '--seed-words', 'moon', '--seed-words', 'apple,pie', '--out', folder.at('guided-2')],
    ]);
    expect(made[0]!.seeded).toEqual([
      { topic: 0, words: ['engine', 'car'] },
      { topic: 1, words: ['apple'] },
    ]);
    const [one, two] = await runAll<Topics>(
      ['guided', 'guided-2'].map((name) => ['hier', 'topics', folder.at(name), folder.at('posts.jsonl'), ...posts]),
    );
    const wordsOf = (told: Topics, topic: number): string[] =>
      told.topics.find(({ id }) => id === topic)!.words.map(({ word }) => word);
    expect(wordsOf(one!, 0)).toContain('engine');
    expect(wordsOf(one!, 1)).toContain('apple');
    expect(wordsOf(two!, 0)).toContain('moon');
    expect(wordsOf(two!, 1)).toContain('apple');
    const out = ['--out', folder.at('refused')];
    await requireRefusals([
      [[...fit, '--seed-words', 'zebra', ...out], /No document has anything of seed 0 .*"zebra".*Look at the spelling/],
      [[...fit, ...out], /--seed-text is for the words of topics to look for\. Add --seed-words/],
      [
        ['hier', 'fit', folder.at('posts.npy'), '--prototypes', '3', '--seed-words', 'moon', ...out],
        /--seed-words are looked for in texts, .* Give the texts of the same documents with --seed-text\.$/m,
      ],
      [
        [...fit.slice(0, -1), folder.at('few.jsonl'), '--seed-words', 'moon', ...out],
        /The corpus: has more documents than --seed-text, which has 4\./,
      ],
      [[...fit, ...['moon', 'pie', 'car', 'engine'].flatMap((word) => ['--seed-words', word]), ...out], /4 seeds need/],
    ]);
  });

  it('refuses what does not fit, with what to do', async () => {
    const [model, posts, vectors] = [folder.at('model'), folder.at('posts.jsonl'), folder.at('posts.npy')];
    const given = ['hier', 'topics', model, posts, '--vectors', vectors];
    await requireRefusals([
      [
        ['hier', 'topics', model, posts],
        /The model .* was fitted on vectors\. Give those of the corpus with --vectors DATA\.$/m,
      ],
      [
        ['hier', 'topics', model, folder.at('few.jsonl'), '--vectors', vectors],
        /The corpus has 4 documents, but --vectors has 90\. Give those of the same documents\.$/m,
      ],
      [[...given, '--merge-to', '4'], /The model has 3 topics, so --merge-to takes 1 to 3, but is 4\.$/m],
      [
        [...given, '--stop-words', 'xx'],
        /There is no list of stop words 'xx' and no such file\. --stop-words takes none, a file/,
      ],
      [[...given, '--time', 'dat'], /has no field "dat"; did you mean "date"\?.* choose with --time\.$/m],
      [
        [...given, '--outliers', '2'],
        /Expected a share such as 0\.05, or thresholds such as 'entropy=1\.5', 'distance=2' or/,
      ],
      [[...given, '--outliers', 'width=2'], /Expected a share such as 0\.05, or thresholds/],
      [[...given, '--html', folder.at('topics.txt')], /\.html/],
    ]);
  });
});
