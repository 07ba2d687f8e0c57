import { DdclError } from '../errors/ddcl-error.ts';

/** A number that changes over a run; `progress` goes from 0 at the first step to 1 at the last. */
export type Schedule = (progress: number) => number;

/** The same value throughout. */
export function constantSchedule(value: number): Schedule {
  return () => value;
}

/** Half a cosine from `from` down (or up) to `to`. */
export function cosineSchedule(from: number, to: number): Schedule {
  return (progress) => to + (from - to) * 0.5 * (1 + Math.cos(Math.PI * clamp(progress)));
}

/** A straight line from `from` to `to`. */
export function linearSchedule(from: number, to: number): Schedule {
  return (progress) => from + (to - from) * clamp(progress);
}

/**
 * Equal factors per step from `from` to `to`, both > 0.
 * @throws DdclError `argument` if one is not
 */
export function geometricSchedule(from: number, to: number): Schedule {
  if (!(from > 0 && to > 0)) {
    throw new DdclError('argument', `A geometric schedule runs between numbers > 0, but got ${from} and ${to}.`);
  }
  const ratio = to / from;
  return (progress) => (progress >= 1 ? to : from * ratio ** clamp(progress));
}

/**
 * Runs `first` over the first `share` (0..1) of the run and `then` over the rest.
 * @throws DdclError `argument` if the share is outside 0..1
 */
export function sequenceSchedule(first: Schedule, share: number, then: Schedule): Schedule {
  if (!(share >= 0 && share <= 1))
    throw new DdclError('argument', `The share of a schedule lies in 0..1, but got ${share}.`);
  return (progress) =>
    progress < share ? first(progress / share) : then(share === 1 ? 1 : (progress - share) / (1 - share));
}

function clamp(progress: number): number {
  return Math.min(1, Math.max(0, progress));
}
