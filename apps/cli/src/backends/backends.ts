import { cpus, totalmem } from 'node:os';
import { cpuBackend } from '@ddcl/backend-cpu';
import { f32, mul, sum, trace } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { messageOf } from '../output/message-of.ts';
import { usageError } from '../output/usage-error.ts';
import { isModule, loadBackend } from './load-module.ts';
import { withStdoutOnStderr } from '../output/stdout-on-stderr.ts';
import { loadOrt } from './load-ort.ts';
import { loadTensorflow } from './load-tensorflow.ts';

/** A backend that the CLI knows by name. */
interface KnownBackend {
  readonly description: string;
  /** What may follow the name after a colon; undefined where nothing may. */
  readonly choices?: string;
  /** @param choice what follows the name after a colon */
  create(choice: string | undefined): Promise<Backend>;
}

const known: Readonly<Record<string, KnownBackend>> = {
  cpu: {
    description: 'TypeScript and WebAssembly SIMD, one thread; float32 and float64',
    create: async () => cpuBackend(),
  },
  ort: {
    description: 'ONNX Runtime, all cores; float32',
    choices: 'execution providers in your order, such as cuda,cpu',
    create: async (choice) => {
      // What only this backend needs is loaded when it is asked for, and not at every start.
      const [{ ortBackend }, runtime] = await Promise.all([import('@ddcl/backend-ort'), loadOrt()]);
      return ortBackend({ runtime, ...(choice === undefined ? {} : { executionProviders: choice.split(',') }) });
    },
  },
  webgpu: {
    description: 'any GPU through WebGPU: Vulkan, Metal or D3D12; float32',
    // `auto` does not take it: no card has shown it faster than ort on its processor yet.
    create: async () => {
      const { webgpuBackend } = await import('@ddcl/backend-webgpu');
      return withStdoutOnStderr(() => webgpuBackend({}));
    },
  },
  tfjs: {
    description: 'TensorFlow.js, where you installed it; float32',
    choices: 'one of node-gpu, node, webgpu, wasm, cpu',
    create: async (choice) => {
      const [{ tfjsBackend }, tf] = await Promise.all([import('@ddcl/backend-tfjs'), loadTensorflow(choice)]);
      return tfjsBackend({ tf });
    },
  },
};

/** What `--backend` takes where the choice is left to the command line. */
export const autoBackend = 'auto';

/** Names that `--backend` takes. */
export const backendNames: readonly string[] = [autoBackend, ...Object.keys(known)];

/** What `--backend` takes for a backend's name, such as `ort:cuda,cpu` for `ort cuda+cpu`. */
export function optionOfBackend(name: string): string {
  // `webgpu (adapter)`: what is in brackets is no choice.
  const [known = name, choice] = name.replace(/ \(.*\)$/, '').split(' ');
  return choice === undefined || name === 'ort cpu' ? known : `${known}:${choice.replaceAll('+', ',')}`;
}

/** A known backend and what follows its name after a colon, or undefined. */
function parse(text: string): { readonly backend: KnownBackend; readonly choice: string | undefined } | undefined {
  const [, name = '', choice] = /^([^:]*)(?::(.+))?$/.exec(text) ?? [];
  const backend = Object.hasOwn(known, name) ? known[name] : undefined;
  if (backend === undefined || (choice !== undefined && backend.choices === undefined)) return undefined;
  return { backend, choice };
}

/** Whether `--backend` takes a text; not whether that backend runs here. */
export function isBackend(text: string): boolean {
  return text === autoBackend || isModule(text) || parse(text) !== undefined;
}

/** @throws DdclError `argument` for a name that is not known; whatever the backend throws if it cannot start here */
export async function createBackend(name: string): Promise<Backend> {
  if (isModule(name)) return loadBackend(name);
  const found = parse(name);
  if (found !== undefined) return found.backend.create(found.choice);
  throw usageError(`There is no backend '${name}'. This version has: ${backendNames.join(', ')}. See 'ddcl doctor'.`);
}

/** Whether a backend runs on this machine. */
export interface BackendCheck {
  readonly name: string;
  readonly description: string;
  readonly runs: boolean;
  /** What it can do, or why it cannot run. */
  readonly detail: string;
}

/**
 * Starts each backend and runs a small program on it.
 * @param module one of the user's, to be checked too
 */
export async function checkBackends(module?: string): Promise<BackendCheck[]> {
  const own: Readonly<Record<string, KnownBackend>> =
    module === undefined
      ? {}
      : { [module]: { description: 'a module of your own', create: () => createBackend(module) } };
  return Promise.all(
    Object.entries({ ...known, ...own }).map(async ([name, { description, create }]) => {
      try {
        const detail = await tryBackend(await create(undefined));
        return { name, description, runs: true, detail };
      } catch (error) {
        return { name, description, runs: false, detail: messageOf(error) };
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
    const { dtypes, deterministic, maxBufferBytes } = backend.capabilities;
    const buffers = Number.isFinite(maxBufferBytes)
      ? `; buffers of up to ${Math.floor(maxBufferBytes / 2 ** 20)} MiB`
      : '';
    // Of a card the adapter is worth knowing; other names say what the line begins with.
    const adapter = backend.name.includes('(') ? `${backend.name}: ` : '';
    return `${adapter}${dtypes.join(', ')}; ${deterministic ? 'deterministic' : 'not deterministic'}${buffers}`;
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
