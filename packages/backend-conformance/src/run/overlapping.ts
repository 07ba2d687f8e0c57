import type { Backend, Executable, TypedArray } from '@ddcl/core/backend';
import type { Value } from '../oracle/tensor.ts';

export interface Job {
  readonly executable: Executable;
  readonly inputs: readonly Value[];
}

/** Uploads everything, starts all runs before it waits for one, and downloads all results at once. */
export async function evaluateOverlapping(backend: Backend, jobs: readonly Job[]): Promise<TypedArray[][]> {
  const inputs = jobs.map((job) => job.inputs.map(({ type, data }) => backend.upload(type, data)));
  const results = await Promise.all(jobs.map(({ executable }, index) => executable.run(inputs[index]!)));
  const numbers = await Promise.all(
    results.map((buffers) => Promise.all(buffers.map((buffer) => backend.download(buffer)))),
  );
  for (const buffer of [...inputs, ...results].flat()) backend.free(buffer);
  return numbers;
}
