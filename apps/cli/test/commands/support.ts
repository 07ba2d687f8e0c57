import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createRandom } from '@ddcl/core';
import { afterAll } from 'vitest';
import { npyHeader, type NpyDType } from '../../src/data/npy-writer.ts';

const root = fileURLToPath(new URL('../../../../', import.meta.url));
export const program = join(root, 'apps/cli/dist/main.js');

/** These tests run the program as users get it; a stale build would test something else. */
function requireBuilt(): void {
  const tsc = join(root, 'node_modules/.bin/tsc');
  const { status, stdout } = spawnSync(tsc, ['-b', '--dry', join(root, 'apps/cli')], { encoding: 'utf8' });
  if (status === 0 && !stdout.includes('would build project')) return;
  throw new Error("apps/cli/dist is missing or older than the sources. Run 'npm run setup' ('npm test' does).");
}
requireBuilt();

export interface Ended {
  /** Exit status; null when a signal ended the process. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  /** Called with the process as soon as it runs. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** Commands that compute, with the backend that their tests are about. */
const backendOf: Readonly<Record<string, string>> = {
  fit: 'cpu',
  measure: 'cpu',
  encode: 'cpu',
  explain: 'cpu',
  demo: 'cpu',
  compare: 'ort',
  'vq fit': 'cpu',
  'vq encode': 'cpu',
  'vq compare': 'cpu',
  'vq train': 'cpu',
  'hier fit': 'cpu',
};

/** The default depends on what is installed, and is announced; tests whose subject is another name none. */
function withBackend(args: readonly string[]): readonly string[] {
  const words = args[0] === 'vq' || args[0] === 'hier' ? 2 : 1;
  const backend = backendOf[args.slice(0, words).join(' ')];
  return backend === undefined || args.includes('--backend')
    ? args
    : [...args.slice(0, words), '--backend', backend, ...args.slice(words)];
}

/** Lines of progress, which come where a busy machine makes a command last ten seconds: output/progress.test.ts is about them. */
const progressLines =
  /^(opening|reading( text)?|standardizing|averaging|encoding( text)?|fitting( \d+\/\d+)?|measuring|stability|comparing|explaining|decoding|training|updating|adding up|(read|fit|joint|encode) \([^)]*\)): \d[^\n]*\n/gm;

/** Runs `ddcl` as a process of its own, where its environment, a signal or its end matters. */
export function ddclProcess(args: readonly string[], { env = {}, onStart }: RunOptions = {}): Promise<Ended> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [program, ...withBackend(args)], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', fail);
    child.on('close', (status) => done({ status, stdout, stderr: stderr.replace(progressLines, '') }));
    onStart?.(child);
  });
}

/** The environment of a process in which importing a module does something else: `instead` is the body of a resolve hook. */
function hooked(folder: TestFolder, module: string, name: string, instead: string): Record<string, string> {
  const hook = `export async function resolve(name, context, next) {
    if (name !== ${JSON.stringify(module)} && !name.startsWith(${JSON.stringify(`${module}/`)})) return next(name, context);
    ${instead}
  }`;
  const file = folder.write(
    `${module}-${name}.mjs`,
    `import { register } from 'node:module'; register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hook))});`,
  );
  return { NODE_OPTIONS: `--import ${pathToFileURL(file).href}` };
}

/**
 * The environment of a process in which importing a module fails.
 *
 * @param code of the error
 */
export const withoutModule = (
  folder: TestFolder,
  module: string,
  code: string,
  message: string,
): Record<string, string> =>
  hooked(
    folder,
    module,
    code,
    `throw Object.assign(new Error(${JSON.stringify(message)}), { code: ${JSON.stringify(code)} });`,
  );

/** The environment of a process in which a module is another one, of this source. */
export const withModule = (folder: TestFolder, module: string, name: string, source: string): Record<string, string> =>
  hooked(
    folder,
    module,
    name,
    `return { url: ${JSON.stringify(`data:text/javascript,${encodeURIComponent(source)}`)}, shortCircuit: true };`,
  );

