import type { Tfjs, TfjsName } from '@ddcl/backend-tfjs';
import { usageError } from '../output/usage-error.ts';

const names: readonly TfjsName[] = ['node-gpu', 'node', 'webgpu', 'wasm', 'cpu'];

/** Results and checkpoints call both of them `tfjs:tensorflow`, and a resume goes on with either. */
const native: readonly TfjsName[] = ['node-gpu', 'node'];

/**
 * The TensorFlow.js that users install beside this package if they want it.
 * @param choice one of {@link names}, or `tensorflow`; all in this order if left out
 * @throws DdclError `argument` for another; `unsupported` if it is not installed or does not start, with the remedy
 */
export async function loadTensorflow(choice: string | undefined): Promise<Tfjs> {
  const list =
    choice === undefined ? names : choice === 'tensorflow' ? native : names.filter((each) => each === choice);
  if (list.length === 0) throw usageError(`There is no tfjs '${choice}'. --backend tfjs: takes ${names.join(', ')}.`);
  const { loadTfjs } = await import('@ddcl/backend-tfjs');
  const importModule = (each: string): Promise<unknown> => import(each) as Promise<unknown>;
  return (await loadTfjs(list, { importModule })).tf;
}
