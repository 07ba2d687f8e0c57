import { contractEntry, type ConformanceReport, type ReportEntry } from './report.ts';

const short: Readonly<Record<string, string>> = {
  float32: 'f32',
  float64: 'f64',
  int32: 'i32',
  float16: 'f16',
};
const order = ['float32', 'float64', 'int32', 'float16'];

/** Numbers the reasons of deviations, so that a cell can point to them. */
class Footnotes {
  readonly #reasons: string[] = [];

  mark(reasons: readonly string[]): string {
    return reasons
      .map((reason) => {
        if (!this.#reasons.includes(reason)) this.#reasons.push(reason);
        return `[${this.#reasons.indexOf(reason) + 1}]`;
      })
      .join('');
  }

  get lines(): string[] {
    return this.#reasons.map((reason, index) => `[${index + 1}] ${reason.replaceAll('\n', ' ')}  `);
  }
}

function cell(report: ConformanceReport, op: string, notes: Footnotes): string {
  const entries = report.entries
    .filter((entry) => entry.op === op)
    .sort((a, b) => order.indexOf(a.dtype ?? '') - order.indexOf(b.dtype ?? ''));
  if (entries.length === 0) return '';
  const text = (entry: ReportEntry): string => {
    const name = entry.dtype === null ? 'yes' : (short[entry.dtype] ?? entry.dtype);
    if (entry.status === 'failed') return `~~${name}~~`;
    return entry.status === 'deviation' ? `${name} ${notes.mark(entry.reasons)}` : name;
  };
  const own = report.capabilities.composites.includes(op) ? ' *' : '';
  return entries.map(text).join(' ') + own;
}

/** What each backend can do, as a Markdown table: op by backend. */
export function supportTable(reports: readonly ConformanceReport[]): string {
  const sorted = [...reports].sort((a, b) => (a.backend < b.backend ? -1 : 1));
  const ops = new Set(sorted.flatMap(({ entries }) => entries.map(({ op }) => op)));
  const isComposite = (op: string): boolean => op.includes('/');
  const rank = (op: string): number => (op === contractEntry ? 0 : isComposite(op) ? 2 : 1);
  const rows = [...ops].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const notes = new Footnotes();
  const lines = [
    `| | ${sorted.map(({ backend }) => backend).join(' | ')} |`,
    `| --- |${' --- |'.repeat(sorted.length)}`,
    `| cases | ${sorted.map(({ cases }) => String(cases)).join(' | ')} |`,
    ...rows.map((op) => {
      const title = op === contractEntry ? 'contract' : `\`${op}\``;
      return `| ${title} | ${sorted.map((report) => cell(report, op, notes)).join(' | ')} |`;
    }),
  ];
  const legend =
    '\\* with a kernel of its own; other composites run decomposed. A number is a known deviation, ~~struck~~ a failure.';
  return [...lines, '', legend, ...(notes.lines.length > 0 ? ['', ...notes.lines] : [])].join('\n').trimEnd();
}

const start = '<!-- conformance -->';
const end = '<!-- /conformance -->';

/**
 * Puts the table between `<!-- conformance -->` and `<!-- /conformance -->`.
 * @throws Error if the document lacks the markers
 */
export function insertTable(document: string, table: string): string {
  const [from, to] = [document.indexOf(start), document.indexOf(end)];
  if (from === -1 || to < from)
    throw new Error(`The document lacks the lines ${start} and ${end}, between which the table goes.`);
  return `${document.slice(0, from + start.length)}\n\n${table}\n\n${document.slice(to)}`;
}
