import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Backend } from '@ddcl/core/backend';
import { backendStep } from './backend-contestants.ts';
import { makeInputs } from './inputs.ts';

/** Resident memory of this process on the way through many steps. */
export interface MemoryCourse {
  readonly steps: number;
  readonly points: readonly { readonly step: number; readonly megabytes: number }[];
}

/** Steps before the first point: code gets compiled and pools get filled. */
const warmUp = 500;

/** Makes many small steps and looks at the resident memory about ten times; collects garbage before where node allows it (--expose-gc). */
export async function measureMemory(
  backend: Backend,
  steps: number,
  onStep?: (step: number) => void,
): Promise<MemoryCourse> {
  const inputs = makeInputs({ tokens: 1024, dimension: 32, prototypes: 16 });
  const contestant = await backendStep(backend, inputs);
  const points: { step: number; megabytes: number }[] = [];
  try {
    for (let step = -warmUp; step <= steps; step++) {
      if (step >= 0 && step % Math.ceil(steps / 5) === 0) {
        globalThis.gc?.();
        points.push({ step, megabytes: process.memoryUsage().rss / 1e6 });
      }
      onStep?.(step);
      await contestant.time();
    }
  } finally {
    contestant.dispose();
    inputs.remove();
  }
  return { steps, points };
}

/** The same in a new process of this command: resident memory of one that has made other measurements says little about steps. */
export function measureMemoryApart(backend: string, steps: number): MemoryCourse {
  const main = fileURLToPath(new URL('../main.js', import.meta.url));
  const args = ['--expose-gc', main, 'memory', '--backend', backend, '--steps', String(steps), '--json'];
  const output = execFileSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(output) as MemoryCourse;
}

/** One line of text. */
export function formatMemory({ steps, points }: MemoryCourse): string {
  const course = points.map(({ step, megabytes }) => `${megabytes.toFixed(1)} MB after ${step}`).join(', ');
  return `Resident memory of ${steps} small steps: ${course}.`;
}
