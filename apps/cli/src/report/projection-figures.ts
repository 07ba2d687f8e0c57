import { axisStyle, margins, nameAbove, nameBelow, namedFrame } from './axes.ts';
import { chartWidth, drawChart, type ChartOption } from './draw-chart.ts';
import type { Figure } from './figure.ts';
import type { Projection } from './fit-report.ts';
import { formatNumber, formatShare } from './format-number.ts';
import { pointLegend } from './legend.ts';
import { groupSymbol, hue, largestLegend } from './palette.ts';
import { isInside, plotWindow, type PlotWindow } from './plot-window.ts';
import { pointGroups, type PointGroup } from './point-groups.ts';
import { subsample } from './subsample.ts';

const largestScatter = 2000;
const height = 330;
const star = 'path://M0-10L2.6-3.6 9.5-3.1 4.2 1.4 5.9 8.1 0 4.4-5.9 8.1-4.2 1.4-9.5-3.1-2.6-3.6Z';

/**
 * The tokens in the plane of their principal axes: by assignment and, where there are labels, by label.
 *
 * @param tokens tokens measured; the projection may be a sample of them.
 */
export function projectionFigures(projection: Projection, tokens: number): readonly Figure[] {
  const { points, assignments, labels, prototypes } = projection;
  const count = prototypes.length / 2;
  const window = plotWindow(
    points,
    prototypes,
    chartWidth - margins.left - margins.right,
    height - Number(namedFrame.top) - margins.bottom,
  );
  const chosen = subsample(labels ?? assignments, largestScatter);
  const classes =
    labels === undefined ? [] : [...new Set(labels)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const sample =
    chosen.length < tokens ? ` Drawn are ${formatNumber(chosen.length)} of ${formatNumber(tokens)} tokens.` : '';
  const outside = outsideOf(points, window);
  const notes =
    sample +
    (outside === 0 ? '' : ` Far outside the picture lie ${formatShare(outside / assignments.length)} of the tokens.`) +
    ` The two axes hold ${formatShare(projection.explained[0] + projection.explained[1])} of the variance.`;

  const byAssignment = pointGroups(
    assignments,
    Array.from({ length: count }, (_, k) => k),
    (k) => `prototype ${k}`,
    points,
    chosen,
    window,
  );
  const figures = [
    scatter(
      'tokens-by-prototype',
      'Tokens by assigned prototype',
      byAssignment,
      projection,
      window,
      'Stars are the prototypes. Look for a star in the middle of each crowd of one colour; a star without a crowd is ' +
        `unused, stars on top of each other are merged.${notes}`,
    ),
  ];
  if (labels !== undefined) {
    const byLabel = pointGroups(labels, classes, (label) => label, points, chosen, window);
    figures.push(
      scatter(
        'tokens-by-label',
        'Tokens by label',
        byLabel,
        projection,
        window,
        'The same picture coloured by the classes given, which the fit never saw. Where the two pictures agree, a ' +
          `prototype stands for a class.${notes}`,
      ),
    );
  }
  return figures;
}

function scatter(
  id: string,
  title: string,
  groups: readonly PointGroup[],
  { prototypes, explained }: Projection,
  window: PlotWindow,
  caption: string,
): Figure {
  const count = prototypes.length / 2;
  const named = groups.filter((group) => group.tokens > 0);
  const total = named.reduce((sum, group) => sum + group.tokens, 0);
  const share = (group: PointGroup): string => formatShare(group.tokens / total);
  const axis = {
    type: 'value' as const,
    splitNumber: 4,
    ...axisStyle,
    axisLabel: { ...axisStyle.axisLabel, showMinLabel: false, showMaxLabel: false },
  };
  const option: ChartOption = {
    grid: namedFrame,
    xAxis: {
      ...axis,
      min: window.x[0],
      max: window.x[1],
      ...nameBelow(`axis 1 (${formatShare(explained[0])} of variance)`),
    },
    yAxis: {
      ...axis,
      min: window.y[0],
      max: window.y[1],
      ...nameAbove(`axis 2 (${formatShare(explained[1])} of variance)`),
    },
    series: [
      // Large groups first, so that small ones are not buried.
      ...groups
        // The library cannot draw none.
        .filter((group) => group.points.length > 0)
        .sort((a, b) => b.tokens - a.tokens)
        .map((group) => ({
          type: 'scatter' as const,
          data: group.points.map((point) => [...point]),
          // One path for all points of a group: a tenth of the bytes.
          large: true,
          largeThreshold: 0,
          symbol: groupSymbol(group.index),
          symbolSize: groupSymbol(group.index) === 'circle' ? 3.4 : 4.4,
          silent: true,
          itemStyle: { color: hue(group.index), opacity: 1 },
        })),
      {
        type: 'scatter' as const,
        data: Array.from({ length: count }, (_, k) => [prototypes[2 * k] as number, prototypes[2 * k + 1] as number]),
        symbol: star,
        symbolSize: count <= 20 ? 17 : count <= 64 ? 12 : 7,
        silent: true,
        z: 5,
        emphasis: { disabled: true },
        // Hollow: a filled star would hide a tight crowd around it.
        itemStyle: { color: 'transparent', borderColor: 'var(--ink)', borderWidth: count <= 64 ? 1.5 : 1, opacity: 1 },
        label: {
          show: count <= largestLegend,
          formatter: ({ dataIndex }: { dataIndex: number }) => String(dataIndex),
          position: 'right',
          distance: 2,
          color: 'var(--ink)',
          fontSize: 13,
          fontWeight: 'bold',
          textBorderColor: 'var(--surface)',
          textBorderWidth: 3,
        },
        labelLayout: { hideOverlap: true },
      },
    ],
  };
  const largest =
    named.length <= largestLegend
      ? named.map((group) => `${group.name}: ${share(group)} of tokens`).join('; ')
      : `${named.length} groups`;
  return {
    id,
    title,
    caption,
    legend:
      named.length > largestLegend
        ? ''
        : pointLegend(named.map((group) => ({ name: `${group.name} (${share(group)})`, index: group.index }))),
    drawing: drawChart({
      id: `${id}-chart`,
      title,
      description: `${largest}; and ${count} prototypes.`,
      height,
      option,
    }),
  };
}

function outsideOf(points: Float64Array, window: PlotWindow): number {
  let outside = 0;
  for (let at = 0; at < points.length; at += 2) {
    if (!isInside(points[at] as number, points[at + 1] as number, window)) outside += 1;
  }
  return outside;
}
