import { add, forward, grad, loss, mul, sum, tensorType, trace, type Program } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import type { Contestant, Results } from '../compare/contestant.ts';
import type { PythonPeer } from '../peer/python-peer.ts';
import { normals, sharedFolder } from './folder.ts';
import type { NearestShape } from './nearest.ts';

/** Soft output y, L_q, and the gradients of `L_q + <y, u>` by tokens and codes, u being what comes back from a decoder. */
export function codebookStepProgram({ tokens: n, dimension: m, codes: k }: NearestShape): Program {
  const f32 = (...shape: number[]) => tensorType('float32', shape);
  return trace(
    [f32(n, m), f32(n), f32(k, m), f32(), f32(n, m)],
    (z, weights, p, temperature, upstream) => {
      const y = forward({ tokens: z, prototypes: p, temperature });
      const { lq } = loss({ tokens: z, weights, prototypes: p, temperature });
      return [lq, y, ...grad(add(lq, sum(mul(y, upstream))), [z, p])];
    },
    'codebook step',
  );
}

const names = ['lq', 'y', 'byTokens', 'byCodes'] as const;

/** Contestants for the training step of a codebook on random numbers. */
export async function stepContestants(
  backend: Backend,
  shape: NearestShape,
  { peer, threads }: { readonly peer?: PythonPeer | undefined; readonly threads: number },
): Promise<Contestant[]> {
  const { tokens: n, dimension: m, codes: k } = shape;
  const [z, p, upstream] = [normals(n * m, 1), normals(k * m, 2), normals(n * m, 3)];
  const temperature = m / 8;
  const contestants = [await ours(backend, shape, { z, p, upstream, temperature })];
  if (peer !== undefined) {
    const folder = sharedFolder();
    folder.write({ tokens: z, codes: p, upstream });
    await peer.ask({ do: 'load', folder: folder.path, shape: [n, m, k], threads, temperature });
    contestants.push({
      name: 'PyTorch, eager with autograd',
      work: 'codebook step',
      async check() {
        await peer.ask({ do: 'step', out: folder.path });
        return Object.fromEntries(names.map((name) => [name, folder.floats(name)]));
      },
      time: async () => Number((await peer.ask({ do: 'step' }))['milliseconds']),
      dispose: () => folder.remove(),
    });
  }
  return contestants;
}

interface Given {
  readonly z: Float32Array;
  readonly p: Float32Array;
  readonly upstream: Float32Array;
  readonly temperature: number;
}

async function ours(backend: Backend, shape: NearestShape, given: Given): Promise<Contestant> {
  const { tokens: n, dimension: m, codes: k } = shape;
  const executable = await backend.compile(codebookStepProgram(shape));
  const upload = (sizes: readonly number[], data: Float32Array) =>
    backend.upload({ dtype: 'float32', shape: sizes }, data);
  const buffers = [
    upload([n, m], given.z),
    upload([n], new Float32Array(n).fill(1)),
    upload([k, m], given.p),
    upload([], Float32Array.of(given.temperature)),
    upload([n, m], given.upstream),
  ];
  return {
    name: `ddcl, ${backend.name}`,
    work: 'codebook step',
    async check(): Promise<Results> {
      const results = await executable.run(buffers);
      const values = await Promise.all(results.map((buffer) => backend.download(buffer)));
      for (const buffer of results) backend.free(buffer);
      return Object.fromEntries(names.map((name, index) => [name, values[index] as Float32Array]));
    },
    async time() {
      const began = performance.now();
      const results = await executable.run(buffers);
      // Its download waits for the whole step.
      await backend.download(results[0]!);
      const milliseconds = performance.now() - began;
      for (const buffer of results) backend.free(buffer);
      return milliseconds;
    },
    dispose() {
      for (const buffer of buffers) backend.free(buffer);
      executable.dispose();
    },
  };
}
