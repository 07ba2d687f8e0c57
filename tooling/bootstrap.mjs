// Runs a command of the checkout after making it ready. Plain JavaScript, because it runs before anything
// is installed and Node 20 does not run TypeScript (docs/decisions/0003-bootstrap.md). Type-checked through JSDoc.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const state = join(root, '.setup');
const stampFile = join(state, 'stamp.json');
const lockFile = join(state, 'lock');

/** The environment of everything that is started: turbo looks for pnpm on the path, and nothing reports home. */
const environment = {
  ...process.env,
  PATH: [join(root, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(delimiter),
  TURBO_TELEMETRY_DISABLED: '1',
  DO_NOT_TRACK: '1',
};

/** @param {string} text */
function say(text) {
  process.stderr.write(`ddcl: ${text}\n`);
}

/** Workspace folders, those with a package.json. @returns {string[]} */
function workspaceFolders() {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group))
      .map((name) => join(root, group, name))
      .filter((folder) => exists(join(folder, 'package.json'))),
  );
}

/** @param {string} path */
function exists(path) {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** @param {string} folder @returns {string[]} */
function filesUnder(folder) {
  if (!exists(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** What the installed packages depend on. */
function installKey() {
  const hash = createHash('sha256').update(process.version);
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((name) => join(root, name));
  for (const file of [...files, ...workspaceFolders().map((folder) => join(folder, 'package.json'))])
    hash.update(readFileSync(file));
  return hash.digest('hex');
}

/** What the built files depend on; times and sizes, because reading every source at each start would be slow. */
function buildKey() {
  const hash = createHash('sha256');
  for (const folder of workspaceFolders()) {
    for (const file of [join(folder, 'tsconfig.json'), ...filesUnder(join(folder, 'src'))]) {
      const { mtimeMs, size } = statSync(file);
      hash.update(`${file} ${mtimeMs} ${size}\n`);
    }
    hash.update(String(exists(join(folder, 'dist'))));
  }
  return hash.update(readFileSync(join(root, 'tsconfig.base.json'))).digest('hex');
}

/** @returns {{ install?: string, build?: string }} */
function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

/**
 * Runs a part of the set-up with all its output on stderr.
 * @param {string} what
 * @param {string} command
 * @param {string[]} args
 */
function step(what, command, args) {
  say(what);
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...environment, CI: 'true' },
  });
  if (status === 0) return;
  say(
    `the set-up failed while ${what}${error === undefined ? '' : ` (${error.message})`}. Its output is above; run the command again.`,
  );
  process.exit(1);
}

/** Waits until no other process makes this checkout ready, and takes the lock. @returns {() => void} */
function lock() {
  mkdirSync(state, { recursive: true });
  for (;;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: 'wx' });
      return () => rmSync(lockFile, { force: true });
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    if (!isHeld()) rmSync(lockFile, { force: true });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

/** Whether the process that wrote the lock still runs. */
function isHeld() {
  try {
    const holder = Number(readFileSync(lockFile, 'utf8'));
    // A lock that is being written holds nothing yet.
    if (holder === 0) return Date.now() - statSync(lockFile).mtimeMs < 5000;
    process.kill(holder, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/** Installs from the lockfile and builds, if anything changed since the last time; silent if not. */
function makeReady() {
  const isReady = () => {
    const { install, build } = readStamp();
    return install === installKey() && build === buildKey() && exists(join(root, 'node_modules'));
  };
  if (isReady()) return;
  const unlock = lock();
  try {
    if (isReady()) return;
    const before = readStamp();
    const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const install = installKey();
    if (before.install !== install || !exists(join(root, 'node_modules'))) {
      rmSync(stampFile, { force: true });
      step(`installing with ${packageManager} (a minute the first time)`, 'npx', [
        '-y',
        packageManager,
        'install',
        '--frozen-lockfile',
      ]);
    }
    step('building', process.execPath, [
      join(root, 'node_modules/turbo/bin/turbo'),
      'run',
      'build',
      '--output-logs=errors-only',
    ]);
    writeFileSync(stampFile, JSON.stringify({ install, build: buildKey() }));
  } finally {
    unlock();
  }
}

/**
 * Runs a program of the checkout with the terminal as it is.
 * @param {string} name of the program in node_modules/.bin
 * @param {string[]} args
 * @param {Record<string, string>} [env]
 */
function run(name, args, env = {}) {
  const bin = join(root, 'node_modules', '.bin', name);
  const { status } = spawnSync(bin, args, { cwd: root, stdio: 'inherit', env: { ...environment, ...env } });
  if (status !== 0) process.exit(status ?? 1);
}

/** @type {Record<string, (args: string[]) => void | Promise<void>>} */
const commands = {
  // In this process, so that signals, exit status and the terminal need no passing on.
  async ddcl(args) {
    const { runCli } = await import(pathToFileURL(join(root, 'apps/cli/dist/cli.js')).href);
    process.chdir(process.env['INIT_CWD'] ?? process.cwd());
    process.exitCode = await runCli([process.execPath, 'ddcl', ...args]);
  },
  setup() {},
  test(args) {
    if (args.length === 0) {
      run('oxlint', ['--deny-warnings']);
      run('oxfmt', ['--check', '.']);
      run('knip', []);
      run('turbo', ['run', 'check:types', '--output-logs=errors-only']);
    }
    run('vitest', ['run', ...args]);
  },
  'check:data'(args) {
    const folder = process.env['DDCL_DATA'] ?? join(root, '..', 'shared', 'data');
    if (!exists(folder)) {
      say(
        `there is no data folder ${folder}. Set DDCL_DATA to a folder with the data sets, or run 'npm test', which needs none.`,
      );
      process.exit(2);
    }
    run('vitest', ['run', ...args], { DDCL_DATA: folder, DDCL_DATA_TESTS: '1' });
  },
};

const [name = '', ...args] = process.argv.slice(2);
const command = commands[name];
if (command === undefined) {
  say(`there is no '${name}'. Choose from: ${Object.keys(commands).join(', ')}.`);
  process.exit(2);
}
makeReady();
await command(args);
