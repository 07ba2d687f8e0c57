import { programToOnnx, type OrtRuntime } from '@ddcl/backend-ort';
import { add, f32, trace } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { median } from './median.ts';

/** Microseconds, medians. */
export interface Overhead {
  readonly runs: number;
  readonly backend: number;
  readonly session: number;
  readonly difference: number;
}

/** A small program on a backend against the bare session of the same model, turn by turn. */
export async function measureOverhead(backend: Backend, runtime: OrtRuntime, runs: number): Promise<Overhead> {
  const program = trace([f32(8), f32(8)], (x, y) => [add(x, y)], 'small');
  const executable = await backend.compile(program);
  const session = await runtime.InferenceSession.create(programToOnnx(program), { intraOpNumThreads: 1 });
  const numbers = (): Float32Array => new Float32Array(8).fill(1);
  const buffers = [0, 1].map(() => backend.upload({ dtype: 'float32', shape: [8] }, numbers()));
  const tensor = () => new runtime.Tensor('float32', numbers(), [8]);
  const feeds = { input_0: tensor(), input_1: tensor() };
  const fetches = { output_0: tensor() };
  const [ours, bare, differences]: [number[], number[], number[]] = [[], [], []];
  for (let run = -200; run < runs; run++) {
    let began = performance.now();
    await session.run(feeds, fetches);
    const alone = 1e3 * (performance.now() - began);
    began = performance.now();
    const [result] = await executable.run(buffers);
    const wrapped = 1e3 * (performance.now() - began);
    backend.free(result!);
    if (run < 0) continue;
    ours.push(wrapped);
    bare.push(alone);
    differences.push(wrapped - alone);
  }
  for (const buffer of buffers) backend.free(buffer);
  executable.dispose();
  await session.release();
  return { runs, backend: median(ours), session: median(bare), difference: median(differences) };
}
