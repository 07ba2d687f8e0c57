import type { ClassRow } from '../measures/label-scores.ts';
import { formatNumber, formatShare } from './format-number.ts';
import { printableName } from '../output/print.ts';

const longestLabel = 40;

/** Class, tokens, prototype and recall of each class, largest class first. */
export function classCells(rows: readonly ClassRow[]): [string, string, string, string][] {
  return [...rows]
    .sort((a, b) => b.tokens - a.tokens)
    .map(({ label, tokens, prototype, recall }) => [
      label,
      formatNumber(tokens),
      prototype === undefined ? 'none' : String(prototype),
      formatShare(recall),
    ]);
}

/**
 * The classes as an aligned text table for a terminal, one line each, largest class first, without a newline at the
 * end. Control characters in labels are escaped, and long labels are cut.
 */
export function formatPerClassTable(rows: readonly ClassRow[]): string {
  const head = ['class', 'tokens', 'prototype', 'recall'];
  const table = [head, ...classCells(rows).map(([label, ...cells]) => [shortLabel(label), ...cells])];
  const widths = head.map((_, column) => Math.max(...table.map((cells) => columnsOf(cells[column] as string))));
  return table
    .map((cells) =>
      cells
        .map((cell, column) => {
          const space = ' '.repeat((widths[column] as number) - columnsOf(cell));
          return column === 0 ? cell + space : space + cell;
        })
        .join('  '),
    )
    .join('\n');
}

function shortLabel(label: string): string {
  const clean = printableName(label);
  const characters = [...clean];
  if (characters.length === 0) return '(empty)';
  return characters.length <= longestLabel ? clean : `${characters.slice(0, longestLabel - 1).join('')}…`;
}

/** Columns a text takes in a terminal: two for East Asian letters and pictures, none for combining marks. */
function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue;
    const wide =
      /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u;
    columns += wide.test(character) ? 2 : 1;
  }
  return columns;
}
