import { LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent, TooltipComponent } from 'echarts/components';
import { init, use, type ECharts } from 'echarts/core';
import { CanvasRenderer } from 'echarts/renderers';
import { darkTheme, lightTheme, type Theme } from '../../../cli/src/report/palette.ts';

use([LineChart, ScatterChart, GridComponent, LegendComponent, TitleComponent, TooltipComponent, CanvasRenderer]);

/** A chart that follows the size of its place. */
export interface Chart {
  set(option: Record<string, unknown>): void;
}

const dark = matchMedia('(prefers-color-scheme: dark)');

/** The colours of the page as it is now. */
export const theme = (): Theme => (dark.matches ? darkTheme : lightTheme);

export function chartIn(id: string): Chart {
  const place = document.getElementById(id)!;
  const chart: ECharts = init(place);
  new ResizeObserver(() => chart.resize()).observe(place);
  return { set: (option) => chart.setOption(option, { notMerge: true }) };
}

/** What all charts have: a title, quiet axes, no animation of their own. */
export function chartOption(title: string, { ink, muted }: Theme): Record<string, unknown> {
  return {
    animation: false,
    title: { text: title, left: 0, top: 0, padding: [4, 0], textStyle: { color: ink, fontSize: 14, fontWeight: 600 } },
    textStyle: { color: ink },
    legend: { top: 26, left: 0, textStyle: { color: muted } },
    grid: { top: 64, left: 12, right: 16, bottom: 12, containLabel: true },
    tooltip: { trigger: 'axis', confine: true },
  };
}

export function axis(name: string, { muted, axis: line, grid }: Theme, more: object = {}): object {
  return {
    type: 'value',
    name,
    nameTextStyle: { color: muted },
    axisLabel: { color: muted, hideOverlap: true },
    axisLine: { onZero: false, lineStyle: { color: line } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: grid } },
    ...more,
  };
}
