import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Contestant, Results, Work } from './contestant.ts';
import type { Inputs } from './inputs.ts';

/** A Python process that holds PyTorch's forms. */
export interface TorchPeer {
  readonly version: string;
  /** Forms that did not work here, with the reason. */
  readonly leftOut: Readonly<Record<string, string>>;
  readonly contestants: readonly Contestant[];
  dispose(): void;
}

type Answer = Readonly<Record<string, unknown>> & { readonly error?: string };

const script = fileURLToPath(new URL('../../peers/torch_peer.py', import.meta.url));

/**
 * Starts the peer and gives it the inputs.
 * @throws Error if Python or torch is missing, with its message
 */
export async function startTorch(
  python: string,
  inputs: Inputs,
  { threads, skip }: { readonly threads: number; readonly skip: readonly string[] },
): Promise<TorchPeer> {
  const env: NodeJS.ProcessEnv = { ...process.env, OMP_NUM_THREADS: String(threads), PYTHONDONTWRITEBYTECODE: '1' };
  // On some processors it is set to what slows numpy down.
  delete env['OPENBLAS_CORETYPE'];
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'pipe'], env });
  let complaint = '';
  let ended: Error | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-2000)));
  const lines = createInterface({ input: child.stdout });
  const waiting: { resolve(line: string): void; reject(error: Error): void }[] = [];
  lines.on('line', (line) => waiting.shift()?.resolve(line));
  const end = (reason: string): void => {
    ended = new Error(`${python} ${reason}: ${complaint.trim().split('\n').at(-1) ?? ''}`);
    for (const each of waiting.splice(0)) each.reject(ended);
  };
  child.on('error', (error) => end(`could not be started (${error.message})`));
  child.on('exit', (code) => end(`ended with ${code}`));
  child.stdin.on('error', () => {});

  const ask = async (request: Readonly<Record<string, unknown>>): Promise<Answer> => {
    if (ended !== undefined) throw ended;
    const line = await new Promise<string>((resolve, reject) => {
      waiting.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify(request)}\n`);
    });
    const answer = JSON.parse(line) as Answer;
    if (answer.error !== undefined) throw new Error(`${python}: ${answer.error}`);
    return answer;
  };

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
    dispose: () => child.stdin.end('{"do": "quit"}\n'),
  };
}

function contestantOf(
  form: string,
  inputs: Inputs,
  ask: (request: object & Record<string, unknown>) => Promise<Answer>,
): Contestant {
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
