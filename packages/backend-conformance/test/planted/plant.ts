import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Backend } from '@ddcl/core/backend';
import { build } from 'esbuild';
import type { strictBackend, StrictBackend } from '../../src/strict/strict-backend.ts';

const packages = join(import.meta.dirname, '../../..');

/** A change of one place of a source file. */
export interface Patch {
  /** Relative to `packages/`. */
  readonly file: string;
  /** A text that stands in the file once. */
  readonly find: string;
  readonly replace: string;
}

/** Where a text stands once in a file, that file with another in its place. */
export function applyPatch(source: string, { file, find, replace }: Patch): string {
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new Error(`${file} has the text ${JSON.stringify(find)} ${parts.length - 1} times instead of once`);
  return parts.join(replace);
}

export async function readPatched(patch: Patch): Promise<string> {
  return applyPatch(await readFile(join(packages, patch.file), 'utf8'), patch);
}

/** What the bundle with the changed sources gives. */
interface Bundle {
  cpuBackend(options?: { readonly fused?: boolean }): Backend;
  strictBackend: typeof strictBackend;
}

/** The CPU backend and the strict one, built from sources of which some are changed. */
async function bundle(patches: readonly Patch[]): Promise<Bundle> {
  const files = new Map<string, Patch[]>();
  for (const patch of patches) files.set(patch.file, [...(files.get(patch.file) ?? []), patch]);
  const { outputFiles } = await build({
    stdin: {
      contents: `export { cpuBackend } from './backend-cpu/src/index.ts';
        export { strictBackend } from './backend-conformance/src/strict/strict-backend.ts';`,
      resolveDir: packages,
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'planted',
    target: 'node20',
    conditions: ['@ddcl/source'],
    logLevel: 'silent',
    plugins: [
      {
        name: 'plant',
        setup({ onLoad }) {
          onLoad({ filter: /\.ts$/ }, async ({ path }) => {
            const own = files.get(relative(packages, path));
            if (own === undefined) return undefined;
            const contents = own.reduce(applyPatch, await readFile(path, 'utf8'));
            return { contents, loader: 'ts' };
          });
        },
      },
    ],
  });
  return new Function(`${outputFiles[0]!.text}; return planted;`)() as Bundle;
}

/** The CPU backend with changed sources. */
export function patchedCpu(...patches: readonly Patch[]): () => Promise<Backend> {
  let made: Promise<Bundle> | undefined;
  return async () => (await (made ??= bundle(patches))).cpuBackend();
}

/** The strict backend, which counts its native tensors, on changed sources of core's runner. */
export function patchedStrict(...patches: readonly Patch[]): () => Promise<StrictBackend> {
  let made: Promise<Bundle> | undefined;
  return async () => (await (made ??= bundle(patches))).strictBackend();
}
