import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tinyBert, type TinyBert, type TinyBertOptions } from './tiny-bert.ts';

/** Writes the files of {@link tinyBert} into a folder, which is made if need be. */
export async function writeTinyBert(folder: string, options: TinyBertOptions = {}): Promise<TinyBert> {
  const bert = tinyBert(options);
  for (const [path, data] of Object.entries(bert.files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, data);
  }
  return bert;
}
