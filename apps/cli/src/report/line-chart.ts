import { axisStyle, frame, nameBelow } from './axes.ts';
import { drawChart, type ChartOption } from './draw-chart.ts';
import type { Figure } from './figure.ts';
import { formatNumber } from './format-number.ts';
import { dashes, lineLegend } from './legend.ts';
import { hue } from './palette.ts';

/** A quantity over the steps of a fit. */
export interface Line {
  readonly name: string;
  readonly values: readonly number[];
}

/** A chart of up to three lines over steps. */
export interface LineChart {
  readonly id: string;
  readonly title: string;
  readonly caption: string;
  readonly steps: readonly number[];
  readonly lines: readonly Line[];
  /** `linear` begins at 0; `close` begins near the smallest value; `log` leaves out values that are not positive. */
  readonly scale: 'linear' | 'close' | 'log';
  /** A level to compare with, always inside the plot. */
  readonly reference?: { readonly value: number; readonly name: string } | undefined;
}

const height = 220;

/** Draws the chart with its legend. */
export function lineChart({ id, title, caption, steps, lines, scale, reference }: LineChart): Figure {
  const usable = (value: number): boolean => Number.isFinite(value) && (scale !== 'log' || value > 0);
  const values = lines.flatMap((line) => line.values).filter(usable);
  const legend = lines.length > 1 ? lineLegend(lines.map((line) => line.name)) : '';
  if (values.length === 0) {
    return { id, title, caption, legend: '', drawing: '<p class="empty">Nothing was recorded.</p>' };
  }

  const shown = reference !== undefined && usable(reference.value) ? reference : undefined;
  const within = shown === undefined ? values : [...values, shown.value];
  const option: ChartOption = {
    grid: frame,
    xAxis: { type: 'value', ...stepRange(steps), splitNumber: 4, ...axisStyle, ...nameBelow('step') },
    yAxis: { type: scale === 'log' ? 'log' : 'value', ...valueRange(within, scale), splitNumber: 4, ...axisStyle },
    series: lines.map((line, index) => ({
      type: 'line' as const,
      data: line.values.flatMap((value, at) => (usable(value) ? [[steps[at] as number, value]] : [])),
      // A single record has no line.
      showSymbol: steps.length < 3,
      symbol: 'circle',
      symbolSize: 7,
      silent: true,
      emphasis: { disabled: true },
      color: hue(index),
      lineStyle: { color: hue(index), width: 2, type: (dashes[index] ?? []).length === 0 ? 'solid' : [...(dashes[index] ?? [])] },
      ...(index === 0 && shown !== undefined ? { markLine: level(shown) } : {}),
    })),
  };
  const spans = lines.map(({ name, values: all }) => {
    const [first, last] = [all[0] as number, all.at(-1) as number];
    return all.length === 1 ? `${name} is ${formatNumber(first)}` : `${name} from ${formatNumber(first)} to ${formatNumber(last)}`;
  });
  const description = `${spans.join('; ')}; over steps ${formatNumber(steps[0] as number)} to ${formatNumber(steps.at(-1) as number)}.`;
  return { id, title, caption, legend, drawing: drawChart({ id: `${id}-chart`, title, description, height, option }) };
}

function level({ value, name }: { readonly value: number; readonly name: string }): object {
  return {
    silent: true,
    symbol: 'none',
    lineStyle: { color: 'var(--muted)', type: [4, 4], width: 1 },
    label: { position: 'insideEndTop', formatter: name, color: 'var(--muted)', fontSize: 12, distance: [2, 3] },
    data: [{ yAxis: value }],
  };
}

function stepRange(steps: readonly number[]): { min: number; max: number } {
  const [min, max] = [steps[0] as number, steps.at(-1) as number];
  return min === max ? { min: min - 1, max: max + 1 } : { min, max };
}

/** Ends of the vertical axis; what is left out the library rounds to a tick. */
function valueRange(values: readonly number[], scale: LineChart['scale']): { min?: number; max?: number; scale?: boolean } {
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  // A little more than the largest value, so that the name of the reference has room above its line.
  if (scale === 'log') return { min: least / 1.3, max: most * 2 };
  if (least === most) return least === 0 ? { min: 0, max: 1 } : { min: Math.min(0, 2 * least), max: Math.max(0, 2 * least) };
  return scale === 'close' ? { scale: true } : { min: Math.min(0, least), max: most + 0.15 * most };
}