/** As for users who did not install `onnxruntime-node`. */
export const withoutOrt = (folder: TestFolder): Record<string, string> =>
  withoutModule(
    folder,
    'onnxruntime-node',
    'ERR_MODULE_NOT_FOUND',
    "Cannot find package 'onnxruntime-node' imported from ddcl",
  );

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
  child.on('message', (ended: Ended) =>
    started.waiting.shift()!.done({ ...ended, stderr: ended.stderr.replace(progressLines, '') }),
  );
  child.on('exit', (status) => {
    const error = new Error(`the process of the commands ended with ${status}: ${started.said}`);
    for (const { fail } of started.waiting.splice(0)) fail(error);
  });
  return started;
}

/** Nothing that a command says may get lost. */
async function stopServer(): Promise<void> {
  if (running === undefined) return;
  const { child } = running;
  // No 'close' comes from a process whose channel was closed from here.
  const ended = Promise.all([once(child, 'exit'), once(child.stderr!, 'end')]);
  child.disconnect();
  await ended;
  if (running.said !== '') throw new Error(`the commands wrote past process.stderr: ${running.said}`);
}
afterAll(stopServer);

/** Runs `ddcl` in a process that it shares with the other commands of the test file: starting one takes longer than most commands. */
export function ddcl(args: readonly string[]): Promise<Ended> {
  const { child, waiting } = (running ??= startServer());
  return new Promise((done, fail) => {
    waiting.push({ done, fail });
    child.send(withBackend(args));
  });
}

/** Runs `ddcl` once for each list of arguments, one after the other. */
export function ddclInTurn(commands: readonly (readonly string[])[]): Promise<Ended[]> {
  return Promise.all(commands.map((args) => ddcl(args)));
}

/** Runs `ddcl`, which must succeed without a word on stderr, and returns stdout. With options, in a process of its own. */
export async function succeed(args: readonly string[], options?: RunOptions): Promise<string> {
  const { status, stdout, stderr } = await (options === undefined ? ddcl(args) : ddclProcess(args, options));
  if (status !== 0 || stderr !== '') throw new Error(`ddcl ${args.join(' ')}: exit status ${status}\n${stderr}`);
  return stdout;
}

/** A folder of one test file, removed after its tests. */
export interface TestFolder {
  readonly path: string;
  /** A path in the folder. */
  at(name: string): string;
  write(name: string, content: string | Uint8Array): string;
  read(name: string): Buffer;
  json(name: string): unknown;
}

export function testFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'ddcl-cli-test-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  const at = (name: string): string => join(path, name);
  return {
    path,
    at,
    write(name, content) {
      mkdirSync(dirname(at(name)), { recursive: true });
      writeFileSync(at(name), content);
      return at(name);
    },
    read: (name) => readFileSync(at(name)),
    json: (name) => JSON.parse(readFileSync(at(name), 'utf8')) as unknown,
  };
}

/** Numbers as the bytes of an .npy file. */
export function npy(shape: readonly number[], dtype: NpyDType, numbers: ArrayLike<number>): Uint8Array {
  const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array } as const;
  const data = new arrays[dtype](numbers);
  return Buffer.concat([npyHeader(shape, dtype), new Uint8Array(data.buffer)]);
}

/** Rows of a table around a few centres, one class each; exact in float32, so that all formats hold the same numbers. */
export interface Tokens {
  readonly rows: readonly (readonly number[])[];
  readonly flat: Float64Array;
  readonly classes: readonly string[];
}

export function clusters(count: number, dimension: number, centres: number, seed = 1): Tokens {
  const random = createRandom(seed);
  const middle = Array.from({ length: centres }, () => Array.from({ length: dimension }, () => 6 * random.normal()));
  const rows = Array.from({ length: count }, (_, row) =>
    middle[row % centres]!.map((value) => Math.fround(value + random.normal())),
  );
  return { rows, flat: Float64Array.from(rows.flat()), classes: rows.map((_, row) => `class ${row % centres}`) };
}

/** A table with the columns c0, c1, ... and, where asked for, `kind`. */
export function csv({ rows, classes }: Tokens, { separator = ',', labels = false } = {}): string {
  const names = [...rows[0]!.map((_, column) => `c${column}`), ...(labels ? ['kind'] : [])];
  const lines = rows.map((row, index) => [...row, ...(labels ? [classes[index]!] : [])].join(separator));
  return `${[names.join(separator), ...lines].join('\n')}\n`;
}
