// Runs a command of the checkout after making it ready. Plain JavaScript, because it runs before anything
// is installed and Node 20 does not run TypeScript (docs/decisions/0003-bootstrap.md). Type-checked through JSDoc.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { explainMissing, findChromium, installChromium } from './chromium.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const state = join(root, '.setup');
const stampFile = join(state, 'stamp.json');
const lockFile = join(state, 'lock');
/** The folder the user stands in; npm starts scripts in the root. */
const userFolder = process.env['INIT_CWD'] ?? process.cwd();

/** For everything that is started: turbo looks for pnpm on the path, and nothing reports home. */
const environment = {
  PATH: [join(root, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(delimiter),
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  DO_NOT_TRACK: '1',
};

/** @param {string} text */
function say(text) {
  process.stderr.write(`ddcl: ${text}\n`);
}

/** @param {string} path */
function exists(path) {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Workspace folders, those with a package.json. @returns {string[]} */
function workspaceFolders() {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group))
      .map((name) => join(root, group, name))
      .filter((folder) => exists(join(folder, 'package.json'))),
  );
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
  const hash = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}`);
  const files = ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((name) => join(root, name));
  const manifests = workspaceFolders().map((folder) => join(folder, 'package.json'));
  for (const file of [...files, ...manifests]) hash.update(readFileSync(file));
  return hash.digest('hex');
}

/** What the built files depend on; times and sizes, because reading every source at each start would be slow. */
function buildKey() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'tsconfig.base.json')));
  for (const folder of workspaceFolders()) {
    for (const file of [join(folder, 'tsconfig.json'), ...filesUnder(join(folder, 'src'))]) {
      const { mtimeMs, size } = statSync(file);
      hash.update(`${file} ${mtimeMs} ${size}\n`);
    }
  }
  return hash.digest('hex');
}

/** @returns {{ install?: string, build?: string }} what was done completely */
function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'));
  } catch {
    return {};
  }
}

function isInstalled() {
  return readStamp().install === installKey() && exists(join(root, 'node_modules'));
}

/** Folders that the set-up builds; what is served and never imported is built when it is asked for. */
function builtFolders() {
  return workspaceFolders().filter(
    (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).scripts?.build !== undefined,
  );
}

function isBuilt() {
  return readStamp().build === buildKey() && builtFolders().every((folder) => exists(join(folder, 'dist')));
}

/** Whether a process, or a group of them (below 0), still runs. @param {number} id */
function runs(id) {
  try {
    return process.kill(id, 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/** Whether somebody makes this checkout ready: the process that wrote the lock, or what it started before it was killed. */
function isLockHeld() {
  try {
    const ids = readFileSync(lockFile, 'utf8').split(' ').map(Number).filter(Boolean);
    // A lock that is being written names nobody yet.
    if (ids.length === 0) return Date.now() - statSync(lockFile).mtimeMs < 5000;
    return ids.some(runs);
  } catch {
    return false;
  }
}

/** Waits until no other process makes this checkout ready. */
async function takeLock() {
  mkdirSync(state, { recursive: true });
  for (let waited = false; ; await delay(200)) {
    try {
      writeFileSync(lockFile, `${process.pid} `, { flag: 'wx' });
      // Another one may have removed a lock that was left behind at this very moment, and with it ours.
      await delay(50);
      if (readFileSync(lockFile, 'utf8') === `${process.pid} `) return;
    } catch (error) {
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      if (code !== 'EEXIST' && code !== 'ENOENT') throw error;
    }
    if (!isLockHeld()) rmSync(lockFile, { force: true });
    else if (!waited) say('waiting for another command that makes this checkout ready');
    waited = true;
  }
}

/**
 * Runs a part of the set-up with all its output on stderr. It leads a process group of its own, so that it can be ended
 * as a whole; whoever ends this process by force leaves the group's number in the lock.
 *
 * @param {string} what
 * @param {string} command
 * @param {string[]} args
 */
async function step(what, command, args) {
  say(what);
  // Whatever NODE_ENV says, the tools are needed.
  const env = { ...process.env, ...environment, CI: 'true', NODE_ENV: '' };
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2], env, detached: true });
  /** @type {NodeJS.Signals | undefined} */
  let interrupted;
  /** @param {NodeJS.Signals} signal */
  const onSignal = (signal) => {
    interrupted = signal;
    if (child.pid !== undefined && runs(-child.pid)) process.kill(-child.pid, 'SIGTERM');
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const problem = await new Promise((done) => {
    child.on('error', (error) => done(` (${error.message})`));
    child.on('exit', (status) => done(status === 0 ? undefined : ''));
    if (child.pid !== undefined) writeFileSync(lockFile, `${process.pid} -${child.pid}`);
  });
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  if (interrupted !== undefined) {
    rmSync(lockFile, { force: true });
    process.kill(process.pid, interrupted);
    await delay(1000);
  }
  if (problem === undefined) return;
  rmSync(lockFile, { force: true });
  say(`the set-up failed while ${what}${problem}. Its output is above; run the command again.`);
  process.exit(1);
}

/** Installs from the lockfile and builds, if anything changed since the last time; silent if not. */
async function makeReady() {
  if (isInstalled() && isBuilt()) return;
  await takeLock();
  if (!isInstalled()) {
    const install = installKey();
    const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    rmSync(stampFile, { force: true });
    const args = ['-y', packageManager, 'install', '--frozen-lockfile'];
    await step(`installing with ${packageManager} (a minute the first time)`, 'npx', args);
    writeFileSync(stampFile, JSON.stringify({ install }));
  }
  if (!isBuilt()) {
    const { install } = readStamp();
    // Before it is built: an edit during the build has to be built by the next command.
    const build = buildKey();
    writeFileSync(stampFile, JSON.stringify({ install }));
    const turbo = join(root, 'node_modules/turbo/bin/turbo');
    await step('building', process.execPath, [turbo, 'run', 'build', '--output-logs=errors-only']);
    writeFileSync(stampFile, JSON.stringify({ install, build }));
  }
  rmSync(lockFile, { force: true });
}

/** npm passes on a Ctrl-C which the terminal already sent to everyone. What follows within a second is that one. */
function onceASignal() {
  const emit = process.emit;
  let last = -Infinity;
  process.emit = /** @type {typeof emit} */ (
    (/** @type {string} */ event, /** @type {unknown[]} */ ...values) => {
      if (event === 'SIGINT' || event === 'SIGTERM') {
        const now = performance.now();
        if (now - last < 1000) return true;
        last = now;
      }
      return Reflect.apply(emit, process, [event, ...values]);
    }
  );
}

/** A kill of npm that it cannot pass on ends this process too: a fit that nobody waits for would go on writing. */
function endWithNpm() {
  const parent = process.ppid;
  const look = () => process.ppid === parent || process.kill(process.pid, 'SIGKILL');
  if (process.env['npm_lifecycle_event'] !== undefined) setInterval(look, 100).unref();
}

/** Runs vitest in this process. @param {string[]} args */
async function vitest(args) {
  process.chdir(root);
  process.argv = [process.execPath, 'vitest', 'run', ...args];
  await import(pathToFileURL(join(root, 'node_modules/vitest/vitest.mjs')).href);
}

/** What `npm test` looks at beside the tests. */
const checks = [
  ['oxlint', '--deny-warnings'],
  ['oxfmt', '--check', '.'],
  ['sherif'],
  ['knip'],
  ['turbo', 'run', 'check:types', '--concurrency=1', '--output-logs=errors-only'],
];

/**
 * Runs the checks one after the other while the tests run, which leave a core idle now and then. What fails, or has not ended with the tests, is said
 * after the results of the tests: a file that is not formatted is no reason to keep those back.
 */
async function runChecks() {
  /** What each check printed that did not pass; nothing yet of those that did not end. */
  const failed = new Map(checks.map((check) => [check, 'it had not ended with the tests\n']));
  process.on('exit', (status) => {
    for (const [check, output] of failed) writeSync(2, `\nddcl: '${check.join(' ')}' failed:\n${output}`);
    if (failed.size > 0 && status === 0) process.exitCode = 1;
  });
  for (const check of checks) {
    const [name = '', ...rest] = check;
    const child = spawn(join(root, 'node_modules', '.bin', name), rest, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    const status = await new Promise((done) => {
      child.on('error', (error) => done((output += `${error.message}\n`)));
      child.on('close', done);
      // Tests with a clock come first.
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    });
    if (status === 0) failed.delete(check);
    else failed.set(check, output);
  }
}

/** @type {Record<string, (args: string[]) => void | Promise<void>>} */
const commands = {
  // In this process, so that signals, exit status and the terminal need no passing on.
  async ddcl(args) {
    const { reportUncaught, runCli } = await import(pathToFileURL(join(root, 'apps/cli/dist/cli.js')).href);
    process.chdir(userFolder);
    reportUncaught();
    process.exitCode = await runCli([process.execPath, 'ddcl', ...args]);
  },
  async fuzz(args) {
    process.chdir(userFolder);
    process.argv = [process.execPath, 'fuzz', ...args];
    await import(pathToFileURL(join(root, 'apps/fuzz/dist/main.js')).href);
  },
  setup() {},
  async studio(args) {
    const { build, preview } = await import(pathToFileURL(join(root, 'node_modules/vite/dist/node/index.js')).href);
    const port = args.length === 0 ? 4173 : Number(args[0]);
    if (args.length > 1 || !(Number.isInteger(port) && port > 0 && port < 65_536)) {
      say(`studio takes a port (1 to 65535), but '${args.join(' ')}' came. Example: npm run studio -- 8080`);
      process.exit(2);
    }
    const page = { root: join(root, 'apps/studio'), logLevel: 'warn' };
    say('building the page');
    await build(page);
    const server = await preview({ ...page, preview: { port } });
    server.printUrls();
    say('open the page in a browser; Ctrl-C ends the server');
  },
  'setup:browser'() {
    if (findChromium() !== undefined) return;
    if (process.env['DDCL_CHROMIUM']) {
      say(explainMissing());
      process.exit(1);
    }
    say('installing Chromium for the tests in the browser, where there is apt-get (packages chromium and libvulkan1)');
    if (installChromium()) return;
    say(
      'there is still no Chromium that runs. Install Chromium or Chrome by hand, and if it is not on the PATH, set DDCL_CHROMIUM to its full path.',
    );
    process.exit(1);
  },
  async test(args) {
    if (args.length > 0) return vitest(args);
    runChecks();
    // So long it lets the checks go on where the tests have ended first.
    await vitest(['--teardownTimeout=900000']);
  },
  async 'check:built'(args) {
    process.env['DDCL_TEST_BUILT'] = '1';
    await commands['test']?.(['--project', '!tooling', ...args]);
  },
  async 'test:all'(args) {
    process.env['DDCL_THOROUGH_TESTS'] = '1';
    await vitest(args);
  },
  async 'check:kit'(args) {
    process.env['DDCL_KIT_TESTS'] = '1';
    await vitest(['--project', 'backend-conformance', ...args]);
  },
  async 'check:data'(args) {
    const given = process.env['DDCL_DATA'];
    const folder = given ? resolve(userFolder, given) : join(root, '..', 'shared', 'data');
    if (!exists(folder)) {
      say(
        `no data folder ${folder}. Set DDCL_DATA to the folder of the data sets, or run 'npm test', which needs none.`,
      );
      process.exit(2);
    }
    process.env['DDCL_DATA'] = folder;
    process.env['DDCL_DATA_TESTS'] = '1';
    await vitest(args);
  },
};

const [name = '', ...args] = process.argv.slice(2);
const command = commands[name];
if (command === undefined) {
  say(`there is no '${name}'. Choose from: ${Object.keys(commands).join(', ')}.`);
  process.exit(2);
}
onceASignal();
await makeReady();
endWithNpm();
await command(args);
