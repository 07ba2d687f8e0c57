import type { StepShape, StepTiming } from './measure/step.ts';

/** The shapes of `bench step`. */
export const stepShapes: readonly StepShape[] = [
  { tokens: 17892, dimension: 5, prototypes: 4 },
  { tokens: 8192, dimension: 64, prototypes: 64 },
  { tokens: 8192, dimension: 384, prototypes: 64 },
  { tokens: 4096, dimension: 768, prototypes: 256 },
];

/** Timings as aligned columns. */
export function formatSteps(timings: readonly StepTiming[]): string {
  const rows = timings.map(({ tokens, dimension, prototypes, milliseconds, gflops }) =>
    [
      tokens,
      dimension,
      prototypes,
      milliseconds.median.toFixed(2),
      milliseconds.min.toFixed(2),
      milliseconds.max.toFixed(2),
      gflops.toFixed(2),
    ].map(String),
  );
  const header = ['N', 'm', 'K', 'median ms', 'min', 'max', 'GFLOP/s'];
  const widths = header.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string => row.map((cell, column) => cell.padStart(widths[column]!)).join('  ');
  return [header, ...rows].map(line).join('\n');
}
