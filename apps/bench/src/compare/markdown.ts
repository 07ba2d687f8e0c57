import { formatMemory, type MemoryCourse } from './memory.ts';
import type { Overhead } from '../measure/overhead.ts';
import type { ShapeComparison } from './compare-shape.ts';
import { over, ratiosOf, timingsOf, type Ratios, type Statistic } from './summary.ts';

/** Everything that a page of results says. */
export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly versions: string;
  readonly command: string;
  readonly threads: number;
  readonly rounds: number;
  readonly comparisons: readonly ShapeComparison[];
  readonly overhead: Overhead;
  readonly memory: MemoryCourse;
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map(line).join('\n');
}

const milliseconds = (value: number): string => value.toFixed(value < 10 ? 2 : 1);
const ratio = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(2));

function ratioTable(comparisons: readonly ShapeComparison[], of: Statistic): string {
  const all = comparisons.map((each) => ratiosOf(each, of));
  const names: readonly (keyof Ratios)[] = [
    'stepOverAutograd',
    'stepOverTorch',
    'stepOfRoofline',
    'forwardOverSdpa',
    'forwardOfRoofline',
  ];
  const rows = comparisons.map(({ shape }, index) => [
    `${shape.tokens}, ${shape.dimension}, ${shape.prototypes}`,
    ...names.map((name) => ratio(all[index]![name])),
  ]);
  const summary = (['mean', 'least'] as const).map((which) => [
    which === 'mean' ? '**geometric mean**' : 'least',
    ...names.map((name) => ratio(over(all, name)?.[which])),
  ]);
  return table(
    [
      'N, m, K',
      'step: best PyTorch with autograd / ours',
      'step: PyTorch, closed form by hand / ours',
      'step: products alone / ours',
      'forward: SDPA / ours',
      'forward: products alone / ours',
    ],
    [...rows, ...summary],
  );
}

function timingTable(comparison: ShapeComparison): string {
  const { tokens, dimension, prototypes } = comparison.shape;
  const gigaflops = (4 * tokens * dimension * prototypes) / 1e6;
  const rows = (['step', 'step products', 'forward', 'forward products'] as const).flatMap((work) =>
    timingsOf(comparison, work).map(({ name, milliseconds: time, rounds }) => [
      work.startsWith('step') ? 'step' : 'forward',
      name,
      milliseconds(time.median),
      milliseconds(time.min),
      milliseconds(time.max),
      (gigaflops / time.median).toFixed(0),
      String(rounds),
    ]),
  );
  const missing = Object.entries(comparison.leftOut).map(([name, reason]) => `\nLeft out: ${name} (${reason}).`);
  return `### ${tokens}, ${dimension}, ${prototypes}\n\n${table(['work', 'by', 'median ms', 'min', 'max', 'GFLOP/s', 'rounds'], rows)}\n${missing.join('')}`;
}

/** The page `docs/results/backend-ort.md`. */
export function formatReport(report: Report): string {
  const { overhead, memory } = report;
  return `# Speed of \`@ddcl/backend-ort\`

${report.date}. ${report.machine}. ${report.versions}. Made by \`${report.command}\`.

One run, ${report.threads} threads everywhere (tfjs: one), medians of ${report.rounds} rounds in which each contestant runs once, so that the noise
of the machine hits all alike. Before anything is timed, all contestants must agree on losses, gradients and outputs. Step:
L_q, its gradient with respect to the prototypes, Adam; tokens stay where they are, and PyTorch forms with squares kept keep what follows
from them alone. Forward: y, L_q, L_OLS and V. SDPA makes the augmented query [z, 1] in the call, as the tokens come without it; with a
query made beforehand it is listed, but not in the ratio. Products alone: this backend's own matrix products of the same FLOPs, with
their N x K result in memory; a tiled pass that never writes it can be faster. Ratios above 1 are in this backend's favour.

The processors are shared with other machines: where the median is far above the minimum, others were at work, and a ratio of
medians says how both fare beside them.

![Ratios on each shape](backend-ort.svg)

${ratioTable(report.comparisons, 'median')}

The same of each contestant's quickest round, the nearest to a machine without others:

${ratioTable(report.comparisons, 'min')}

One run of a small program takes ${overhead.backend.toFixed(0)} microseconds, the bare session ${overhead.session.toFixed(0)}: ${overhead.difference.toFixed(0)} microseconds
of overhead (medians of ${overhead.runs}). ${formatMemory(memory)}
The steps (N = 1024, m = 32, K = 16) are made in a process of their own, with garbage collected before each look.

${report.comparisons.map(timingTable).join('\n')}`;
}
