import { wilsonInterval, meanAndSpread } from './interval.ts';
import type { CompareRow, SeedScores, SummaryForm } from './rows.ts';

/** A row's measures over its seeds, ready to be printed. */
export interface RowSummary {
  readonly readout: string;
  readonly prototypes: number | null;
  readonly vectors: number | null;
  readonly temperatureShare: number | null;
  readonly numbers: number;
  readonly seeds: number;
  /** Mean and deviation over seeds; the interval says what another test set of this size could have given. */
  readonly accuracy: {
    readonly mean: number;
    readonly spread: number;
    readonly low: number;
    readonly high: number;
  } | null;
  readonly validationAccuracy: number | null;
  readonly clustering: {
    readonly accuracy: number;
    readonly mutualInformation: number;
    readonly adjustedRand: number;
  } | null;
  readonly retrieval: {
    readonly ndcg10: number;
    readonly ndcg10Spread: number;
    readonly precision10: number;
    readonly meanAveragePrecision: number;
  } | null;
  readonly microsecondsPerDocument: number;
  /** Of summary vectors: the form that train chose, seed by seed. */
  readonly forms?: readonly SummaryForm[];
}

/** @param testDocuments for the interval */
export function summariseRow({ seeds, ...row }: CompareRow, testDocuments: number): RowSummary {
  const over = <Value>(pick: (scores: SeedScores) => Value | null): Value[] =>
    seeds.flatMap((scores) => {
      const value = pick(scores);
      return value === null ? [] : [value];
    });
  const mean = (values: readonly number[]): number => meanAndSpread(values).mean;
  const accuracies = over(({ accuracy }) => accuracy);
  const validation = over(({ validationAccuracy }) => validationAccuracy);
  const clusterings = over(({ clustering }) => clustering);
  const retrievals = over(({ retrieval }) => retrieval);
  const found = accuracies.length === 0 ? null : meanAndSpread(accuracies);
  const forms = seeds.flatMap(({ form }) => form ?? []);
  const gains = retrievals.length === 0 ? null : meanAndSpread(retrievals.map(({ ndcg10 }) => ndcg10));
  return {
    ...row,
    seeds: seeds.length,
    accuracy: found && { ...found, ...wilsonInterval(found.mean, testDocuments) },
    validationAccuracy: validation.length === 0 ? null : mean(validation),
    clustering:
      clusterings.length === 0
        ? null
        : {
            accuracy: mean(clusterings.map(({ accuracy }) => accuracy)),
            mutualInformation: mean(clusterings.map(({ mutualInformation }) => mutualInformation)),
            adjustedRand: mean(clusterings.map(({ adjustedRand }) => adjustedRand)),
          },
    retrieval: gains && {
      ndcg10: gains.mean,
      ndcg10Spread: gains.spread,
      precision10: mean(retrievals.map(({ precision10 }) => precision10)),
      meanAveragePrecision: mean(retrievals.map(({ meanAveragePrecision }) => meanAveragePrecision)),
    },
    microsecondsPerDocument: mean(seeds.map(({ microsecondsPerDocument }) => microsecondsPerDocument)),
    ...(forms.length === 0 ? {} : { forms }),
  };
}

const columns = [
  'readout',
  'K',
  'T / T_c',
  'numbers',
  'accuracy (95 %)',
  'validation',
  'ACC',
  'NMI',
  'ARI',
  'nDCG@10',
  'P@10',
  'MAP',
  'µs / document',
] as const;

const percent = (share: number): string => (100 * share).toFixed(1);
const three = (share: number): string => share.toFixed(3);

function cells(row: RowSummary): string[] {
  const { accuracy, clustering, retrieval } = row;
  return [
    row.vectors === null ? row.readout : `${row.readout}, ${row.vectors} vectors`,
    row.prototypes === null ? '' : String(row.prototypes),
    row.temperatureShare === null ? '' : String(Number(row.temperatureShare.toPrecision(3))),
    row.numbers.toLocaleString('en'),
    accuracy === null
      ? ''
      : `${percent(accuracy.mean)}${row.seeds > 1 ? ` ± ${percent(accuracy.spread)}` : ''} (${percent(accuracy.low)} to ${percent(accuracy.high)})`,
    row.validationAccuracy === null ? '' : percent(row.validationAccuracy),
    ...(clustering === null
      ? ['', '', '']
      : [three(clustering.accuracy), three(clustering.mutualInformation), three(clustering.adjustedRand)]),
    ...(retrieval === null
      ? ['', '', '']
      : [
          `${three(retrieval.ndcg10)}${row.seeds > 1 ? ` ± ${three(retrieval.ndcg10Spread)}` : ''}`,
          three(retrieval.precision10),
          three(retrieval.meanAveragePrecision),
        ]),
    Math.round(row.microsecondsPerDocument).toLocaleString('en'),
  ];
}

/** The rows as a Markdown table, which reads well in a terminal too; columns without any entry are left out. */
export function formatCompareTable(rows: readonly RowSummary[]): string {
  const all = [[...columns], ...rows.map(cells)];
  const used = columns.map((_, column) => all.slice(1).some((line) => line[column] !== ''));
  const lines = all.map((line) => line.filter((_, column) => used[column]));
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const draw = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [draw(lines[0]!), rule, ...lines.slice(1).map(draw)].join('\n');
}
