import { dirname, resolve } from 'node:path';
import { isFolder } from './entry-at.ts';
import { usageError } from './usage-error.ts';

/**
 * Refuses an output file before any work is done.
 * @param option the option that names it, for the message
 * @param out an absolute path
 * @param ending such as `.npy`
 * @param inputs files that the command reads
 * @throws DdclError `argument`
 */
export async function checkOutFile(
  option: string,
  out: string,
  ending: string,
  inputs: readonly string[],
): Promise<void> {
  const remedy = `Give another ${option} FILE${ending}.`;
  if (!out.toLowerCase().endsWith(ending))
    throw usageError(`${out} does not end in ${ending}, which is what this command writes. ${remedy}`);
  if (inputs.some((input) => resolve(input) === out))
    throw usageError(`${out} is also read, and would be overwritten. ${remedy}`);
  if (await isFolder(out)) throw usageError(`${out} is a folder. ${remedy}`);
  if (!(await isFolder(dirname(out))))
    throw usageError(`There is no folder ${dirname(out)} to write to. Make it, or g${remedy.slice(1)}`);
}
