import type { Backend, Program } from '@ddcl/core/backend';
import { expect } from 'vitest';
import type { Value } from '../../core/test/support/run.ts';

/** Runs a program once; the backend holds nothing afterwards. */
export async function runOn(backend: Backend, program: Program, inputs: readonly Value[]): Promise<number[][]> {
  const executable = await backend.compile(program);
  const buffers = inputs.map(({ type, data }) => backend.upload(type, data));
  const results = await executable.run(buffers);
  const numbers = await Promise.all(results.map(async (buffer) => Array.from(await backend.download(buffer))));
  for (const buffer of [...buffers, ...results]) backend.free(buffer);
  expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  return numbers;
}
