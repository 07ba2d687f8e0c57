import { escapeHtml } from './escape-html.ts';
import { htmlPage } from './html-page.ts';
import { grid, pairs } from './tables.ts';

/** A table of text whose first column names the row. */
export interface TextTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** As Markdown, which reads well in a terminal too. */
export function markdownTable({ head, rows }: TextTable): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

/** The page of a comparison of quantizers. */
export function renderComparison(page: {
  readonly title: string;
  readonly about: readonly (readonly [string, string])[];
  readonly table: TextTable;
  readonly notes: readonly string[];
  readonly command: string;
}): string {
  const { title, about, table, notes, command } = page;
  return htmlPage(
    title,
    [
      `<header>\n<h1>${escapeHtml(title)}</h1>\n</header>`,
      `<section aria-labelledby="table">\n<h2 id="table">Quantizers</h2>`,
      `<div class="card numbers">${grid('Quantizers', table.head, table.rows)}</div>`,
      ...notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`),
      '</section>\n<section aria-labelledby="origin">\n<h2 id="origin">How it was made</h2>',
      `<div class="card"><h3>Command</h3><pre>${escapeHtml(command)}</pre></div>`,
      `<div class="tables origin">${pairs('Data', about)}</div>\n</section>`,
    ].join('\n'),
  );
}
