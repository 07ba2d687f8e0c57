import { escapeHtml } from './escape-html.ts';

/** A chart with its words, ready for the page. */
export interface Figure {
  readonly id: string;
  readonly title: string;
  /** What is drawn and what to look for, in plain words. */
  readonly caption: string;
  /** HTML; empty where nothing needs to be told apart. */
  readonly legend: string;
  /** The SVG, or a sentence where there is nothing to draw. */
  readonly drawing: string;
}

/** A figure as HTML: always four parts, because the page lines them up with those of the neighbours. */
export function renderFigure({ id, title, caption, legend, drawing }: Figure): string {
  return (
    `<figure id="${id}">\n<h3>${escapeHtml(title)}</h3>\n<div class="legend">${legend}</div>\n${drawing}\n` +
    `<figcaption>${escapeHtml(caption)}</figcaption>\n</figure>`
  );
}
