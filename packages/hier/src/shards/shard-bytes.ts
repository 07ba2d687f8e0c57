import { DdclError } from '@ddcl/core';
import { readSafetensors, writeSafetensors, type SafetensorsTensor } from '@ddcl/core/safetensors';
import type { SumParts } from '../exact/exact-sums.ts';
import { createHash } from '../hash/hash.ts';
import type { LevelSums } from '../sums/level-sums.ts';
import type { ShardSums } from './shard-sums.ts';

/** Version of the file of a shard's sums. A reader refuses others. */
export const shardFormatVersion = 2;

const format = 'ddcl.hierarchy-shard';
const names = ['pulls', 'mass', 'wins', 'losses'] as const;

/** Sums as a small safetensors file: 16 bytes per number of the prototypes and up to 32 kB of keys, whatever the number of documents. Equal sums give equal bytes. */
export function shardToBytes({ parent, content, keys, part, documents, levels }: ShardSums): Uint8Array<ArrayBuffer> {
  const tensorOf = (name: string, data: Float64Array): [string, SafetensorsTensor] => [
    name,
    { dtype: 'F64', shape: [data.length], data },
  ];
  const sums = levels.flatMap((level, index) =>
    names.flatMap((name) =>
      (['high', 'low'] as const).map((half) => tensorOf(`levels.${index}.${name}.${half}`, level[name][half])),
    ),
  );
  const tensors = [...sums, tensorOf('keys', keys)];
  const items = JSON.stringify(levels.map((level) => level.items));
  const metadata = {
    parent,
    content,
    documents: String(documents),
    items,
    part: part === undefined ? '' : `${part.number}/${part.of}`,
  };
  return writeSafetensors(new Map(tensors), {
    format,
    formatVersion: String(shardFormatVersion),
    ...metadata,
    checksum: checksum(tensors, metadata),
  });
}

function checksum(
  tensors: readonly (readonly [string, SafetensorsTensor])[],
  metadata: Readonly<Record<string, string>>,
): string {
  const hash = createHash();
  hash.add(JSON.stringify(Object.values(metadata)));
  for (const [name, { data }] of tensors) {
    hash.add(name);
    hash.add(data as Float64Array);
  }
  return hash.digest();
}

/** @throws DdclError `format` for bytes that are no sums of this version, or damaged ones */
export function shardFromBytes(bytes: Uint8Array | ArrayBuffer): ShardSums {
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata['format'] !== format) throw malformed(`its metadata has no "format": "${format}"`);
  if (metadata['formatVersion'] !== String(shardFormatVersion))
    throw malformed(`its formatVersion is ${metadata['formatVersion']}`);
  const { parent = '', content = '', documents = '', items = '[]', part = '' } = metadata;
  const ordered: [string, SafetensorsTensor][] = [];
  const read = (name: string): Float64Array => {
    const found = tensors.get(name);
    if (!(found?.data instanceof Float64Array)) throw malformed(`it lacks ${name}`);
    const data = found.data.slice();
    if (!data.every(Number.isFinite)) throw malformed(`a number of ${name} is not finite`);
    ordered.push([name, { ...found, data }]);
    return data;
  };
  const levels = countsOf(items).map((count, index): LevelSums => {
    const halves = (name: (typeof names)[number]): SumParts => ({
      high: read(`levels.${index}.${name}.high`),
      low: read(`levels.${index}.${name}.low`),
    });
    return {
      items: count,
      pulls: halves('pulls'),
      mass: halves('mass'),
      wins: halves('wins'),
      losses: halves('losses'),
    };
  });
  const keys = read('keys');
  if (metadata['checksum'] !== checksum(ordered, { parent, content, documents, items, part }))
    throw malformed('its checksum does not fit what it holds, so it is damaged');
  const seen = Number(documents);
  if (!/^\d+$/.test(documents) || !Number.isSafeInteger(seen))
    throw malformed(`it says that it has ${documents} documents`);
  if (part !== '' && !/^[1-9]\d{0,9}\/[1-9]\d{0,9}$/.test(part)) throw malformed(`it says that it is part ${part}`);
  const [number, of] = part.split('/').map(Number);
  if (part !== '' && number! > of!) throw malformed(`it says that it is part ${part}`);
  const own = part === '' ? {} : { part: { number: number!, of: of! } };
  return { parent, content, keys, ...own, documents: seen, levels };
}

function countsOf(items: string): readonly number[] {
  try {
    const counts: unknown = JSON.parse(items);
    const isCount = (count: unknown): boolean =>
      Number.isSafeInteger(count) && Number(count) >= 0 && !Object.is(count, -0);
    if (Array.isArray(counts) && counts.every(isCount)) return counts as number[];
  } catch {
    // Told below.
  }
  throw malformed('it does not say how many items each level has');
}

function malformed(detail: string): DdclError {
  return new DdclError(
    'format',
    `These are not sums of a shard of format version ${shardFormatVersion}: ${detail}. Give bytes that shardToBytes wrote.`,
  );
}
