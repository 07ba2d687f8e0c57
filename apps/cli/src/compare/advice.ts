import { meanAndSpread } from './interval.ts';
import type { Measure } from './compare-request.ts';
import type { CompareRow, SeedScores } from './rows.ts';

/** Which readout to take for a task. */
export interface Advice {
  readonly task: Measure;
  /** What it was chosen by. */
  readonly measure: string;
  readonly readout: string;
  readonly prototypes: number | null;
  readonly vectors: number | null;
  readonly temperatureShare: number | null;
  /** Numbers per document. */
  readonly numbers: number;
  /** Of the measure, 0..1, over the seeds; the deviation of one seed is 0. */
  readonly mean: number;
  readonly spread: number;
  /** The highest mean of any readout, which this one is not below by more than the standard error of their difference over seeds. */
  readonly best: number;
  /** This one less the mean pooling, seed by seed; null where that was not measured. */
  readonly overMean: { readonly mean: number; readonly spread: number } | null;
}

interface Task {
  readonly task: Measure;
  readonly measure: string;
  readonly of: (scores: SeedScores) => number | null;
}

/** By what a comparison of one's own data chooses. */
const tasks: readonly Task[] = [
  { task: 'probe', measure: 'validation accuracy', of: ({ validationAccuracy }) => validationAccuracy },
  { task: 'clustering', measure: 'NMI', of: ({ clustering }) => clustering?.mutualInformation ?? null },
  { task: 'retrieval', measure: 'nDCG@10', of: ({ retrieval }) => retrieval?.ndcg10 ?? null },
];

/** By what a table of several data sets is read: nothing is chosen for one of them, and 15 % of 100 labels say little. */
export const testTasks: readonly Task[] = [
  { task: 'probe', measure: 'test accuracy', of: ({ accuracy }) => accuracy },
  ...tasks.slice(1),
];

interface Measured {
  readonly row: CompareRow;
  readonly values: readonly number[];
  readonly mean: number;
}

/** `a` less `b`, seed by seed: both saw the same documents and splits. */
const lead = (a: Measured, b: Measured): { readonly mean: number; readonly spread: number } =>
  meanAndSpread(a.values.map((value, index) => value - b.values[index]!));

/**
 * For each task that was measured, the smallest readout that the best one is not ahead of by more than the standard error, over seeds, of their difference.
 *
 * @param mostNumbers what a document may take
 * @param by what is measured; default: what a comparison chooses by
 */
export function adviceOf(
  rows: readonly CompareRow[],
  mostNumbers: number = Infinity,
  by: readonly Task[] = tasks,
): Advice[] {
  return by.flatMap(({ task, measure, of }) => {
    const measured = rows.flatMap((row): Measured[] => {
      const values = row.seeds.map(of).filter((value) => value !== null);
      return values.length < row.seeds.length ? [] : [{ row, values, mean: meanAndSpread(values).mean }];
    });
    const allowed = measured.filter(({ row }) => row.numbers <= mostNumbers);
    if (allowed.length === 0) return [];
    const best = allowed.reduce((one, other) => (other.mean > one.mean ? other : one));
    const taken = allowed
      .filter((one) => {
        const behind = lead(best, one);
        return behind.mean <= behind.spread / Math.sqrt(one.values.length);
      })
      .reduce((one, other) =>
        other.row.numbers < one.row.numbers || (other.row.numbers === one.row.numbers && other.mean > one.mean)
          ? other
          : one,
      );
    const mean = measured.find(({ row }) => row.readout === 'mean');
    const { seeds: _, ...row } = taken.row;
    return [
      {
        task,
        measure,
        readout: row.readout,
        prototypes: row.prototypes,
        vectors: row.vectors,
        temperatureShare: row.temperatureShare,
        numbers: row.numbers,
        ...meanAndSpread(taken.values),
        best: best.mean,
        overMean: mean === undefined ? null : lead(taken, mean),
      },
    ];
  });
}

const three = (value: number): string => value.toFixed(3);

/** `residuals, K = 8, T = 0.1 T_c`. */
export function nameOf({
  readout,
  prototypes,
  vectors,
  temperatureShare,
}: Pick<Advice, 'readout' | 'prototypes' | 'vectors' | 'temperatureShare'>): string {
  return [
    readout,
    vectors === null ? '' : `, ${vectors} vectors`,
    prototypes === null || vectors !== null ? '' : `, K = ${prototypes}`,
    temperatureShare === null ? '' : `, T = ${Number(temperatureShare.toPrecision(3))} T_c`,
  ].join('');
}

/** A line for each task. */
export function formatAdvice(advice: readonly Advice[], seeds: number): string {
  return advice
    .map((each) => {
      const { task, measure, mean, spread, best, overMean, readout, numbers } = each;
      const within = best > mean ? `; the best has ${three(best)}, ahead by no more than the standard error` : '';
      const over =
        overMean === null || readout === 'mean'
          ? ''
          : `; ${three(Math.abs(overMean.mean))} ± ${three(overMean.spread)} ${overMean.mean < 0 ? 'below' : 'above'} the mean`;
      const unknown = seeds < 2 ? ', spread unknown: --seeds 5 tells it' : '';
      return `for ${task}: ${nameOf(each)} (${numbers.toLocaleString('en')} numbers): ${measure} ${three(mean)} ± ${three(spread)}${unknown}${over}${within}`;
    })
    .join('\n');
}
