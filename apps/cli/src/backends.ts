import { cpus, totalmem } from 'node:os';
import { cpuBackend } from '@ddcl/backend-cpu';
import { DdclError, f32, mul, sum, trace } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';

/** A backend that the CLI knows by name. */
interface KnownBackend {
  readonly description: string;
  create(): Promise<Backend>;
}

const known: Readonly<Record<string, KnownBackend>> = {
  cpu: { description: 'plain TypeScript, one thread; float32 and float64', create: async () => cpuBackend() },
};

/** Names that `--backend` takes. */
export const backendNames: readonly string[] = Object.keys(known);

/** @throws DdclError `argument` for a name that is not known; whatever the backend throws if it cannot start here */
export async function createBackend(name: string): Promise<Backend> {
  const found = Object.hasOwn(known, name) ? known[name] : undefined;
  if (found !== undefined) return found.create();
  throw new DdclError(
    'argument',
    `There is no backend '${name}'. This version has: ${backendNames.join(', ')}. See 'ddcl doctor'.`,
  );
}

/** Whether a backend runs on this machine. */
export interface BackendCheck {
  readonly name: string;
  readonly description: string;
  readonly runs: boolean;
  /** What it can do, or why it cannot run. */
  readonly detail: string;
}

/** Starts each backend and runs a small program on it. */
export async function checkBackends(): Promise<BackendCheck[]> {
  return Promise.all(
    Object.entries(known).map(async ([name, { description, create }]) => {
      try {
        const detail = await tryBackend(await create());
        return { name, description, runs: true, detail };
      } catch (error) {
        return { name, description, runs: false, detail: error instanceof Error ? error.message : String(error) };
      }
    }),
  );
}

async function tryBackend(backend: Backend): Promise<string> {
  try {
    const executable = await backend.compile(trace([f32(3)], (x) => [sum(mul(x, x))], 'check'));
    const input = backend.upload({ dtype: 'float32', shape: [3] }, Float32Array.of(1, 2, 3));
    const [output] = await executable.run([input]);
    const [value] = await backend.download(output!);
    if (value !== 14) throw new Error(`computed 1 + 4 + 9 = ${value}`);
    const { dtypes, deterministic } = backend.capabilities;
    return `${dtypes.join(', ')}; ${deterministic ? 'deterministic' : 'not deterministic'}`;
  } finally {
    backend.dispose();
  }
}

/** The machine in words. */
export function describeMachine(): {
  node: string;
  platform: string;
  processor: string;
  cores: number;
  memoryGiB: number;
} {
  const all = cpus();
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    processor: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}
