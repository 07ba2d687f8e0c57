import { readFileSync } from 'node:fs';
import type { Contestant, Results, Work } from './contestant.ts';
import { startPython, type PythonPeer } from '../peer/python-peer.ts';
import type { Inputs } from './inputs.ts';

/** A Python process that holds PyTorch's forms. */
export interface TorchPeer {
  readonly version: string;
  /** Forms that did not work here, with the reason. */
  readonly leftOut: Readonly<Record<string, string>>;
  readonly contestants: readonly Contestant[];
  dispose(): void;
}

/**
 * Starts the peer and gives it the inputs.
 * @throws Error if Python or torch is missing, with its message
 */
export async function startTorch(
  python: string,
  inputs: Inputs,
  { threads, skip }: { readonly threads: number; readonly skip: readonly string[] },
): Promise<TorchPeer> {
  const { ask, dispose } = startPython(python, 'torch_peer.py', threads);
  const { tokens, dimension, prototypes } = inputs.shape;
  const loaded = await ask({
    do: 'load',
    folder: inputs.folder,
    shape: [tokens, dimension, prototypes],
    temperature: inputs.temperature,
    threads,
    skip,
  });
  return {
    version: String(loaded['torch']),
    leftOut: loaded['left_out'] as Record<string, string>,
    contestants: (loaded['forms'] as string[]).map((form) => contestantOf(form, inputs, ask)),
    dispose,
  };
}

function contestantOf(form: string, inputs: Inputs, ask: PythonPeer['ask']): Contestant {
  const work: Work = form.startsWith('forward') ? 'forward' : 'step';
  return {
    name: `torch ${form.replace(/^(step|forward): /, '').replace(/^compile: /, 'compiled ')}`,
    work,
    eager: !form.startsWith('compile'),
    async check(): Promise<Results> {
      const answer = await ask({ do: 'check', form, folder: inputs.folder });
      return Object.fromEntries(
        Object.entries(answer).map(([name, value]) => [
          name,
          typeof value === 'number' ? value : floatsOf((value as { file: string }).file),
        ]),
      );
    },
    time: async () => Number((await ask({ do: 'time', form }))['milliseconds']),
    dispose() {},
  };
}

function floatsOf(path: string): Float32Array {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}
