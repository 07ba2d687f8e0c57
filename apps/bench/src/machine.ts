import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';

/** Processor, widest vector unit, cores. */
export function machine(): string {
  const flags = /^flags\s*:(.*)$/m.exec(read('/proc/cpuinfo'))?.[1]?.split(' ') ?? [];
  const vectors = ['avx512f', 'avx2', 'neon'].find((flag) => flags.includes(flag)) ?? 'vector unit unknown';
  return `${cpus()[0]?.model.trim() ?? 'unknown processor'} (${vectors}), ${cpus().length} cores`;
}

/** Empty where there is no such file, as outside Linux. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Version of a package that this one depends on. */
export const versionOf = (name: string): string =>
  (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version;

/** As `python --version` says it. */
export function pythonVersion(python: string): string {
  return execFileSync(python, ['--version'], { encoding: 'utf8' }).trim();
}

/** Packages of a Python, as `torch 2.15.0`. */
export function peerVersions(python: string, packages: readonly string[]): string[] {
  const script = 'import sys, importlib.metadata as m; print("\\n".join(f"{n} {m.version(n)}" for n in sys.argv[1:]))';
  return execFileSync(python, ['-c', script, ...packages], { encoding: 'utf8' })
    .trim()
    .split('\n');
}
