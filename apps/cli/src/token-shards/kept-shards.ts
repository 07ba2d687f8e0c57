import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EncodeCounts } from '../encoder/encode-documents.ts';
import { finalName } from '../output/temporary-name.ts';
import { usageError } from '../output/usage-error.ts';
import { openTokenShards } from './open-token-shards.ts';
import { openShard } from './read-shard.ts';
import { isShardName, shardName } from './shard-format.ts';

/** Shards that a run finished before it was killed; the next one goes on after them. */
export interface KeptShards {
  readonly shards: number;
  /** Of the documents in them. */
  readonly counts: EncodeCounts;
}

/** Names of shards, unfinished ones too. */
async function shardNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => isShardName(finalName(name)));
}

/** @throws DdclError `argument` where shards are whole: a run that ended has nothing to go on with */
export async function requireUnfinished(folder: string): Promise<void> {
  const files = (await shardNames(folder)).filter(isShardName).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  if (files.length === 0) return;
  const paths = files.map((name) => join(folder, name));
  const whole = await openTokenShards(paths, true).catch(() => undefined);
  await whole?.close();
  if (whole !== undefined)
    throw usageError(`The shards in ${folder} are whole, so that there is nothing to resume. Choose another --out.`);
}

/**
 * The shards that the same run would write first, as their checksums say. Those that are damaged, and all after them, are removed.
 *
 * @param run as the shards have it
 * @throws DdclError `argument` for whole shards of other texts, another encoder or other options: they are hours of somebody's time
 */
export async function keepShards(folder: string, run: string): Promise<KeptShards> {
  const counts = { documents: 0, tokens: 0, truncated: 0, empty: 0 };
  let shards = 0;
  for (; ; shards++) {
    const shard = await openShard(join(folder, shardName(shards))).catch(() => undefined);
    await shard?.source.handle.close();
    if (shard !== undefined && shard.metadata.run !== run) {
      throw usageError(
        `The files in ${folder} are of other texts, another encoder or other options than this command's, so that it cannot go on with them. Give the same command again, or choose another --out.`,
      );
    }
    if (shard === undefined || shard.metadata.shard !== shards || shard.metadata.last) break;
    for (const key of ['documents', 'tokens', 'truncated', 'empty'] as const) counts[key] += shard.metadata.counts[key];
  }
  const kept = new Set(Array.from({ length: shards }, (_, index) => shardName(index)));
  for (const name of await shardNames(folder)) if (!kept.has(name)) await rm(join(folder, name), { force: true });
  return { shards, counts };
}
