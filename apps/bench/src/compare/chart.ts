import * as echarts from 'echarts';
import type { ShapeComparison } from './compare-shape.ts';
import { ratiosOf } from './summary.ts';

const series = [
  ['step: PyTorch autograd / ours', 'stepOverAutograd', '#1b6ca8'],
  ['step: PyTorch closed form / ours', 'stepOverTorch', '#4f97c7'],
  ['step: products alone / ours', 'stepOfRoofline', '#b5cfe2'],
  ['forward: SDPA / ours', 'forwardOverSdpa', '#c0563b'],
] as const;

/** The ratios as bars, with a line at 1. */
export function drawRatios(comparisons: readonly ShapeComparison[]): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 860, height: 360 });
  const ratios = comparisons.map((each) => ratiosOf(each));
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: 'Above 1: ddcl on ONNX Runtime is faster', left: 'center', textStyle: { fontSize: 15 } },
    legend: { bottom: 0 },
    grid: { left: 50, right: 20, top: 45, bottom: 75 },
    xAxis: {
      type: 'category',
      name: 'N, m, K',
      nameLocation: 'middle',
      nameGap: 26,
      data: comparisons.map(({ shape }) => `${shape.tokens}, ${shape.dimension}, ${shape.prototypes}`),
    },
    yAxis: { type: 'value', name: 'ratio' },
    series: series.map(([name, key, color], index) => ({
      type: 'bar',
      name,
      itemStyle: { color },
      data: ratios.map((each) => each[key] ?? null),
      ...(index === 0 && {
        markLine: {
          symbol: 'none',
          silent: true,
          label: { show: false },
          lineStyle: { color: '#333' },
          data: [{ yAxis: 1 }],
        },
      }),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
