import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Finding } from './finding.ts';
import { places, type Found, type Task } from './task.ts';

/** How long an input may take, of the processor or on the clock where it only waits, and what the process may come to hold while one is read. */
const limits = { busyMilliseconds: 5000, waitingMilliseconds: 60_000, bytes: 500e6, heapMegabytes: 400 } as const;

export interface Counts {
  accepted: number;
  refused: number;
}

/** What ended a worker early. */
interface Stopped extends Found {
  /** Whether what was read before may be the cause, as memory that is not freed yet. */
  readonly isUnsure: boolean;
}

/** Between two looks at a worker. */
const lookMilliseconds = 25;

export type Inputs = Omit<Task, 'state'>;

/**
 * Runs inputs in a thread of their own, which is ended when one takes too long or too much.
 *
 * @param onFinding told of each input that was not read as it must be
 * @param onProgress called often, with the number of the input that is read
 */
export async function runInputs(
  inputs: Inputs,
  counts: Counts,
  onFinding: (found: Found) => void,
  onProgress: (index: number) => void = () => {},
): Promise<void> {
  for (let { first } = inputs; first < inputs.end;) {
    const stopped = await runThread({ ...inputs, first }, counts, onFinding, onProgress);
    if (stopped === undefined) return;
    const { index, finding, isUnsure } = stopped;
    if (!isUnsure) onFinding({ index, finding });
    else {
      // Alone, in a process that has let go of what came before.
      const again = await runThread({ ...inputs, first: index, end: index + 1 }, counts, onFinding, () => {});
      if (again !== undefined) onFinding(again);
    }
    first = index + 1;
  }
}

async function runThread(
  inputs: Inputs,
  counts: Counts,
  onFinding: (found: Found) => void,
  onProgress: (index: number) => void,
): Promise<Stopped | undefined> {
  const state = new Int32Array(new SharedArrayBuffer(4 * places.length));
  state[places.index] = inputs.first;
  const worker = new Worker(new URL('worker.js', import.meta.url), {
    workerData: { ...inputs, state } satisfies Task,
    resourceLimits: { maxOldGenerationSizeMb: limits.heapMegabytes },
  });
  let failure: unknown;
  let ended = false;
  worker.on('message', onFinding);
  worker.on('error', (error) => (failure = error));
  const exit = new Promise<void>((done) => worker.on('exit', () => done((ended = true) as never)));
  const index = (): number => Atomics.load(state, places.index);
  const isAlone = inputs.end === inputs.first + 1;
  // Of the processor: a machine that is busy otherwise, or stops this process for a while, makes no input slow.
  const busy = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  let [last, since, busySince] = [inputs.first, performance.now(), busy()];
  let stopped: Stopped | undefined;
  while (!ended && stopped === undefined) {
    await Promise.race([exit, wait(lookMilliseconds)]);
    const now = index();
    onProgress(now);
    if (now !== last) [last, since, busySince] = [now, performance.now(), busy()];
    const [took, worked] = [performance.now() - since, busy() - busySince];
    const held = process.memoryUsage.rss();
    const of = (kind: Finding['kind'], detail: string, isUnsure: boolean): Stopped => ({
      index: now,
      finding: { kind, detail },
      isUnsure,
    });
    if (ended) break;
    if (worked > limits.busyMilliseconds || took > limits.waitingMilliseconds)
      stopped = of('hang', `not read after ${Math.round(took)} ms, ${Math.round(worked)} of them at work`, false);
    else if (held > limits.bytes) stopped = of('memory', `the process holds ${Math.round(held / 1e6)} MB`, !isAlone);
  }
  await worker.terminate();
  await exit;
  if (failure !== undefined && stopped === undefined) {
    const isMemory = (failure as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY';
    const detail = failure instanceof Error ? (failure.stack ?? failure.message) : String(failure);
    stopped = {
      index: index(),
      finding: { kind: isMemory ? 'memory' : 'crash', detail },
      isUnsure: isMemory && !isAlone,
    };
  }
  counts.accepted += state[places.accepted]!;
  counts.refused += state[places.refused]!;
  return stopped;
}
