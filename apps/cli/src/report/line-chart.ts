import { axisStyle, frame, nameBelow } from './axes.ts';
import { drawChart, type ChartOption } from './draw-chart.ts';
import type { Figure } from './figure.ts';
import { formatNumber, formatTick } from './format-number.ts';
import { dashes, lineLegend } from './legend.ts';
import { niceRange } from './nice-range.ts';
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
  /** What the steps are. Default `step`. */
  readonly axis?: string;
  readonly lines: readonly Line[];
  /** `linear` begins at 0; `close` begins near the smallest value; `log` leaves out values that are not positive. */
  readonly scale: 'linear' | 'close' | 'log';
  /** A level to compare with, always inside the plot. */
  readonly reference?: { readonly value: number; readonly name: string } | undefined;
}

const height = 220;

/** Draws the chart with its legend. */
export function lineChart({ id, title, caption, steps, axis = 'step', lines, scale, reference }: LineChart): Figure {
  const usable = (value: number): boolean => Number.isFinite(value) && (scale !== 'log' || value > 0);
  const values = lines.flatMap((line) => line.values).filter(usable);
  const legend = lines.length > 1 ? lineLegend(lines.map((line) => line.name)) : '';
  if (values.length === 0)
    return { id, title, caption, legend: '', drawing: '<p class="empty">Nothing was recorded.</p>' };

  const shown = reference !== undefined && usable(reference.value) ? reference : undefined;
  // Some more than its value, so that its name has room above the line.
  const within = shown === undefined ? values : [...values, 1.12 * shown.value];
  const option: ChartOption = {
    grid: frame,
    xAxis: { type: 'value', ...stepRange(steps), splitNumber: 4, ...axisStyle, ...nameBelow(axis) },
    yAxis: valueAxis(within, scale),
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
      lineStyle: {
        color: hue(index),
        width: 2,
        type: (dashes[index] ?? []).length === 0 ? 'solid' : [...(dashes[index] ?? [])],
      },
      ...(index === 0 && shown !== undefined ? { markLine: level(shown) } : {}),
    })),
  };
  const spans = lines.map(({ name, values: all }) => {
    const [first, last] = [all[0] as number, all.at(-1) as number];
    return all.length === 1
      ? `${name} is ${formatNumber(first)}`
      : `${name} from ${formatNumber(first)} to ${formatNumber(last)}`;
  });
  const description = `${spans.join('; ')}; over ${axis}s ${formatNumber(steps[0] as number)} to ${formatNumber(steps.at(-1) as number)}.`;
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

function stepRange(steps: readonly number[]): object {
  const [min, max] = [steps[0] as number, steps.at(-1) as number];
  return min === max ? { min: min - 1, max: max + 1, interval: 1 } : { min, max };
}

/** The vertical axis from the values that have to be on it. */
function valueAxis(values: readonly number[], scale: LineChart['scale']): object {
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  if (scale !== 'log')
    return { type: 'value', ...axisStyle, ...niceRange(scale === 'close' ? least : Math.min(0, least), most) };
  return {
    type: 'log',
    ...axisStyle,
    // Down to a power of ten, so that there is always one to read by, but not up to one: that would waste space.
    min: 10 ** Math.floor(Math.log10(least) + 1e-9),
    max: most * 2,
    axisLabel: {
      ...axisStyle.axisLabel,
      formatter: (value: number) => (Math.abs(Math.log10(value) % 1) < 1e-9 ? formatTick(value) : ''),
    },
  };
}
