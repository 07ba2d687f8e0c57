import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FinishedRows } from '../../src/compare/finished-rows.ts';
import type { CompareRow, SeedScores } from '../../src/compare/rows.ts';
import { temporaryFolder } from '../../src/token-shards/temporary-folder.ts';

const row: Omit<CompareRow, 'seeds'> = {
  readout: 'mean',
  prototypes: null,
  vectors: null,
  temperatureShare: null,
  numbers: 4,
};
const scores = (seed: number): SeedScores => ({
  seed,
  accuracy: 1 / (3 + seed),
  validationAccuracy: null,
  clustering: null,
  retrieval: null,
  microsecondsPerDocument: 2,
});

async function inFolder(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  try {
    await run(join(folder.path, 'rows.jsonl'));
  } finally {
    await folder.remove();
  }
}

async function add(path: string, seed: number, steps = 400): Promise<{ made: boolean; rows: CompareRow[] }> {
  const finished = await FinishedRows.open(path, { train: 'train', steps });
  let made = false;
  await finished.unit(`mean, seed ${seed}`, async (table) => {
    made = true;
    table.add(row, scores(seed));
  });
  return { made, rows: finished.rows() };
}

test('a finished unit is made once, and its numbers come back exactly', () =>
  inFolder(async (path) => {
    const first = await add(path, 0);
    const second = await add(path, 0);
    expect([first.made, second.made]).toEqual([true, false]);
    expect(second.rows).toEqual(first.rows);
    expect(await add(path, 1)).toMatchObject({ made: true, rows: [{ seeds: [{ seed: 1 }] }] });
    expect((await readFile(path, 'utf8')).split('\n')).toHaveLength(4);
  }));

test('a unit that failed is not kept', () =>
  inFolder(async (path) => {
    const finished = await FinishedRows.open(path, { train: 'train', steps: 400 });
    const failing = finished.unit('mean, seed 0', async (table) => {
      table.add(row, scores(0));
      throw new Error('stopped');
    });
    await expect(failing).rejects.toThrow('stopped');
    expect(finished.rows()).toEqual([]);
    expect((await add(path, 0)).made).toBe(true);
  }));

test('a line that was cut off is made again, and the file stays readable', () =>
  inFolder(async (path) => {
    await add(path, 0);
    await appendFile(path, '{"unit":"mean, seed 1","ce');
    expect((await add(path, 1)).made).toBe(true);
    expect((await add(path, 0)).made).toBe(false);
    expect((await add(path, 1)).made).toBe(false);
  }));

test.each([
  ['other settings', undefined, /comparison with other steps\. Give --resume a new file/],
  ['another file', 'readout,accuracy\n', /line 1 is no JSON.*Give --resume a new file/],
  ['other JSON', '{"readout":"mean"}\n', /holds no rows of ddcl compare\. Give --resume a new file/],
  [
    'rows made another way',
    '{"ddclCompare":1,"train":"train","steps":200}\n',
    /has rows of another version of ddcl compare/,
  ],
  ['a file without a line', 'x', /holds no rows of ddcl compare/],
  ['a damaged line', '{"ddclCompare":3,"train":"train","steps":200}\n{"unit\n', /line 2 is no JSON.*remove the line/],
])('%s: refused, and the file stays as it was', (_, content, message) =>
  inFolder(async (path) => {
    if (content === undefined) await add(path, 0);
    else await writeFile(path, content);
    const before = await readFile(path, 'utf8');
    await expect(add(path, 0, 200)).rejects.toThrow(message);
    expect(await readFile(path, 'utf8')).toBe(before);
  }),
);

const kept = (cells: unknown): string =>
  `{"ddclCompare":3,"train":"train","steps":400}\n${JSON.stringify({ unit: 'mean, seed 0', cells })}\n`;

test.each<[string, string, RegExp]>([
  ['no cells', kept(undefined), /line 2 is not as it must be: it lacks cells.*remove the line/],
  ['a cell without a row', kept([{ scores: scores(0) }]), /lacks cells\.0\.row\./],
  ['an accuracy above 1', kept([{ row, scores: { ...scores(0), accuracy: 7 } }]), /cells\.0\.scores\.accuracy: /],
  ['an accuracy that is a text', kept([{ row, scores: { ...scores(0), accuracy: '0.5' } }]), /scores\.accuracy: /],
  ['a number that is none', kept([{ row: { ...row, numbers: -1 }, scores: scores(0) }]), /cells\.0\.row\.numbers: /],
  ['scores of another measure', kept([{ row, scores: { ...scores(0), rouge: 1 } }]), /scores\.rouge: /],
])('rows that no comparison writes are refused: %s', (_, content, message) =>
  inFolder(async (path) => {
    await writeFile(path, content);
    await expect(add(path, 0)).rejects.toThrow(message);
  }),
);
