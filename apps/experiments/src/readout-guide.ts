import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { adviceOf, nameOf, testTasks, type Advice } from '@ddcl/cli/dist/compare/advice.js';
import { RowTable, type CompareRow, type SeedScores } from '@ddcl/cli/dist/compare/rows.js';
import { DdclError } from '@ddcl/core';
import { spreadOf } from './statistics.ts';
import { markdownTable } from './table.ts';

/** All rows of one data set with one number of labelled documents. */
export interface GuideSet {
  readonly set: string;
  readonly labels: number;
  readonly rows: readonly CompareRow[];
}

/** Bytes that a document may take: a bit for each of 3,072 numbers, the mean of MiniLM, as much as one likes. */
const budgets: readonly { readonly name: string; readonly numbers: number }[] = [
  { name: '384 bytes', numbers: 96 },
  { name: '2 kB', numbers: 512 },
  { name: 'any', numbers: Infinity },
];

/**
 * What `ddcl compare --resume SET-LABELS-ANYTHING.jsonl` kept, put together by data set and number of labelled documents. Seeds that not all files of a
 * set have are left out.
 *
 * @throws DdclError `argument` for another name of a file, `data` for a set without a seed that all its rows have
 */
export async function readGuide(files: readonly string[]): Promise<GuideSet[]> {
  const sets = new Map<string, { set: string; labels: number; table: RowTable; seen: Set<string> }>();
  for (const file of files) {
    const [, set, labels] = /^(.+)-(\d+)-[^-]+\.jsonl$/.exec(basename(file)) ?? [];
    if (set === undefined || labels === undefined)
      throw new DdclError('argument', `${file} is not named SET-LABELS-ANYTHING.jsonl, such as sst2-100-k8.jsonl.`);
    const key = `${set} ${labels}`;
    const own = sets.get(key) ?? { set, labels: Number(labels), table: new RowTable(), seen: new Set() };
    sets.set(key, own);
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n').slice(1);
    for (const line of lines) {
      const { cells } = JSON.parse(line) as { cells: { row: Omit<CompareRow, 'seeds'>; scores: SeedScores }[] };
      for (const { row, scores } of cells) {
        const cell = JSON.stringify([row.readout, row.prototypes, row.temperatureShare, scores.seed]);
        if (!own.seen.has(cell)) own.table.add(row, scores);
        own.seen.add(cell);
      }
    }
  }
  return [...sets.values()]
    .map(({ set, labels, table }) => ({ set, labels, rows: commonSeeds(set, table.rows()) }))
    .sort((a, b) => a.set.localeCompare(b.set) || a.labels - b.labels);
}

/** Rows with the seeds that all of them have, in order: leads are taken seed by seed. */
function commonSeeds(set: string, rows: readonly CompareRow[]): CompareRow[] {
  const counts = new Map<number, number>();
  for (const { seeds } of rows) for (const { seed } of seeds) counts.set(seed, (counts.get(seed) ?? 0) + 1);
  const common = new Set([...counts].filter(([, count]) => count === rows.length).map(([seed]) => seed));
  if (common.size === 0)
    throw new DdclError(
      'data',
      `${set} has no seed that all its rows have. Run all comparisons with the same --seeds.`,
    );
  return rows.map((row) => ({
    ...row,
    seeds: row.seeds.filter(({ seed }) => common.has(seed)).sort((a, b) => a.seed - b.seed),
  }));
}

/** The page for docs/results: which readout for which task, labels and bytes, then all rows. */
export function guidePage(sets: readonly GuideSet[], introduction: string): string {
  const seeds = Math.min(...sets.map(({ rows }) => rows[0]!.seeds.length));
  const choices = sets.flatMap(({ set, labels, rows }) =>
    budgets.map(({ name, numbers }) => {
      const advice = adviceOf(rows, numbers, testTasks);
      const cell = (task: Advice['task']): string => {
        const found = advice.find((each) => each.task === task);
        if (found === undefined) return '';
        const { mean, spread, overMean } = found;
        const over =
          overMean === null || found.readout === 'mean'
            ? ''
            : `, ${signed(overMean.mean)} ± ${overMean.spread.toFixed(3)}`;
        return `${nameOf(found)} (${mean.toFixed(3)} ± ${spread.toFixed(3)}${over})`;
      };
      return [set, labels.toLocaleString('en'), name, cell('probe'), cell('retrieval'), cell('clustering')];
    }),
  );
  const all = sets.map(({ set, labels, rows }) => {
    const lines = rows.map((row) => {
      const measured = testTasks.map(({ of }) => {
        const { mean, deviation } = spreadOf(row.seeds.map((scores) => of(scores) ?? NaN));
        return `${mean.toFixed(3)} ± ${deviation.toFixed(3)}`;
      });
      const microseconds = spreadOf(row.seeds.map(({ microsecondsPerDocument }) => microsecondsPerDocument)).min;
      return [
        nameOf(row),
        (4 * row.numbers).toLocaleString('en'),
        ...measured,
        Math.round(microseconds).toLocaleString('en'),
      ];
    });
    return `### ${set}, ${labels.toLocaleString('en')} labelled documents\n\n${markdownTable(['readout', 'bytes', 'accuracy', 'NMI', 'nDCG@10', 'µs / document'], lines)}`;
  });
  return `# Which readout

${introduction}

The smallest readout that the best one is not ahead of by more than the standard error, over ${seeds} seeds, of their difference, with its measure (accuracy of a ridge probe on test,
nDCG@10, NMI) and, after the comma, its lead over the mean vector.

${markdownTable(['set', 'labels', 'bytes a document', 'probe', 'retrieval', 'clustering'], choices)}

${all.join('\n\n')}
`;
}

const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(3)}`;
