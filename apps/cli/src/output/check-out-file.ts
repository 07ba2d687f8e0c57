import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve, sep } from 'node:path';
import { entryAt, isFolder } from './entry-at.ts';
import { removeAbandoned } from './temporary-name.ts';
import { usageError } from './usage-error.ts';
import { reasonOf } from './write-file.ts';

/** A file or a folder that a command reads; undefined for an option that was not given. What is no path, such as an encoder's name, is passed over. */
type Input = string | undefined;

/** What no command reads from a folder that it is given: shards, texts, images, encoders and models are other files. */
const neverInFolders = ['.npy', '.html', '.codes', '.md'];

/**
 * Refuses an output file before any work is done: every command that writes one asks here. Paths are compared as they are on the disk, so that an
 * input is known through links, and by another spelling.
 *
 * @param option the option that names it, for the message
 * @param out an absolute path
 * @param ending such as `.npy`; undefined where any will do
 * @param inputs everything that the command reads: data, texts, labels, segments, models, encoders
 * @throws DdclError `argument`
 */
export async function checkOutFile(
  option: string,
  out: string,
  ending: string | undefined,
  inputs: readonly Input[],
): Promise<void> {
  const remedy = `Give another ${option} FILE${ending ?? ''}.`;
  if (ending !== undefined && !out.toLowerCase().endsWith(ending))
    throw usageError(`${out} does not end in ${ending}, which is what this command writes. ${remedy}`);
  const folder = dirname(out);
  if (!(await isFolder(folder)))
    throw usageError(`There is no folder ${folder} to write to. Make it, or g${remedy.slice(1)}`);
  if (await isFolder(out)) throw usageError(`${out} is a folder. ${remedy}`);
  for (const input of inputs) {
    if (input !== undefined && (await isRead(out, resolve(input))))
      throw usageError(`${out} is also read, and would be overwritten. ${remedy}`);
  }
  try {
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw usageError(`Nothing can be written to ${folder} (${reasonOf(cause)}). ${remedy}`, cause);
  }
  await removeAbandoned(out);
}

/** Whether writing to `out` replaces an input, or a file in a folder that is one. */
async function isRead(out: string, input: string): Promise<boolean> {
  if (out === input) return true;
  const [written, read] = [await entryAt(out), await entryAt(input)];
  // It replaces nothing.
  if (written === undefined) return false;
  // The same file under two names.
  if (read !== undefined && read.ino !== 0 && read.ino === written.ino && read.dev === written.dev) return true;
  const [realOut, realInput] = [await realPath(out), await realPath(input)];
  if (realOut === realInput) return true;
  if (read?.isDirectory() !== true || neverInFolders.includes(extname(out).toLowerCase())) return false;
  // The place, and not what a link there leads to: it is the link that is replaced.
  const place = join(await realPath(dirname(out)), basename(out));
  return [realOut, place].some((path) => path.startsWith(`${realInput}${sep}`));
}

const realPath = (path: string): Promise<string> => realpath(path).catch(() => path);
