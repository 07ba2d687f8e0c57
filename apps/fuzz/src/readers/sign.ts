import { readSafetensors, writeSafetensors } from '@ddcl/core/safetensors';
import { checksumOf } from '../../../../packages/core/dist/fit/check-checkpoint.js';
import { createHash } from '../../../../packages/hier/dist/hash/hash.js';

type Read = ReturnType<typeof readSafetensors>;

/** What stands for the content of each format that has a checksum, as its writer takes it together. */
const checksums: ReadonlyMap<string, (read: Read) => string> = new Map([
  [
    'ddcl.hierarchy',
    ({ tensors, metadata }) => {
      const hash = createHash();
      for (const name of ['spec', 'documents', 'spareGain']) hash.add(metadata[name] ?? '');
      for (const name of [...tensors.keys()].sort()) {
        hash.add(name);
        hash.add(tensors.get(name)!.data.slice() as Float64Array);
      }
      return hash.digest();
    },
  ],
  ['ddcl.checkpoint', ({ tensors, metadata }) => checksumOf(metadata['progress'] ?? '', tensors)],
  [
    'ddcl.hierarchy-shard',
    ({ tensors, metadata }) => {
      const hash = createHash();
      const { parent = '', content = '', documents = '', items = '[]', part: number = '' } = metadata;
      hash.add(JSON.stringify([parent, content, documents, items, number]));
      const list: unknown = JSON.parse(items);
      for (let level = 0; level < (Array.isArray(list) ? Math.min(list.length, 20) : 0); level++) {
        for (const part of ['pulls', 'mass', 'wins', 'losses'].flatMap((name) => [`${name}.high`, `${name}.low`])) {
          hash.add(`levels.${level}.${part}`);
          hash.add(tensors.get(`levels.${level}.${part}`)!.data.slice() as Float64Array);
        }
      }
      hash.add('keys');
      hash.add(tensors.get('keys')!.data.slice() as Float64Array);
      return hash.digest();
    },
  ],
]);

/** Gives a changed file the checksum of what it holds now, as one who means harm would; others stay as they are. */
export function signed(bytes: Uint8Array): Uint8Array {
  try {
    const read = readSafetensors(bytes);
    const checksum = checksums.get(read.metadata['format'] ?? '')?.(read);
    return checksum === undefined ? bytes : writeSafetensors(read.tensors, { ...read.metadata, checksum });
  } catch {
    return bytes;
  }
}
