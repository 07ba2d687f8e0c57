import { parentPort, workerData } from 'node:worker_threads';
import { inputMaker } from './make-input.ts';
import { loadReader } from '../readers/readers.ts';
import { judge } from './finding.ts';
import { places, type Found, type Task } from './task.ts';

Error.stackTraceLimit = 4;
const { reader: name, seed, first, end, given, state } = workerData as Task;
const reader = await loadReader(name);
const make = given === undefined ? inputMaker(reader, seed) : (index: number) => given[index]!;
for (let index = first; index < end; index++) {
  Atomics.store(state, places.index, index);
  const outcome = await judge(reader, make(index));
  if (typeof outcome === 'string') Atomics.add(state, places[outcome], 1);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- of a thread, not a window
  else parentPort!.postMessage({ index, finding: outcome } satisfies Found);
}
Atomics.store(state, places.index, end);
