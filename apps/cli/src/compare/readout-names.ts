import { poolingNames } from './baseline-rows.ts';

/** Of rows that prototypes of a fit give; in the order of the table. */
export const prototypeReadouts = [
  'pooled',
  'occupancy',
  'mean + occupancy',
  'residuals',
  'binary residuals',
  'mean + residuals',
] as const;

/** What `compare --readouts` takes; rows that are trained with a head are asked for by `--trained`. */
export const readoutNames: readonly string[] = [
  ...Object.values(poolingNames),
  'k-means occupancy',
  ...prototypeReadouts,
  'prototype summaries',
  'Ward pooling',
];
