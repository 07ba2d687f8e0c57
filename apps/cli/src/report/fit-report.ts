import type { HistoryRecord } from '@ddcl/core/fit';
import type { ClassRow } from '../measures/label-scores.ts';
import type { FitMeasures } from '../measures/measures.ts';

/** Tokens (all, or an even sample of them) and prototypes in the plane of the tokens' two principal axes. */
export interface Projection {
  /** Row-major, n x 2. */
  readonly points: Float64Array;
  /** Prototype of each point. */
  readonly assignments: Int32Array;
  /** Class of each point. */
  readonly labels?: readonly string[] | undefined;
  /** Row-major, K x 2. */
  readonly prototypes: Float64Array;
  /** Share (0..1) of the tokens' variance along each axis. */
  readonly explained: readonly [number, number];
}

/** All that `report.html` shows. Texts may hold anything; they are escaped. */
export interface FitReport {
  readonly title: string;
  readonly measures: FitMeasures;
  /** Of one restart (the one kept), in the order of steps. */
  readonly history: readonly HistoryRecord[];
  readonly projection: Projection;
  readonly perClass?: readonly ClassRow[] | undefined;
  readonly settings: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  /** The command that made the fit. */
  readonly command?: string | undefined;
  /** Version by name of program. */
  readonly versions?: Readonly<Record<string, string>> | undefined;
}
