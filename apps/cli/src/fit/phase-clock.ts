import type { FitProgress } from '@ddcl/core/fit';

/** Seconds of each phase of a fit. */
export type PhaseSeconds = Record<Exclude<FitProgress['phase'], 'settle'>, number> & { settle?: number };

/** Tells where the time of a fit went. */
export interface PhaseClock {
  /** What has passed since the last call went into this phase. */
  tick(phase: FitProgress['phase']): void;
  seconds(): PhaseSeconds;
}

/** @param now milliseconds, from any beginning */
export function phaseClock(now: () => number = () => performance.now()): PhaseClock {
  const spent: PhaseSeconds = { statistics: 0, fit: 0, measure: 0, stability: 0 };
  let last = now();
  return {
    tick(phase) {
      const time = now();
      spent[phase] = (spent[phase] ?? 0) + (time - last) / 1000;
      last = time;
    },
    seconds: () => ({ ...spent }),
  };
}
