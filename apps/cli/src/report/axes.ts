import type { ChartOption } from './draw-chart.ts';
import { formatTick } from './format-number.ts';

type Axis = NonNullable<Exclude<ChartOption['yAxis'], readonly unknown[]>>;

/** Space around a plot: room for ticks of seven characters, the same in all charts so that they line up. */
export const margins = { left: 56, right: 16, top: 12, bottom: 40 } as const;

/** The frame of a plot. */
export const frame: ChartOption['grid'] = { ...margins, outerBoundsMode: 'none' };

/** How every axis looks. */
export const axisStyle = {
  axisLine: { show: true, lineStyle: { color: 'var(--axis)' } },
  axisTick: { show: true, lineStyle: { color: 'var(--axis)' } },
  axisLabel: { color: 'var(--muted)', fontSize: 12, formatter: (value: number) => formatTick(value), hideOverlap: true },
  splitLine: { show: true, lineStyle: { color: 'var(--grid)' } },
  minorTick: { show: false },
} satisfies Axis;

/** A name below a horizontal axis. */
export function nameBelow(name: string): Pick<Axis, 'name' | 'nameLocation' | 'nameGap' | 'nameTextStyle'> {
  return { name, nameLocation: 'middle', nameGap: 24, nameTextStyle: { color: 'var(--muted)', fontSize: 12 } };
}

/** A name along a vertical axis. */
export function nameBeside(name: string): Pick<Axis, 'name' | 'nameLocation' | 'nameGap' | 'nameTextStyle'> {
  return { ...nameBelow(name), nameGap: 40 };
}
