import {
  GridComponent,
  init,
  LabelLayout,
  LineChart,
  MarkLineComponent,
  ScatterChart,
  SVGRenderer,
  use,
  type ComposeOption,
  type GridComponentOption,
  type LineSeriesOption,
  type MarkLineComponentOption,
  type ScatterSeriesOption,
} from './echarts.ts';
import { escapeHtml } from './escape-html.ts';

use([LineChart, ScatterChart, GridComponent, MarkLineComponent, LabelLayout, SVGRenderer]);

/** What a chart may be made of; anything else would have to be imported above. */
export type ChartOption = ComposeOption<
  LineSeriesOption | ScatterSeriesOption | GridComponentOption | MarkLineComponentOption
>;

/** Width of every chart in CSS pixels: about a phone's, so that its text is never scaled below 11 pixels. */
export const chartWidth = 340;

/** A chart and what is read aloud in its place. */
export interface ChartDrawing {
  /** Unique in the page; letters, digits and hyphens. */
  readonly id: string;
  readonly title: string;
  /** The chart in a sentence, with its numbers. */
  readonly description: string;
  readonly height: number;
  readonly option: ChartOption;
}

/**
 * Draws a chart as an SVG element for use inside an HTML page: no script, no style of its own, no reference to anything
 * outside it, the same bytes for the same chart.
 *
 * Legends and captions are HTML around it, where they wrap. `option` must hold no text from users: only title and
 * description are escaped here.
 */
export function drawChart({ id, title, description, height, option }: ChartDrawing): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: chartWidth, height });
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily: 'sans-serif', fontSize: 12 }, ...option });
    const svg = chart.renderToSVGString();
    const inside = svg
      .slice(svg.indexOf('>') + 1)
      .replace(/<style[\s\S]*?<\/style>/g, '')
      .replace(/ (?:class|pointer-events|ecmeta_[a-z_]+)="[^"]*"/g, '')
      // The page chooses the font; the size must stay.
      .replaceAll('font-family:sans-serif;', '')
      // The renderer counts charts of the process in its ids.
      .replace(/\bzr\d+-/g, `${id}-`)
      .replace(/\n+/g, '\n');
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${chartWidth} ${height}" role="img" ` +
      `aria-labelledby="${id}-title ${id}-description">` +
      `<title id="${id}-title">${escapeHtml(title)}</title>` +
      `<desc id="${id}-description">${escapeHtml(description)}</desc>${inside}`
    );
  } finally {
    // Without it a timer keeps the process alive.
    chart.dispose();
  }
}
