import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../../', import.meta.url));
export const program = join(root, 'apps/cli/dist/main.js');

export interface Ended {
  /** Exit status; null when a signal ended the process. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs the commands that it is sent, one after the other, and answers what came of each. Threads of ONNX Runtime do not spin here while
 * they wait for the next of thousands of small runs.
 */
const server = `
  import { createRequire } from 'node:module';
  import { runCli } from ${JSON.stringify(join(root, 'apps/cli/dist/cli.js'))};
  const { InferenceSession } = createRequire(${JSON.stringify(program)})('onnxruntime-node');
  const create = InferenceSession.create.bind(InferenceSession);
  const still = { intra_op: { allow_spinning: '0' } };
  InferenceSession.create = (model, options = {}) =>
    create(model, { ...options, extra: { ...options.extra, session: { ...options.extra?.session, ...still } } });
  let ended;
  process.stdout.write = (text) => ((ended.stdout += text), true);
  process.stderr.write = (text) => ((ended.stderr += text), true);
  let last = Promise.resolve();
  process.on('message', (args) => {
    last = last.then(async () => {
      ended = { status: null, stdout: '', stderr: '' };
      ended.status = await runCli([process.execPath, 'ddcl', ...args]);
      process.send(ended);
    });
  });
`;

interface Server {
  readonly child: ChildProcess;
  /** Commands that have no answer yet, in their order. */
  readonly waiting: { done(ended: Ended): void; fail(error: Error): void }[];
  /** What went past `process.stderr`, as native code does; see {@link stopServer}. */
  said: string;
}

let running: Server | undefined;

function startServer(): Server {
  const child = spawn(process.execPath, ['--input-type=module', '-e', server], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const started: Server = { child, waiting: [], said: '' };
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (started.said += text));
  child.on('message', (ended: Ended) => started.waiting.shift()!.done(ended));
  child.on('exit', (status) => {
    const error = new Error(`the process of the commands ended with ${status}: ${started.said}`);
    for (const { fail } of started.waiting.splice(0)) fail(error);
  });
  return started;
}

/** Called after each test file: nothing that a command says may get lost. */
export async function stopServer(): Promise<void> {
  if (running === undefined) return;
  const { child } = running;
  // No 'close' comes from a process whose channel was closed from here.
  const ended = Promise.all([once(child, 'exit'), once(child.stderr!, 'end')]);
  child.disconnect();
  await ended;
  const { said } = running;
  running = undefined;
  if (said !== '') throw new Error(`the commands wrote past process.stderr: ${said}`);
}

/** What came of one command, after those that were asked before. */
export function askServer(args: readonly string[]): Promise<Ended> {
  const { child, waiting } = (running ??= startServer());
  return new Promise((done, fail) => {
    waiting.push({ done, fail });
    child.send(args);
  });
}
