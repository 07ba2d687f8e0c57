import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DdclError } from '@ddcl/core';
import { readSafetensors, writeSafetensors } from '@ddcl/core/safetensors';

/**
 * Files of the token shards of a folder, in order; at least one.
 *
 * @throws DdclError `argument` for a folder that is not there or has none
 */
export function shardNames(folder: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /^tokens-\d+\.safetensors$/.test(name)) : [];
  if (names.length > 0) return names.sort();
  throw new DdclError('argument', `${folder} has no token shards. Make some with 'ddcl encode-tokens'.`);
}

/**
 * Copies a folder of token shards `times` times into a new one, so that a fit has millions of tokens without hours of an encoder.
 * Only the shards' own numbers in the metadata change.
 *
 * @returns how many tokens the new folder has
 */
export function repeatShards(from: string, to: string, times: number): number {
  const names = shardNames(from);
  mkdirSync(to, { recursive: true });
  let tokens = 0;
  let shard = 0;
  for (let copy = 0; copy < times; copy++) {
    for (const name of names) {
      const file = readSafetensors(readFileSync(join(from, name)));
      const last = shard === times * names.length - 1;
      const metadata = { ...file.metadata, shard: String(shard), last: String(last) };
      const target = `tokens-${String(shard).padStart(5, '0')}.safetensors`;
      writeFileSync(join(to, target), writeSafetensors(file.tensors, metadata));
      tokens += file.tensors.get('tokens')!.shape[0]!;
      shard++;
    }
  }
  return tokens;
}
