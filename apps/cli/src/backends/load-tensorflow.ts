import type { Tfjs, TfjsName } from '@ddcl/backend-tfjs';
import { usageError } from '../output/usage-error.ts';

const names: readonly TfjsName[] = ['node-gpu', 'node', 'webgpu', 'wasm', 'cpu'];

/**
 * The TensorFlow.js that users install beside this package if they want it.
 * @param choice one of {@link names}; all in this order if left out
 * @throws DdclError `argument` for another; `unsupported` if it is not installed or does not start, with the remedy
 */
export async function loadTensorflow(choice: string | undefined): Promise<Tfjs> {
  const name = names.find((each) => each === choice);
  if (choice !== undefined && name === undefined)
    throw usageError(`There is no tfjs '${choice}'. --backend tfjs: takes ${names.join(', ')}.`);
  const { loadTfjs } = await import('@ddcl/backend-tfjs');
  const importModule = (each: string): Promise<unknown> => import(each) as Promise<unknown>;
  const { tf } = await loadTfjs(name === undefined ? names : [name], { importModule });
  return tf;
}
