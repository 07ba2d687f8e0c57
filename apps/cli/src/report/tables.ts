import { escapeHtml } from './escape-html.ts';
import type { ClassRow } from '../measures/label-scores.ts';
import { formatExplained, type FitMeasures } from '../measures/measures.ts';
import type { HistoryRecord } from '@ddcl/core/fit';
import { formatNumber, formatSeconds, formatShare } from './format-number.ts';
import { classCells } from './per-class-table.ts';
import { thinHistory } from './thin-history.ts';

/** The final measurement as small tables, one for each subject. */
export function measureTables(measures: FitMeasures): string {
  const { loss, separation, stability, labels } = measures;
  const tables = [
    pairs('Data', [
      ['Tokens', formatNumber(measures.tokens)],
      ['Dimension m', formatNumber(measures.dimension)],
      ['Prototypes K', formatNumber(measures.prototypes)],
      ['Backend', measures.backend],
      ['Time', formatSeconds(measures.seconds)],
    ]),
    pairs('Temperature', [
      ['Temperature T', formatNumber(measures.temperature)],
      ['Critical temperature T_c', formatNumber(measures.criticalTemperature)],
      ['T / T_c', formatNumber(measures.temperature / measures.criticalTemperature)],
    ]),
    pairs('Loss per token', [
      ['Soft quantization error L_q', formatNumber(loss.lq)],
      ['Reconstruction L_OLS', formatNumber(loss.lols)],
      ['Diversity V', formatNumber(loss.v)],
      ['Hard quantization error', formatNumber(loss.hard)],
      ['Total variance of the tokens', formatNumber(measures.totalVariance)],
      ['Variance explained', formatExplained(measures)],
      ['Defect |L_q − L_OLS − V| / L_q', formatNumber(loss.defect)],
    ]),
    pairs('Prototypes', [
      ['Used', formatShare(measures.used)],
      ['Distinct', `${formatNumber(measures.distinct)} of ${formatNumber(measures.prototypes)}`],
      ['Perplexity', formatNumber(measures.perplexity)],
      ['Mean separation', formatNumber(separation.mean)],
      ['Minimum separation', formatNumber(separation.min)],
      ['Assignment entropy (nats)', formatNumber(measures.entropy)],
    ]),
    pairs('Stability', [
      ['Smallest Hessian eigenvalue', formatNumber(stability.lambdaMin)],
      ['Largest Hessian eigenvalue', formatNumber(stability.lambdaMax)],
      ['Smallest curvature (undivided tokens: 1)', formatNumber(stability.curvature.smallest)],
      [stability.sampled ? 'Measured on a sample of tokens' : 'Measured on tokens', formatNumber(stability.tokens)],
      ['Largest safe learning rate', formatNumber(stability.maxLearningRate)],
    ]),
  ];
  if (labels !== undefined) {
    tables.push(
      pairs('Agreement with labels', [
        ['Accuracy ACC', formatShare(labels.acc)],
        ['Mutual information NMI', formatNumber(labels.nmi)],
        ['Adjusted Rand index ARI', formatNumber(labels.ari)],
      ]),
    );
  }
  return `<div class="tables">\n${tables.join('\n')}\n</div>`;
}

/** A table of names and values. */
export function pairs(caption: string, rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  return `<div class="card"><table class="pairs"><caption>${escapeHtml(caption)}</caption><tbody>${lines.join('')}</tbody></table></div>`;
}

/** How each class was found, largest class first. */
export function classTable(rows: readonly ClassRow[]): string {
  return grid(
    'Classes, each matched to at most one prototype',
    ['Class', 'Tokens', 'Prototype', 'Recall'],
    classCells(rows),
  );
}

const number =
  (pick: (record: HistoryRecord) => number) =>
  (record: HistoryRecord): string =>
    formatNumber(pick(record));

const historyColumns: readonly (readonly [name: string, cell: (record: HistoryRecord) => string])[] = [
  ['Step', number(({ step }) => step)],
  ['Epoch', number(({ epoch }) => epoch)],
  ['T', number(({ temperature }) => temperature)],
  ['Rate', number(({ learningRate }) => learningRate)],
  ['L_q', number(({ loss }) => loss.lq)],
  ['L_OLS', number(({ loss }) => loss.lols)],
  ['V', number(({ loss }) => loss.v)],
  ['Hard', number(({ loss }) => loss.hard)],
  ['Separation, mean', number(({ separation }) => separation.mean)],
  ['min', number(({ separation }) => separation.min)],
  ['Entropy', number(({ entropy }) => entropy)],
  ['Used', ({ used }) => formatShare(used)],
  ['Distinct', number(({ distinct }) => distinct)],
  ['Perplexity', number(({ perplexity }) => perplexity)],
];

/** The charts' numbers at about twenty moments, for readers who cannot see the charts. */
export function historyTable(history: readonly HistoryRecord[]): string {
  const shown = thinHistory(history, 20);
  return grid(
    `${formatNumber(shown.length)} of ${formatNumber(history.length)} records`,
    historyColumns.map(([name]) => name),
    shown.map((record) => historyColumns.map(([, cell]) => cell(record))),
  );
}

/** A table that scrolls by itself where the page is narrower; the first column names the row. */
export function grid(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `<tr>${cells
      .map((cell, column) =>
        column === 0 ? `<th scope="row">${escapeHtml(cell)}</th>` : `<td>${escapeHtml(cell)}</td>`,
      )
      .join('')}</tr>`;
  const heads = head.map((name) => `<th scope="col">${escapeHtml(name)}</th>`).join('');
  return (
    `<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(caption)}">` +
    `<table class="grid"><caption>${escapeHtml(caption)}</caption>` +
    `<thead><tr>${heads}</tr></thead><tbody>\n${rows.map(line).join('\n')}\n</tbody></table></div>`
  );
}
