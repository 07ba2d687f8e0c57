/** Where some work of a command stands. */
export interface Work {
  /** Such as `reading`. */
  readonly phase: string;
  readonly done: number;
  /** How much there will be, where that is known. */
  readonly total: number | undefined;
  /** What is counted, such as `tokens`; bytes are shown as megabytes. */
  readonly unit: string;
  /** What else is known so far, such as `hard error 22.19`. */
  readonly detail?: string | undefined;
}

/** Tells how long a phase will go on, from how long it took so far. */
export interface WorkClock {
  /** Such as `about 20 s left`; undefined where nothing can be said. A new phase starts anew. */
  left(work: Work): string | undefined;
}

/** Before this much of a phase has passed its speed is not known. */
const leastMilliseconds = 1000;

export function workClock(): WorkClock {
  let phase: string | undefined;
  let began = 0;
  // Work that goes on from a checkpoint did not begin at 0.
  let first = 0;
  return {
    left(work) {
      const now = performance.now();
      if (work.phase !== phase) [phase, began, first] = [work.phase, now, work.done];
      const { done, total } = work;
      if (total === undefined || done >= total || done <= first || now - began < leastMilliseconds) return undefined;
      return `about ${duration(((total - done) * (now - began)) / (done - first) / 1000)} left`;
    },
  };
}

/** Work as one line, such as `fitting: 43 % of 150 steps, about 20 s left, hard error 22.19`. */
export const describeWork = (work: Work, left: string | undefined): string =>
  `${work.phase}: ${describeAmount(work, left)}`;

/** The same without its phase. */
export function describeAmount({ done, total, unit, detail }: Work, left: string | undefined): string {
  const amount =
    total === undefined || total === 0
      ? count(done, unit)
      : `${Math.floor((100 * Math.min(done, total)) / total)} % of ${count(total, unit)}`;
  return [amount, left, detail].filter((part) => part !== undefined).join(', ');
}

const count = (value: number, unit: string): string =>
  unit === 'bytes' ? `${(value / 1e6).toFixed(1)} MB` : `${value.toLocaleString('en')} ${unit}`;

/** As coarse as an estimate deserves. */
function duration(seconds: number): string {
  if (seconds < 99.5) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 99.5 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
