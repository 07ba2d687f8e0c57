import type { Frame, Scene } from '../fit/run-fit.ts';
import { axis, chartIn, chartOption, theme, type Chart } from './charts.ts';
import { nearestOf } from './nearest.ts';

/** Multiplications of an assignment that a frame has time for. */
const quickProducts = 2e7;

/** The moving picture: vectors on the plane of their principal axes, in the colour of their nearest prototype. */
export interface PlaneChart {
  open(scene: Scene): void;
  /** @param isLast then vectors get their colours however long that takes */
  show(frame: Frame, isLast: boolean): void;
}

export function planeChart(id: string): PlaneChart {
  const chart: Chart = chartIn(id);
  let scene: Scene | undefined;
  let points: Float64Array = new Float64Array(0);
  let codes: Int32Array = new Int32Array(0);
  return {
    open(opened) {
      scene = opened;
      points = opened.plane.project(opened.sample);
      codes = new Int32Array(points.length / 2);
    },
    show({ record, prototypes }, isLast) {
      if (scene === undefined) return;
      const { plane, sample, dimension } = scene;
      const products = (points.length / 2) * prototypes.length;
      if (isLast || products <= quickProducts) codes = nearestOf(sample, prototypes, dimension);
      const colours = theme();
      const { hues } = colours;
      const groups = Math.min(hues.length, prototypes.length / dimension);
      const cells: [number, number][][] = Array.from({ length: groups }, () => []);
      codes.forEach((code, row) => cells[code % groups]!.push([points[2 * row]!, points[2 * row + 1]!]));
      const on = plane.project(prototypes);
      const [first, second] = plane.explained.map((share) => `${(100 * share).toFixed(0)} %`);
      chart.set({
        ...chartOption(`Vectors and prototypes, step ${record.step}`, colours),
        legend: { show: false },
        tooltip: { show: false },
        xAxis: axis(`principal axis 1, ${first}`, colours, { nameLocation: 'middle', nameGap: 26, scale: true }),
        yAxis: axis(`axis 2, ${second}`, colours, { scale: true }),
        grid: { top: 56, left: 12, right: 16, bottom: 32, containLabel: true },
        series: [
          ...cells.map((data, group) => ({
            type: 'scatter',
            data,
            symbolSize: 4,
            silent: true,
            itemStyle: { color: hues[group], opacity: 0.45 },
          })),
          {
            type: 'scatter',
            data: Array.from({ length: on.length / 2 }, (_, k) => [on[2 * k]!, on[2 * k + 1]!]),
            symbol: 'diamond',
            symbolSize: 14,
            silent: true,
            itemStyle: { color: colours.ink, borderColor: colours.surface, borderWidth: 2 },
          },
        ],
      });
    },
  };
}
