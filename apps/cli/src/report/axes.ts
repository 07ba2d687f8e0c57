import type { ChartOption } from './draw-chart.ts';
import type { GridComponentOption } from './echarts.ts';
import { formatTick } from './format-number.ts';

type Axis = NonNullable<Exclude<ChartOption['yAxis'], readonly unknown[]>>;

/** What all axes share; the tick labels are named apart because a chart may add to them. */
interface AxisStyle extends Pick<Axis, 'axisLine' | 'axisTick' | 'splitLine'> {
  readonly axisLabel: object;
}

/** Space around a plot: room for ticks of seven characters, the same in all charts so that they line up. */
export const margins: Readonly<Record<'left' | 'right' | 'top' | 'bottom', number>> = {
  left: 60,
  right: 16,
  top: 12,
  bottom: 40,
};

/** The frame of a plot. */
export const frame: GridComponentOption = { ...margins, outerBoundsMode: 'none' };

/** The frame of a plot with a name above its vertical axis. */
export const namedFrame: GridComponentOption = { ...frame, top: 30 };

/** How every axis looks. */
export const axisStyle: AxisStyle = {
  axisLine: { show: true, onZero: false, lineStyle: { color: 'var(--axis)' } },
  axisTick: { show: true, lineStyle: { color: 'var(--axis)' } },
  axisLabel: {
    color: 'var(--muted)',
    fontSize: 12,
    formatter: (value: number) => formatTick(value),
    hideOverlap: true,
  },
  splitLine: { show: true, lineStyle: { color: 'var(--grid)' } },
};

/** A name below a horizontal axis. */
export function nameBelow(name: string): Pick<Axis, 'name' | 'nameLocation' | 'nameGap' | 'nameTextStyle'> {
  return { name, nameLocation: 'middle', nameGap: 24, nameTextStyle: { color: 'var(--muted)', fontSize: 12 } };
}

/** A name above a vertical axis, where it needs no turning of the head; for use with {@link namedFrame}. */
export function nameAbove(name: string): Pick<Axis, 'name' | 'nameLocation' | 'nameGap' | 'nameTextStyle'> {
  return {
    name,
    nameLocation: 'end',
    nameGap: 10,
    nameTextStyle: { color: 'var(--muted)', fontSize: 12, align: 'left', padding: [0, 0, 0, -40] },
  };
}
