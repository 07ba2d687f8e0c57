// The parts of ECharts that reports are drawn with. The build puts them into this one file (tooling/bundle-libraries.mjs), so that
// users install the 0.6 MB that is used instead of 65.
export { LineChart, ScatterChart, type LineSeriesOption, type ScatterSeriesOption } from 'echarts/charts';
export {
  GridComponent,
  MarkLineComponent,
  type GridComponentOption,
  type MarkLineComponentOption,
} from 'echarts/components';
export { init, use, type ComposeOption } from 'echarts/core';
export { LabelLayout } from 'echarts/features';
export { SVGRenderer } from 'echarts/renderers';
