import type { Capabilities, DType } from '@ddcl/core/backend';
import type { CaseContext } from './context.ts';

/** Parts of the suite, in the order in which they run. */
export const conformanceGroups = [
  'lifecycle',
  'buffers',
  'primitive',
  'broadcasting',
  'ties',
  'magnitude',
  'large',
  'composite',
  'weights',
  'gradient',
  'ddcl',
  'symbolic',
  'results',
  'repeated',
  'errors',
  'limits',
  'donation',
  'memory',
  'concurrency',
  'determinism',
  'wrap',
  'loss',
] as const;

/** A part of the suite. */
export type ConformanceGroup = (typeof conformanceGroups)[number];

/** What a backend has, for cases that only some backends can be asked. */
export interface BackendFeatures {
  readonly capabilities: Capabilities;
  /** Whether it has `wrap` and `unwrap`. */
  readonly wraps: boolean;
  /** Whether the test can take its device away. */
  readonly losesDevice: boolean;
}

/** One question to a backend. It knows nothing of a test runner. */
export interface ConformanceCase {
  /** Stable and unique, such as `broadcasting/add/float32/<3,1> x <1,65>`; deviations and `vitest -t` take it as it stands. */
  readonly id: string;
  readonly group: ConformanceGroup;
  /** A primitive, a composite with its version, or undefined for what belongs to no op. */
  readonly op: string | undefined;
  readonly dtype: DType | undefined;
  /** Whether a backend with these features is asked at all. */
  applies(features: BackendFeatures): boolean;
  /**
   * Asks the backend.
   * @returns the worst error in units of the tolerance; undefined for cases without numbers
   * @throws an error that says what was expected and what came
   */
  run(context: CaseContext): Promise<number | undefined>;
}

export interface CaseSettings {
  readonly op?: string;
  readonly dtype?: DType;
  /** Beyond having the dtype. */
  readonly applies?: (features: BackendFeatures) => boolean;
}

/** A case with the id `group/op/dtype/name`, leaving out what there is not. */
export function conformanceCase(
  group: ConformanceGroup,
  name: string,
  run: (context: CaseContext) => Promise<number | undefined | void>,
  { op, dtype, applies }: CaseSettings = {},
): ConformanceCase {
  return {
    id: [group, op, dtype, name].filter((part) => part !== undefined && part !== '').join('/'),
    group,
    op,
    dtype,
    applies: (features) =>
      (dtype === undefined || features.capabilities.dtypes.includes(dtype)) && (applies?.(features) ?? true),
    run: async (context) => (await run(context)) ?? undefined,
  };
}
