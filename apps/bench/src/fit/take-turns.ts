import type { ChildProcess } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';

/** How a process and this one took turns. */
export interface Turns {
  /** How often the process was stopped. */
  readonly count: number;
  /** Share (0..1) of its life that it was stopped. */
  readonly stopped: number;
}

/** Seconds that the process runs between two turns of ours, unless told otherwise. */
const usualBetween = 4;

/**
 * Stops a process again and again while something else is measured, until it ends: on a machine that others use too, two
 * measurements one after the other may find it in different moods, and these do not. Where processes cannot be stopped (Windows) there
 * is no turn.
 *
 * @param work what is done while the process is stopped
 * @param between seconds that the process runs between two turns
 */
export async function takeTurns(
  child: ChildProcess,
  work: () => Promise<void>,
  between: number = usualBetween,
): Promise<Turns> {
  const began = performance.now();
  const ended = new AbortController();
  let end = Infinity;
  child.once('exit', () => {
    end = performance.now();
    ended.abort();
  });
  // A stopped process does not hear that it should end. When it has ended, this one goes on to clean up.
  const leave = (signal: NodeJS.Signals): void => {
    child.kill('SIGCONT');
    child.kill(signal);
  };
  process.once('SIGINT', leave);
  process.once('SIGTERM', leave);
  let count = 0;
  let stopped = 0;
  try {
    for (;;) {
      await wait(between * 1000, undefined, { signal: ended.signal }).catch(() => {});
      if (ended.signal.aborted) return { count, stopped: stopped / (end - began) };
      if (process.platform === 'win32') continue;
      const from = performance.now();
      child.kill('SIGSTOP');
      try {
        await work();
      } finally {
        child.kill('SIGCONT');
      }
      stopped += performance.now() - from;
      count++;
    }
  } catch (error) {
    child.kill();
    throw error;
  } finally {
    process.off('SIGINT', leave);
    process.off('SIGTERM', leave);
  }
}
