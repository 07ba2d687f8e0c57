import type { HistoryRecord } from '@ddcl/core/fit';
import { axis, chartIn, chartOption, theme } from './charts.ts';

/** The loss with its two parts, and beside it temperature and use, over the steps so far. */
export interface CourseCharts {
  show(records: readonly HistoryRecord[], criticalTemperature: number): void;
}

export function courseCharts(lossId: string, courseId: string): CourseCharts {
  const [loss, course] = [chartIn(lossId), chartIn(courseId)];
  return {
    show(records, criticalTemperature) {
      const colours = theme();
      const least = 1e-6 * Math.max(...records.map((record) => record.loss.lq));
      const line = (name: string, hue: number, type: string, of: (record: HistoryRecord) => number): object => ({
        type: 'line',
        name,
        showSymbol: false,
        color: colours.hues[hue],
        lineStyle: { type, width: 2 },
        // A logarithm has no 0.
        // A logarithm has no 0, and what rounding leaves of one would take all the room.
        data: records.map((record) => [record.step, of(record)]).filter(([, value]) => value! > least),
      });
      const log = { type: 'log', axisLabel: { color: colours.muted, hideOverlap: true } };
      loss.set({
        ...chartOption('Loss: reconstruction and diversity', colours),
        xAxis: axis('', colours),
        yAxis: axis('', colours, log),
        series: [
          line('L_q', 0, 'solid', (record) => record.loss.lq),
          line('L_OLS', 1, 'dashed', (record) => record.loss.lols),
          line('V', 2, 'dotted', (record) => record.loss.v),
        ],
      });
      course.set({
        ...chartOption('Temperature, and prototypes in use', colours),
        xAxis: axis('', colours),
        yAxis: axis('', colours, log),
        series: [
          line('T / T_c', 1, 'solid', (record) => record.temperature / criticalTemperature),
          line('used', 0, 'dashed', (record) => record.used),
        ],
      });
    },
  };
}
