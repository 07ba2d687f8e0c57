import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DdclError } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { usageError } from '../output/usage-error.ts';

/** Whether `--backend` means a module of the user's: a path, a package with a scope, or a file of JavaScript. */
export function isModule(text: string): boolean {
  return /^(\.{0,2}\/|@[^/]+\/)|\.m?js$/.test(text);
}

/** Members that every backend has (`Backend` of @ddcl/core/backend). */
const members = ['upload', 'download', 'free', 'compile', 'memory', 'dispose'] as const;

function locate(text: string): string {
  if (!text.startsWith('@')) {
    const path = resolve(text);
    if (existsSync(path)) return path;
    throw usageError(`There is no file ${path}. --backend takes a built module of a backend, such as ./dist/index.js.`);
  }
  try {
    return createRequire(join(process.cwd(), 'package.json')).resolve(text);
  } catch (cause) {
    throw new DdclError('argument', `The package ${text} is not installed in ${process.cwd()}: npm install ${text}`, {
      cause,
    });
  }
}

/**
 * Starts the backend that a module's default export makes: a function without required parameters that gives one, at once or promised.
 * @throws DdclError `argument` if there is no such module, or its default export makes no backend; `unsupported` if it cannot be loaded or started
 */
export async function loadBackend(text: string): Promise<Backend> {
  const url = pathToFileURL(locate(text)).href;
  let made: unknown;
  let create: unknown;
  try {
    ({ default: create } = (await import(url)) as { default?: unknown });
    made = typeof create === 'function' ? await (create as () => unknown)() : undefined;
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
    throw new DdclError('unsupported', `The backend ${text} cannot be started: ${reason}`, { cause });
  }
  if (typeof create !== 'function')
    throw usageError(
      `${text} has no function as its default export. Export one that makes a backend: export { myBackend as default }.`,
    );
  const backend = made as (Partial<Backend> & Readonly<Record<string, unknown>>) | undefined | null;
  const missing = members.filter((name) => typeof backend?.[name] !== 'function');
  if (backend?.contract !== 1 || missing.length > 0)
    throw usageError(
      `What ${text} makes is no backend of contract 1${missing.length > 0 ? `: it lacks ${missing.join(', ')}` : ''}. See docs/backends of ddcl.`,
    );
  return backend as Backend;
}
