// Finds the Chromium of the machine, and installs one where the system's packages have it. Plain JavaScript, because
// bootstrap.mjs uses it too (docs/decisions/0031-browser-tests.md). Type-checked through JSDoc.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const applications = ['Chromium', 'Google Chrome'].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {string} name @returns {string[]} files of that name on the path */
function onPath(name) {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  return folders.map((folder) => join(folder, name)).filter(isExecutable);
}

/** A file of that name may be a stub that only says how to install a browser. @param {string} file */
function runs(file) {
  const { status, stdout } = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: 30_000 });
  return status === 0 && /Chrom(e|ium) \d/.test(stdout);
}

/** The Chromium that `DDCL_CHROMIUM` names, or the first that runs; no other one than that, if it names one. */
export function findChromium() {
  const given = process.env['DDCL_CHROMIUM'];
  const candidates = given ? [given] : [...names.flatMap(onPath), ...applications];
  return candidates.find((file) => isExecutable(file) && runs(file));
}

/** Why {@link findChromium} found none, and what to do. */
export function explainMissing() {
  const given = process.env['DDCL_CHROMIUM'];
  return given
    ? `DDCL_CHROMIUM=${given} does not run. Set it to the full path of a Chromium or Chrome, or unset it to have one looked for.`
    : "no Chromium on this machine. Install one with 'npm run setup:browser', or set DDCL_CHROMIUM to the full path of a Chromium or Chrome.";
}

/** @param {string} command @param {string[]} args all output goes to stderr */
function succeeds(command, ...args) {
  return spawnSync(command, args, { stdio: ['inherit', 2, 2] }).status === 0;
}

/** Installs the package of Debian and its like, with what its software WebGPU needs. @returns {boolean} whether a Chromium runs now */
export function installChromium() {
  if (onPath('apt-get').length === 0) return false;
  const isRoot = process.getuid?.() === 0;
  // Nobody can type a password under CI.
  const sudo = process.env['CI'] ? ['sudo', '-n'] : ['sudo'];
  const [command = '', ...before] = [...(isRoot ? [] : sudo), 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get'];
  const packages = ['install', '-y', '--no-install-recommends', 'chromium', 'libvulkan1'];
  // A fresh container knows of no package before it has updated its lists.
  const installed =
    succeeds(command, ...before, ...packages) ||
    (succeeds(command, ...before, 'update') && succeeds(command, ...before, ...packages));
  return installed && findChromium() !== undefined;
}
