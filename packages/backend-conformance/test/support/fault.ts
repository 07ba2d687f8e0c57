import type { Backend } from '@ddcl/core/backend';
import type { ConformanceGroup } from '../../src/run/case.ts';
import type { ContextOptions } from '../../src/run/context.ts';

/** A backend with one defect, and where the kit must find it. */
export interface Fault {
  readonly make: () => Backend;
  /** The group that is there for such defects. */
  readonly caughtBy: ConformanceGroup;
  /** Only cases of this op are asked, to save time. */
  readonly op?: string;
  /** What the report of it must say. */
  readonly says: RegExp;
  readonly options?: ContextOptions;
}
