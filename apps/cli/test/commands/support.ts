import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createRandom } from '@ddcl/core';
import { afterAll } from 'vitest';
import { npyHeader, type NpyDType } from '../../src/data/npy-writer.ts';
import { askServer, program, root, type Ended } from './server.ts';

export { program, type Ended };

/** These tests run the program as users get it; a stale build would test something else. */
function requireBuilt(): void {
  const tsc = join(root, 'node_modules/.bin/tsc');
  const { status, stdout } = spawnSync(tsc, ['-b', '--dry', join(root, 'apps/cli')], { encoding: 'utf8' });
  if (status === 0 && !stdout.includes('would build project')) return;
  throw new Error("apps/cli/dist is missing or older than the sources. Run 'npm run setup' ('npm test' does).");
}
requireBuilt();

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

/** Runs `ddcl` in a process that it shares with the other commands of the test file: starting one takes longer than most commands. */
export function ddcl(args: readonly string[]): Promise<Ended> {
  return askServer(withBackend(args)).then((ended) => ({ ...ended, stderr: ended.stderr.replace(progressLines, '') }));
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
