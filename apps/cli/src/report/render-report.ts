import { dynamicsFigures } from './dynamics.ts';
import { escapeHtml } from './escape-html.ts';
import { renderFigure } from './figure.ts';
import type { ClassRow } from '../measures/label-scores.ts';
import type { FitReport } from './fit-report.ts';
import { formatNumber, formatSeconds } from './format-number.ts';
import { htmlPage } from './html-page.ts';
import { phasePortrait } from './phase-portrait.ts';
import { projectionFigures } from './projection-figures.ts';
import { classTable, historyTable, measureTables, pairs } from './tables.ts';
import { thinHistory } from './thin-history.ts';

const mostRecords = 300;

/**
 * The report of a fit as one HTML page that needs nothing else: no script, no request, charts as SVG inside it. The same
 * report gives the same bytes.
 */
export function renderReport(report: FitReport): string {
  const { title, measures, history, projection, perClass, settings, warnings, command, versions } = report;
  const thinned = thinHistory(history, mostRecords);
  const dynamics = thinned.length === 0 ? [] : [...dynamicsFigures(thinned, measures), phasePortrait(thinned)];
  const lede =
    `${formatNumber(measures.prototypes)} ${measures.prototypes === 1 ? 'prototype' : 'prototypes'} for ` +
    `${formatNumber(measures.tokens)} tokens of dimension ${formatNumber(measures.dimension)}, ` +
    `fitted in ${formatSeconds(measures.seconds)} on the ${measures.backend} backend.`;

  const body = [
    `<header>\n<h1>${escapeHtml(title)}</h1>\n<p class="lede">${escapeHtml(lede)}</p>\n${warningList(warnings)}</header>`,
    '<section aria-labelledby="final">\n<h2 id="final">Final measurement</h2>',
    measureTables(measures),
    '<p class="note">A fit is free of collapse when all K prototypes are distinct and the smallest Hessian eigenvalue ' +
      'is positive at a stationary point. Losses and eigenvalues are per unit of token weight.</p>\n</section>',
    '<section aria-labelledby="tokens">\n<h2 id="tokens">Tokens and prototypes</h2>',
    besideOrBelow(projectionFigures(projection, measures.tokens).map(renderFigure).join('\n'), perClass ?? []),
    '</section>\n<section aria-labelledby="dynamics">\n<h2 id="dynamics">Training dynamics</h2>',
    dynamics.length === 0
      ? '<p class="empty">No history was recorded.</p>'
      : `<div class="figures">\n${dynamics.map(renderFigure).join('\n')}\n</div>\n` +
        `<details class="card numbers"><summary>The numbers behind the charts</summary>${historyTable(history)}</details>`,
    '</section>\n<section aria-labelledby="origin">\n<h2 id="origin">How it was made</h2>',
    command === undefined ? '' : `<div class="card"><h3>Command</h3><pre>${escapeHtml(command)}</pre></div>`,
    `<div class="tables origin">${pairs('Settings', Object.entries(settings))}`,
    `${versions === undefined ? '' : pairs('Versions', Object.entries(versions))}</div>\n</section>`,
  ];
  return htmlPage(title, body.filter((part) => part !== '').join('\n'));
}

/** The figures with the table of classes: among them, or below where it is longer than they are. */
function besideOrBelow(figures: string, rows: readonly ClassRow[]): string {
  const table = rows.length === 0 ? '' : `\n<div class="card classes">${classTable(rows)}</div>`;
  return rows.length > 10
    ? `<div class="figures">\n${figures}\n</div>${table}`
    : `<div class="figures">\n${figures}${table}\n</div>`;
}

function warningList(warnings: readonly string[]): string {
  if (warnings.length === 0) return '';
  const items = warnings.map((warning) => `<li>${escapeHtml(warning)}</li>`);
  return `<div class="warnings" role="note"><h2>Warnings</h2><ul>${items.join('')}</ul></div>\n`;
}
