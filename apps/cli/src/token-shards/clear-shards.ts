import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finalName } from '../output/temporary-name.ts';
import { usageError } from '../output/usage-error.ts';
import { openTokenShards } from './open-token-shards.ts';
import { isShardName } from './shard-format.ts';

/**
 * Removes what a run that was killed has left of its shards.
 *
 * @throws DdclError `argument` where they are whole: a run that ended has nothing to go on with
 */
export async function clearShards(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => isShardName(finalName(name)));
  const files = names.filter(isShardName).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  if (files.length > 0) {
    const whole = await openTokenShards(
      files.map((name) => join(folder, name)),
      true,
    ).catch(() => undefined);
    await whole?.close();
    if (whole !== undefined)
      throw usageError(`The shards in ${folder} are whole, so that there is nothing to resume. Choose another --out.`);
  }
  for (const name of names) await rm(join(folder, name), { force: true });
}
