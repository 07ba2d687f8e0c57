import { DdclError } from '@ddcl/core/backend';

/** Hears of each kernel when it is compiled. */
export type ShaderListener = (name: string, wgsl: string) => void;

/** The part of Node that is used, whose types browsers do not have. */
interface FileSystem {
  mkdirSync(path: string, options: { readonly recursive: boolean }): unknown;
  writeFileSync(path: string, text: string): void;
}

const fileSystem: string = 'node:fs';

/**
 * In Node with `DDCL_DUMP_WGSL=DIR`: writes each kernel to a file of that folder, named after what it does and its text, so that the same kernel
 * is one file. Elsewhere undefined.
 *
 * @throws DdclError `argument` if the folder cannot be made
 */
export async function dumpFromEnvironment(): Promise<ShaderListener | undefined> {
  const { process } = globalThis as { process?: { readonly env?: Readonly<Record<string, string | undefined>> } };
  const folder = process?.env?.['DDCL_DUMP_WGSL'];
  if (folder === undefined || folder === '') return undefined;
  // By a name that bundlers do not follow.
  const files = (await import(/* @vite-ignore */ fileSystem)) as FileSystem;
  try {
    files.mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new DdclError('argument', `DDCL_DUMP_WGSL names a folder for kernels, but ${folder} cannot be made.`, {
      cause: error,
    });
  }
  return (name, wgsl) =>
    files.writeFileSync(`${folder}/${name.replaceAll(' ', '-')}-${fingerprint(wgsl)}.wgsl`, `${wgsl}\n`);
}

/** FNV-1a, 32 bits, as eight hexadecimal digits. */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
