import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What a peer answers; `error` where it could not. */
export type Answer = Readonly<Record<string, unknown>> & { readonly error?: string };

/** A Python process that answers one JSON line to each of ours. */
export interface PythonPeer {
  /** @throws Error with the peer's own words */
  ask(request: Readonly<Record<string, unknown>>): Promise<Answer>;
  dispose(): void;
}

/**
 * Starts a script of `apps/bench/peers`.
 *
 * @param threads that its libraries may use
 */
export function startPython(python: string, script: string, threads: number): PythonPeer {
  const path = fileURLToPath(new URL(`../../peers/${script}`, import.meta.url));
  const env: NodeJS.ProcessEnv = { ...process.env, OMP_NUM_THREADS: String(threads), PYTHONDONTWRITEBYTECODE: '1' };
  // On some processors it is set to what slows numpy down.
  delete env['OPENBLAS_CORETYPE'];
  const child = spawn(python, [path], { stdio: ['pipe', 'pipe', 'pipe'], env });
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
  return {
    async ask(request) {
      if (ended !== undefined) throw ended;
      const line = await new Promise<string>((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify(request)}\n`);
      });
      const answer = JSON.parse(line) as Answer;
      if (answer.error !== undefined) throw new Error(`${python}: ${answer.error}`);
      return answer;
    },
    dispose: () => child.stdin.end('{"do": "quit"}\n'),
  };
}
