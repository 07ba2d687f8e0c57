import type { CodeReport, FitRecord, QuantizerSpec } from '@ddcl/vq';
import { escapeHtml } from './escape-html.ts';
import { renderFigure, type Figure } from './figure.ts';
import { formatNumber, formatShare } from './format-number.ts';
import { htmlPage } from './html-page.ts';
import { lineChart, type LineChart } from './line-chart.ts';
import { grid, pairs } from './tables.ts';
import { thinHistory } from './thin-history.ts';

/** All that the page of a quantizer shows. Texts may hold anything; they are escaped. */
export interface QuantizerPage {
  readonly title: string;
  readonly about: readonly (readonly [string, string])[];
  readonly report: CodeReport;
  readonly history: readonly FitRecord[];
  readonly warnings: readonly string[];
  readonly settings: QuantizerSpec;
  readonly command: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** Moments of a fit at which many codebooks are compared. */
const moments = 40;

/** The page of a fitted quantizer: needs nothing else, no script, no request. The same content gives the same bytes. */
export function renderQuantizer(page: QuantizerPage): string {
  const { title, about, report, history, warnings, settings, command, versions } = page;
  const listed = warnings.map((warning) => `<li>${escapeHtml(warning)}</li>`).join('');
  const figures = (all: readonly Figure[]): string =>
    `<div class="figures">\n${all.map(renderFigure).join('\n')}\n</div>`;
  const body = [
    `<header>\n<h1>${escapeHtml(title)}</h1>\n`,
    warnings.length === 0 ? '' : `<div class="warnings" role="note"><h2>Warnings</h2><ul>${listed}</ul></div>\n`,
    '</header>\n<section aria-labelledby="final">\n<h2 id="final">Final measurement</h2>',
    `<div class="tables">${pairs('On the vectors of the fit', about)}</div>\n</section>`,
    '<section aria-labelledby="books">\n<h2 id="books">Codebooks</h2>',
    figures(bookFigures(report)),
    `<div class="card numbers">${placeTable(report)}</div>\n</section>`,
    ...(history.length === 0
      ? []
      : [
          '<section aria-labelledby="course">\n<h2 id="course">Course of the fit</h2>',
          figures(courseFigures(history)),
          '</section>',
        ]),
    '<section aria-labelledby="origin">\n<h2 id="origin">How it was made</h2>',
    `<div class="card"><h3>Command</h3><pre>${escapeHtml(command)}</pre></div>`,
    `<div class="tables origin">${pairs(
      'Settings',
      Object.entries(settings).map(([name, value]) => [name, String(value)] as const),
    )}${pairs('Versions', Object.entries(versions))}</div>\n</section>`,
  ];
  return htmlPage(title, body.filter((part) => part !== '').join('\n'));
}

/** Use and perplexity of each codebook, and what each residual level leaves. */
function bookFigures({ places, levelErrors, variance }: CodeReport): Figure[] {
  const numbers = places.map((_, index) => index + 1);
  return [
    lineChart({
      id: 'books-use',
      title: 'Use of each codebook',
      caption:
        'Share of its codes that at least one vector has. Codes that none has are dead: they cost bits and give nothing.',
      axis: 'codebook',
      steps: numbers,
      scale: 'linear',
      lines: [{ name: 'use', values: places.map(({ use }) => use) }],
      reference: { value: 1, name: 'all' },
    }),
    lineChart({
      id: 'books-perplexity',
      title: 'Perplexity of each codebook',
      caption: 'How many codes would be as hard to guess if all were used alike.',
      axis: 'codebook',
      steps: numbers,
      scale: 'linear',
      lines: [{ name: 'perplexity', values: places.map(({ perplexity }) => perplexity) }],
    }),
    lineChart({
      id: 'levels',
      title: 'Error after each level',
      caption:
        'Mean squared distance of a vector to that of its codes; level 0 is the variance, what no code at all leaves.',
      axis: 'level',
      steps: [0, ...levelErrors.map((_, level) => level + 1)],
      scale: 'linear',
      lines: [{ name: 'error', values: [variance, ...levelErrors] }],
    }),
  ];
}

function placeTable({ places }: CodeReport): string {
  return grid(
    'Codebooks',
    ['Group', 'Level', 'Used', 'Dead', 'Perplexity'],
    places.map(({ slice, level, use, dead, perplexity }) => [
      String(slice + 1),
      String(level + 1),
      formatShare(use),
      formatNumber(dead.length),
      formatNumber(perplexity),
    ]),
  );
}

const placeOf = ({ slice, level }: FitRecord): string => `${slice}.${level}`;

/** Error, use and perplexity over the fit: of all together, or with a fit for each codebook the least, mean and most of them. */
function courseFigures(history: readonly FitRecord[]): Figure[] {
  const names = [...new Set(history.map(placeOf))];
  const courses = names.map((name) => history.filter((record) => placeOf(record) === name));
  const about = {
    axis: courses.length === 1 ? 'step' : '% of its step',
  };
  const chart = (what: 'error' | 'use' | 'perplexity', title: string, caption: string, scale: LineChart['scale']) =>
    lineChart({ ...about, id: `course-${what}`, title, caption, scale, ...courseOf(courses, what) });
  return [
    chart('error', 'Error', 'Mean squared distance to the nearest code, on a sample.', 'linear'),
    chart('use', 'Use', 'Share of the codes that are nearest to some vector of the sample.', 'linear'),
    chart('perplexity', 'Perplexity', 'Effective number of codes on the sample.', 'linear'),
  ];
}

function courseOf(
  courses: readonly (readonly FitRecord[])[],
  what: 'error' | 'use' | 'perplexity',
): Pick<LineChart, 'steps' | 'lines'> {
  const [only] = courses;
  if (courses.length === 1) {
    const shown = thinHistory(only!, 300);
    return { steps: shown.map(({ step }) => step), lines: [{ name: what, values: shown.map((each) => each[what]) }] };
  }
  const steps = Array.from({ length: moments + 1 }, (_, moment) => (100 * moment) / moments);
  // The last record of each codebook at that share of its own fit.
  const at = (share: number): number[] =>
    courses.map((records) => {
      const end = records.at(-1)!.step;
      return (records.findLast(({ step }) => step <= (share / 100) * end) ?? records[0]!)[what];
    });
  const all = steps.map(at);
  return {
    steps,
    lines: [
      { name: 'least', values: all.map((values) => Math.min(...values)) },
      { name: 'mean', values: all.map((values) => values.reduce((sum, each) => sum + each, 0) / values.length) },
      { name: 'most', values: all.map((values) => Math.max(...values)) },
    ],
  };
}
