import type { ClusteringScores } from './clustering.ts';
import { meanAndSpread, wilsonInterval, type Interval } from './interval.ts';
import type { RetrievalScores } from './retrieval.ts';
import type { CompareRow, SeedScores, SummaryForm } from './rows.ts';
import { printableName } from '../output/print.ts';

/** A row's measures over its seeds (their means), ready to be printed. */
export interface RowSummary extends Omit<CompareRow, 'seeds'> {
  readonly seeds: number;
  /** Mean and deviation over seeds; the interval says what another test set of this size could have given. */
  readonly accuracy: (ReturnType<typeof meanAndSpread> & Interval) | null;
  readonly validationAccuracy: number | null;
  readonly clustering: ClusteringScores | null;
  readonly retrieval: (RetrievalScores & { readonly ndcg10Spread: number }) | null;
  readonly microsecondsPerDocument: number;
  /** Of summary vectors: the form that train chose, seed by seed. */
  readonly forms?: readonly SummaryForm[];
}

/** @param testDocuments for the interval */
export function summariseRow({ seeds, ...row }: CompareRow, testDocuments: number): RowSummary {
  /** Values of the seeds that have one; undefined where none has. */
  const over = <Value>(pick: (scores: SeedScores) => Value | null): readonly Value[] | undefined => {
    const values = seeds.map(pick).filter((value): value is Value & {} => value !== null);
    return values.length === 0 ? undefined : values;
  };
  const meanOf = <Scores>(all: readonly Scores[], pick: (scores: Scores) => number): number =>
    meanAndSpread(all.map(pick)).mean;
  const accuracies = over(({ accuracy }) => accuracy);
  const validation = over(({ validationAccuracy }) => validationAccuracy);
  const clusterings = over(({ clustering }) => clustering);
  const retrievals = over(({ retrieval }) => retrieval);
  const accuracy = accuracies && meanAndSpread(accuracies);
  const gains = retrievals && meanAndSpread(retrievals.map(({ ndcg10 }) => ndcg10));
  const forms = seeds.flatMap(({ form }) => form ?? []);
  return {
    ...row,
    seeds: seeds.length,
    accuracy: accuracy ? { ...accuracy, ...wilsonInterval(accuracy.mean, testDocuments) } : null,
    validationAccuracy: validation ? meanAndSpread(validation).mean : null,
    clustering: clusterings
      ? {
          accuracy: meanOf(clusterings, (scores) => scores.accuracy),
          mutualInformation: meanOf(clusterings, ({ mutualInformation }) => mutualInformation),
          adjustedRand: meanOf(clusterings, ({ adjustedRand }) => adjustedRand),
        }
      : null,
    retrieval:
      retrievals && gains
        ? {
            ndcg10: gains.mean,
            ndcg10Spread: gains.spread,
            precision10: meanOf(retrievals, ({ precision10 }) => precision10),
            meanAveragePrecision: meanOf(retrievals, ({ meanAveragePrecision }) => meanAveragePrecision),
          }
        : null,
    microsecondsPerDocument: meanOf(seeds, ({ microsecondsPerDocument }) => microsecondsPerDocument),
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
    printableName(row.vectors === null ? row.readout : `${row.readout}, ${row.vectors} vectors`),
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
