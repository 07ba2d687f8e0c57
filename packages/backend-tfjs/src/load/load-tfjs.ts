import { DdclError } from '@ddcl/core/backend';
import { requireTfjs } from '../require-tfjs.ts';
import type { Tfjs } from '../tfjs.ts';
import { candidates, explainImport, type TfjsName } from './candidates.ts';

/** What {@link loadTfjs} takes beside its list. */
export interface LoadTfjsOptions {
  /**
   * Imports a package by name; default `import(name)` from this package. Needed where packages do not see each other's (pnpm), and in a bundle,
   * which has to have the names in it.
   */
  readonly importModule?: (name: string) => Promise<unknown>;
}

/** A tfjs that runs, and what came before it. */
export interface LoadedTfjs {
  readonly tf: Tfjs;
  readonly name: TfjsName;
  /** Those earlier in the list, each with the reason and the remedy. */
  readonly refused: readonly { readonly name: TfjsName; readonly reason: string }[];
}

/**
 * Imports the first tfjs of a list that is installed and starts, and sets it to the backend asked for.
 *
 *     const { tf, refused } = await loadTfjs(['node-gpu', 'node', 'wasm']);
 *     const backend = await tfjsBackend({ tf });
 *
 * @throws DdclError `argument` for an empty list or a name that there is not; `unsupported` with all reasons if none starts
 */
export async function loadTfjs(names: readonly TfjsName[], options: LoadTfjsOptions = {}): Promise<LoadedTfjs> {
  const unknown = names.filter((name) => !Object.hasOwn(candidates, name));
  if (names.length === 0 || unknown.length > 0)
    throw new DdclError(
      'argument',
      `loadTfjs takes a list of ${Object.keys(candidates).join(', ')}, but got ${names.length === 0 ? 'an empty one' : unknown.join(', ')}.`,
    );
  const refused: { name: TfjsName; reason: string }[] = [];
  for (const name of names) {
    const found = await tryLoad(name, options);
    if (typeof found !== 'string') return { tf: found, name, refused };
    refused.push({ name, reason: found });
  }
  const reasons = refused.map(({ name, reason }) => `\n  ${name}: ${reason}`);
  throw new DdclError('unsupported', `No TensorFlow.js of the list runs here:${reasons.join('')}`);
}

/** A tfjs that runs, or why it does not. */
async function tryLoad(
  name: TfjsName,
  { importModule = (from) => import(/* @vite-ignore */ from) as Promise<unknown> }: LoadTfjsOptions,
): Promise<Tfjs | string> {
  const { packages, backend } = candidates[name];
  let tf: Tfjs | undefined;
  try {
    for (const each of packages) {
      const module = (await importModule(each)) as Tfjs & { default?: Tfjs };
      // Some loaders put a module of the older kind into `default` only.
      tf ??= typeof module.tidy === 'function' ? module : (module.default ?? module);
    }
    requireTfjs(tf!, 'loadTfjs');
  } catch (error) {
    return explainImport(name, error);
  }
  const { setBackend } = tf as Tfjs & { setBackend(name: string): Promise<boolean> };
  const problem = await setBackend(backend).then(
    (isSet) => (isSet ? undefined : `tfjs could not start its backend '${backend}'`),
    (error: unknown) => `tfjs could not start its backend '${backend}': ${String(error)}`,
  );
  if (problem !== undefined)
    return name === 'webgpu' ? `${problem}; it needs navigator.gpu, which Node does not have by itself` : problem;
  // Without CUDA it starts all the same, on the processor.
  if (name === 'node-gpu' && (tf!.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === false)
    return "it found no CUDA device and would compute on the processor: check nvidia-smi and that CUDA and cuDNN are in LD_LIBRARY_PATH, or use 'node'";
  return tf!;
}
