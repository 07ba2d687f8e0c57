import { escapeHtml } from './escape-html.ts';
import { groupSymbol, hue, rampColour, rampLength } from './palette.ts';

/** Dashes of the lines of a chart, in order; SVG and ECharts write them alike. */
export const dashes: readonly (readonly number[])[] = [[], [7, 4], [2, 3]];

/** Which line is which. */
export function lineLegend(names: readonly string[]): string {
  return list(
    names.map((name, index) => ({
      name,
      swatch: swatch(
        24,
        `<path d="M0 6H24" stroke="${hue(index)}" stroke-width="2.5" stroke-dasharray="${(dashes[index] ?? []).join(' ')}"/>`,
      ),
    })),
  );
}

/** Which group of points is which. `index` is that of its hue and symbol. */
export function pointLegend(groups: readonly { readonly name: string; readonly index: number }[]): string {
  return list(
    groups.map(({ name, index }) => ({
      name,
      swatch: swatch(
        12,
        groupSymbol(index) === 'circle'
          ? `<circle cx="6" cy="6" r="4.5" fill="${hue(index)}"/>`
          : `<path d="M6 1L11 11H1Z" fill="${hue(index)}"/>`,
      ),
    })),
  );
}

/** The colours of the steps from `first` to `last`. */
export function rampLegend(first: string, last: string): string {
  const cells = Array.from(
    { length: rampLength },
    (_, index) => `<rect x="${index * 12}" y="1" width="12" height="10" fill="${rampColour(index)}"/>`,
  );
  return `<p>${escapeHtml(first)} ${swatch(rampLength * 12, cells.join(''))} ${escapeHtml(last)}</p>`;
}

function swatch(width: number, content: string): string {
  return `<svg class="swatch" width="${width}" height="12" viewBox="0 0 ${width} 12" aria-hidden="true">${content}</svg>`;
}

function list(entries: readonly { readonly name: string; readonly swatch: string }[]): string {
  const items = entries.map((entry) => `<li>${entry.swatch}<span>${escapeHtml(entry.name)}</span></li>`);
  return `<ul>${items.join('')}</ul>`;
}
