import type { HistoryRecord } from '@ddcl/core/fit';
import { axisStyle, nameAbove, nameBelow, namedFrame } from './axes.ts';
import { drawChart, type ChartOption } from './draw-chart.ts';
import type { Figure } from './figure.ts';
import { formatNumber } from './format-number.ts';
import { rampLegend } from './legend.ts';
import { niceRange, type NiceRange } from './nice-range.ts';
import { rampColour, rampLength } from './palette.ts';

/** Mean separation and V. */
type Point = readonly [number, number];

const id = 'phase';
const title = 'Phase portrait';
const caption =
  'The path of the fit in the plane of separation and diversity; colour is the step. It leaves the collapsed state ' +
  'at the lower left, turns where cooling takes over, and ends where the fit settled: many points close together ' +
  'at the end mean that it has.';

/** V against the mean separation, coloured by step. `history` is not empty and already thinned. */
export function phasePortrait(history: readonly HistoryRecord[]): Figure {
  const path = history
    .map((record) => ({ step: record.step, at: [record.separation.mean, record.loss.v] as Point }))
    .filter(({ at }) => at.every(Number.isFinite));
  const start = path[0];
  const end = path.at(-1);
  if (start === undefined || end === undefined)
    return { id, title, caption, legend: '', drawing: '<p class="empty">Nothing was recorded.</p>' };

  const [horizontal, vertical] = [0, 1].map((axis) =>
    niceRange(0, Math.max(...path.map(({ at }) => at[axis] as number))),
  ) as [NiceRange, NiceRange];
  const pieces = path.slice(1).map((point, index) => ({ from: path[index] as typeof point, to: point }));
  const bin = (step: number): number =>
    Math.min(rampLength - 1, Math.floor(((step - start.step) / (end.step - start.step || 1)) * rampLength));
  // Names go to the side that has room, and not onto each other.
  const side = (at: Point): string => (at[0] > horizontal.max / 2 ? 'left' : 'right');
  // Names of points on the axis go above its line.
  const lift = (at: Point): number => (at[1] < 0.05 * vertical.max ? -9 : 0);
  const near = (a: Point, b: Point): boolean =>
    Math.abs(a[0] - b[0]) < 0.4 * horizontal.max && Math.abs(a[1] - b[1]) < 0.1 * vertical.max;
  const option: ChartOption = {
    grid: namedFrame,
    xAxis: { type: 'value', ...horizontal, ...axisStyle, ...nameBelow('mean separation') },
    yAxis: { type: 'value', ...vertical, ...axisStyle, ...nameAbove('diversity term V') },
    series: [
      // One line per colour: CSS variables cannot be mixed to a gradient.
      ...Array.from({ length: rampLength }, (_, index) => {
        const mine = pieces.filter(({ from }) => bin(from.step) === index);
        const points =
          mine.length === 0 ? [] : [(mine[0] as (typeof mine)[number]).from.at, ...mine.map(({ to }) => to.at)];
        return {
          type: 'line' as const,
          data: points.map((point) => [...point]),
          showSymbol: points.length < 60,
          symbol: 'circle',
          symbolSize: 4,
          silent: true,
          emphasis: { disabled: true },
          color: rampColour(index),
          itemStyle: { color: rampColour(index) },
          lineStyle: { color: rampColour(index), width: 2.5, type: 'solid' as const },
        };
      }),
      ...(path.length === 1
        ? [endPoint('start = end', start.at, 'circle', side(start.at), lift(start.at))]
        : [
            endPoint('start', start.at, 'circle', near(start.at, end.at) ? 'top' : side(start.at), lift(start.at)),
            endPoint('end', end.at, 'rect', side(end.at), lift(end.at)),
          ]),
    ],
  };
  const say = ([separation, v]: Point): string => `separation ${formatNumber(separation)} and V ${formatNumber(v)}`;
  return {
    id,
    title,
    caption,
    legend: path.length === 1 ? '' : rampLegend(`step ${formatNumber(start.step)}`, formatNumber(end.step)),
    drawing: drawChart({
      id: `${id}-chart`,
      title,
      description: `From ${say(start.at)} to ${say(end.at)}.`,
      height: 240,
      option,
    }),
  };
}

/** A marked and named point. */
function endPoint(name: string, at: Point, symbol: string, position: string, lift: number): object {
  return {
    type: 'scatter',
    data: [[...at]],
    symbol,
    symbolSize: 10,
    silent: true,
    z: 5,
    clip: false,
    emphasis: { disabled: true },
    itemStyle: { color: 'var(--surface)', borderColor: 'var(--ink)', borderWidth: 2, opacity: 1 },
    label: {
      show: true,
      formatter: name,
      position,
      offset: [0, lift],
      distance: 8,
      color: 'var(--ink)',
      fontSize: 12,
      textBorderColor: 'var(--surface)',
      textBorderWidth: 3,
    },
  };
}
