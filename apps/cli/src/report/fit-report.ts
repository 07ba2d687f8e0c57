import type { HistoryRecord, Quantities } from '@ddcl/core/fit';

/** The final measurement of a fit. */
export interface FitMeasures extends Quantities {
  readonly backend: string;
  /** Tokens measured. */
  readonly tokens: number;
  /** m, numbers per token. */
  readonly dimension: number;
  /** K. */
  readonly prototypes: number;
  readonly temperature: number;
  readonly criticalTemperature: number;
  readonly stability: {
    /** Smallest and largest eigenvalue of the Hessian of the mean loss. */
    readonly lambdaMin: number;
    readonly lambdaMax: number;
    /** Largest rate at which plain gradient descent returns to this optimum. */
    readonly maxLearningRate: number;
  };
  /** Agreement with known classes, each 0..1 (ARI from -1). */
  readonly labels?: { readonly acc: number; readonly nmi: number; readonly ari: number } | undefined;
  readonly seconds: number;
}

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

/** How one class was found. */
export interface ClassRow {
  readonly label: string;
  /** Tokens of the class. */
  readonly tokens: number;
  /** The prototype matched to it one to one; undefined when there are more classes than prototypes. */
  readonly prototype?: number | undefined;
  /** Share (0..1) of its tokens assigned to that prototype. */
  readonly recall: number;
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
