import type { FitComparison, FitRun } from './compare-fits.ts';

export interface PageFrame {
  readonly date: string;
  readonly machine: string;
  readonly versions: string;
  readonly command: string;
  readonly threads: number;
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const short = (value: number): string => Number(value.toPrecision(value < 10 ? 2 : 3)).toString();

function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return values.length < 2 ? 0 : Math.sqrt(values.reduce((sum, x) => sum + (x - centre) ** 2, 0) / (values.length - 1));
}

/** The table of one number of prototypes: contestants in the order in which they ran. */
function tableOf(runs: readonly FitRun[], variance: number): string {
  const names = [...new Set(runs.map(({ contestant }) => contestant))];
  const of = (name: string): readonly FitRun[] => runs.filter(({ contestant }) => contestant === name);
  const reference = names.includes('faiss') ? mean(of('faiss').map(({ seconds }) => seconds)) : undefined;
  const header = ['', 'seconds', 'times faiss', 'hard error', 'variance explained', 'used', 'whole command', 'MB'];
  const rows = names.map((name) => {
    const own = of(name);
    const seconds = mean(own.map((run) => run.seconds));
    const hard = own.map((run) => run.hard);
    const commands = own.flatMap(({ command }) => (command === undefined ? [] : [command]));
    const spread = own.length < 2 ? '' : ` +- ${deviation(hard).toFixed(3)}`;
    return [
      name,
      short(seconds),
      reference === undefined ? '-' : (seconds / reference).toFixed(2),
      `${mean(hard).toFixed(3)}${spread}`,
      `${((1 - mean(hard) / variance) * 100).toFixed(2)} %`,
      short(mean(own.map((run) => run.used))),
      commands.length === 0 ? '-' : `${short(mean(commands.map((each) => each.seconds)))} s`,
      commands.length === 0 ? '-' : Math.max(...commands.map((each) => each.megabytes)).toFixed(0),
    ];
  });
  return [header, header.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map(line).join('\n');
}

/** Where the seconds of a command go, and its certificate, seed by seed. */
function commandsOf(runs: readonly FitRun[]): string {
  const rows = runs.flatMap(({ contestant, seed, command, prototypes }) =>
    command === undefined
      ? []
      : [
          `- ${contestant}, seed ${seed}: ${Object.entries(command.phases)
            .map(([phase, seconds]) => `${phase} ${seconds.toFixed(2)} s`)
            .join(', ')}; distinct ${command.distinct} of ${prototypes}, lambda_min ${short(command.lambdaMin)}`,
        ],
  );
  return rows.join('\n');
}

/** The page `docs/results/k-means.md`. */
export function formatFits({ tokens, dimension, variance, versions, runs }: FitComparison, frame: PageFrame): string {
  const counts = [...new Set(runs.map(({ prototypes }) => prototypes))];
  const seeds = new Set(runs.map(({ seed }) => seed)).size;
  const sections = counts.map((count) => {
    const own = runs.filter(({ prototypes }) => prototypes === count);
    return `## K = ${count}\n\n${tableOf(own, variance)}\n\n${commandsOf(own)}\n`;
  });
  return `# A fit beside k-means

${frame.date}. ${frame.machine}. ${frame.versions}, ${versions}. Made by \`${frame.command}\`.

${tokens.toLocaleString('en')} tokens of dimension ${dimension}, total variance ${variance.toFixed(2)}; ${frame.threads} threads for all but the backend cpu, which has one; means over
${seeds} ${seeds === 1 ? 'seed' : 'seeds'}, contestants in turns. Seconds are those of the fit alone: of ddcl the steps, passes, relocations and history of a default
\`ddcl fit\`, of faiss \`train\` (25 iterations on all tokens; sampled: on 256 per centroid, its default), of scikit-learn \`fit\` (one start, until it converges). The hard
error is the mean squared distance of a token to its nearest prototype, on all tokens.

${sections.join('\n')}`;
}
