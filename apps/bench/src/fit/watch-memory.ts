import { readFileSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';

/** Resident memory of another process while it ran. */
export interface WatchedMemory {
  /** Seconds since the watch began and megabytes (10^6 bytes), every `seconds` about. */
  readonly points: readonly { readonly seconds: number; readonly megabytes: number }[];
}

/** Looks at a child's resident memory until it ends. Linux alone tells it (/proc); elsewhere there are no points. */
export function watchMemory(child: ChildProcess, every = 0.25): Promise<WatchedMemory> {
  const points: { seconds: number; megabytes: number }[] = [];
  const began = performance.now();
  const timer = setInterval(() => {
    const megabytes = residentMegabytes(child.pid);
    if (megabytes !== undefined) points.push({ seconds: (performance.now() - began) / 1000, megabytes });
  }, every * 1000);
  return new Promise((resolve) => {
    child.once('close', () => {
      clearInterval(timer);
      resolve({ points });
    });
  });
}

function residentMegabytes(pid: number | undefined): number | undefined {
  try {
    const found = /VmRSS:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return found === null ? undefined : (Number(found[1]) * 1024) / 1e6;
  } catch {
    return undefined;
  }
}
