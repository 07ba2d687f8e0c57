import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { testFolder } from './support.ts';
import { requireRefusals, reviews, runAll, writeEncoder } from './text-support.ts';

const folder = testFolder();
let encoder = '';

interface Explained {
  readonly documents: number;
  readonly tokens: number;
  readonly prototypes: readonly {
    readonly share: number;
    readonly frequent: readonly { word: string; count: number }[];
  }[];
  readonly shown: readonly { readonly place: string; readonly label?: string; readonly tokens: readonly unknown[] }[];
}

const text = (): string[] => ['--text', folder.at('reviews.jsonl')];
const fit = (out: string, ...more: string[]): string[] => [
  'fit',
  ...text(),
  '--encoder',
  encoder,
  '--prototypes',
  '3',
  '--out',
  folder.at(out),
  ...more,
];

beforeAll(async () => {
  encoder = await writeEncoder(folder);
  folder.write('reviews.jsonl', reviews(30));
});

describe('ddcl explain', () => {
  it('explains a model by the encoder that it was fitted with', async () => {
    const html = folder.at('page.html');
    const [, explained] = await runAll<Explained>([
      fit('model', '--epochs', '20'),
      [
        'explain',
        folder.at('model'),
        ...text(),
        '--labels',
        'topic',
        '--html',
        html,
        '--documents',
        '2',
        '--max-documents',
        '25',
      ],
      fit('means', '--documents', 'mean', '--epochs', '5'),
    ]);
    const { documents, tokens, prototypes, shown, stderr } = explained!;
    expect(documents).toBe(25);
    expect(stderr).toContain('looked at the first 25 of 30 documents');
    const counted = prototypes.flatMap(({ frequent }) => frequent).reduce((sum, { count }) => sum + count, 0);
    expect(counted).toBeGreaterThan(0.5 * tokens);
    expect(prototypes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 4);
    expect(shown.map(({ place, label }) => [place, label])).toEqual([
      ['reviews.jsonl line 1', 'nature'],
      ['reviews.jsonl line 2', 'art'],
    ]);
    const page = readFileSync(html, 'utf8');
    expect(page).toContain('reviews.jsonl line 1, label nature');
    expect(page).toContain('Prototype 2');
    expect(page).toContain('of the first 25 of 30 documents');
  });

  it('refuses what it cannot explain, and writes nothing', async () => {
    const other = await writeEncoder(folder, 'other', { seed: 9 });
    const html = ['--html', folder.at('none.html')];
    const model = folder.at('model');
    await requireRefusals([
      [['explain', model, ...html], /There is no text/],
      [['explain', model, ...text()], /nothing to write.*--html/],
      [['explain', model, ...text(), '--html', folder.at('none.txt')], /\.html/],
      [['explain', folder.at('means'), ...text(), ...html], /fitted on one mean per document/],
      [['explain', model, ...text(), ...html, '--encoder', other], /not the encoder that the model was fitted with/],
      [['explain', folder.at('gone'), ...text(), ...html], /no model folder/],
    ]);
    expect(existsSync(folder.at('none.html'))).toBe(false);
  });
});
