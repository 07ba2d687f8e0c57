import type { Backend } from '@ddcl/core/backend';
import type { ConformanceGroup } from '../../src/run/case.ts';
import type { ContextOptions, MakeBackend } from '../../src/run/context.ts';
import type { Patch } from './plant.ts';

/** Looks at a backend with a small program of its own. A fault is real if it makes this see something else. */
export type Probe = (backend: Backend) => Promise<unknown>;

/** A backend that is wrong in one way. */
export interface PlantedFault {
  readonly name: string;
  /** What sort of mistake it is. */
  readonly kind: string;
  /** Changes of the sources of the CPU backend or of core's runner; undefined for a backend that is wrapped. */
  readonly patches?: readonly Patch[];
  readonly make: MakeBackend;
  /** The same without the fault. */
  readonly right: MakeBackend;
  readonly probe: Probe;
  /** Groups that may find it soonest: they are asked first, and all others after them. */
  readonly likely: readonly ConformanceGroup[];
  readonly options?: ContextOptions;
  /** Whether it shows in numbers: the case that finds it must name op, shapes and the worst element then. */
  readonly inNumbers: boolean;
}
