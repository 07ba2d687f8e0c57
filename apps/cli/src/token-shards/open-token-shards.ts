import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { tokensFromArray, type TokenReader } from '@ddcl/core/fit';
import type { SequenceReader } from '@ddcl/readout';
import { argumentError, dataError, formatError } from '../data/data-error.ts';
import { joinReaders } from '../data/join-readers.ts';
import { matrixReader } from '../data/matrix-file.ts';
import { openFile } from '../data/open-file.ts';
import { readSafetensorsHeader, safetensorsMatrix } from '../data/safetensors-matrix.ts';
import type { EncodeCounts } from '../encoder/encode-documents.ts';
import type { EncoderRecord } from '../encoder/encoder-record.ts';
import { isFolder } from '../output/entry-at.ts';
import { again, openShard, type Shard } from './read-shard.ts';
import { isShardName, shardFormat, shardTensors } from './shard-format.ts';

/** Token shards, ready to be read in any order. */
export interface OpenedTokenShards {
  /** All tokens, one after another. */
  readonly reader: TokenReader;
  /** The same by documents. Both may be read in turn. */
  readonly sequences: SequenceReader;
  /** Tokens of document d are `offsets[d]` to `offsets[d + 1] - 1`; [documents + 1]. */
  readonly offsets: Float64Array;
  /** One for each document, or undefined where the shards have none. */
  readonly labels: readonly string[] | undefined;
  readonly record: EncoderRecord;
  readonly counts: EncodeCounts;
  /** SHA-256 over all numbers and labels, from what the shards say of themselves. */
  readonly fingerprint: string;
  /** One line for people. */
  describe(): string;
  /** Closes the files. May be called again. */
  close(): Promise<void>;
}

/**
 * The shards that paths stand for: those of a folder, or the files themselves. Undefined for anything that is not made of token
 * shards; data files of other kinds are none.
 *
 * @throws DdclError `argument` for a folder without shards
 */
export async function findTokenShards(paths: readonly string[]): Promise<string[] | undefined> {
  const [only] = paths;
  if (only === undefined) return undefined;
  if (await isFolder(only)) {
    const names = (await readdir(only)).filter(isShardName).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    if (names.length > 0 && paths.length === 1) return names.map((name) => join(only, name));
    const problem =
      names.length > 0 ? 'is a folder of token shards, which is read alone.' : 'is a folder without token shards.';
    throw argumentError(
      only,
      `${problem} Give data files, or one folder that 'ddcl encode-tokens' wrote; text goes with --text.`,
    );
  }
  if (!isShardName(basename(only))) return undefined;
  const source = await openFile(only);
  try {
    const { metadata } = await readSafetensorsHeader(source, again);
    return metadata['format'] === shardFormat ? [...paths] : undefined;
  } finally {
    await source.handle.close();
  }
}

/** What decides token vectors; an encoder may lie in different places. */
function madeBy({ hash, dtype, maxTokens, dropSpecial, dimension }: EncoderRecord): string {
  return JSON.stringify([hash, dtype, maxTokens, dropSpecial, dimension]);
}

/** @throws DdclError `data` for shards that do not belong together, `format` for a folder that was not finished */
function checkShards(shards: readonly Shard[], isWhole: boolean): void {
  const first = shards[0]!;
  for (const [index, { metadata, source, labels }] of shards.entries()) {
    const { encoder } = metadata;
    if (madeBy(encoder) !== madeBy(first.metadata.encoder)) {
      throw dataError(
        source.file,
        `was made by another encoder or with other options than ${first.source.file}. Give shards of one run.`,
      );
    }
    if ((labels === undefined) !== (first.labels === undefined)) {
      throw dataError(
        source.file,
        `has ${labels === undefined ? 'no ' : ''}labels, unlike ${first.source.file}. Give shards of one run.`,
      );
    }
    if (isWhole && metadata.shard !== index)
      throw formatError(source.file, `is shard ${metadata.shard}, but shard ${index} is missing. ${again}`);
  }
  const end = shards.at(-1)!;
  if (isWhole && !end.metadata.last)
    throw formatError(end.source.file, `is not the last shard, but none comes after it. ${again}`);
}

/**
 * Opens token shards. Only headers and bounds are read here; tokens are read by byte ranges, and checked, when asked for.
 *
 * @param files as {@link findTokenShards} gives them
 * @param isWhole whether they are all of a folder, so that none may be missing
 * @throws DdclError `argument` for files that cannot be opened, `format` for damaged or missing ones, `data` for shards of different runs
 */
export async function openTokenShards(files: readonly string[], isWhole: boolean): Promise<OpenedTokenShards> {
  const shards: Shard[] = [];
  const close = async (): Promise<void> => {
    for (const { source } of shards.splice(0)) await source.handle.close();
  };
  try {
    for (const file of files) shards.push(await openShard(file));
    checkShards(shards, isWhole);
    const { encoder: record } = shards[0]!.metadata;
    const counts = { documents: 0, tokens: 0, truncated: 0, empty: 0 };
    const hash = createHash('sha256');
    const documents = shards.reduce((sum, { offsets }) => sum + offsets.length - 1, 0);
    const offsets = new Float64Array(documents + 1);
    const labels: string[] | undefined = shards[0]!.labels && [];
    let document = 0;
    for (const shard of shards) {
      const { metadata } = shard;
      for (const key of ['documents', 'tokens', 'truncated', 'empty'] as const) counts[key] += metadata.counts[key];
      hash.update(metadata.sha256);
      const start = offsets[document]!;
      for (let index = 1; index < shard.offsets.length; index++)
        offsets[++document] = start + Number(shard.offsets[index]);
      for (const label of shard.labels ?? []) labels!.push(metadata.labelNames![label]!);
    }
    // Each has blocks of its own, so that both can be read in turn.
    const [reader, bySequence] = [await readShards(shards, record), await readShards(shards, record)];
    return {
      reader,
      sequences: sequencesOf(bySequence, offsets),
      offsets,
      labels,
      record,
      counts,
      fingerprint: hash.digest('hex'),
      describe: () =>
        `${files.length === 1 ? files[0] : `${files.length} token shards (${files[0]}, ...)`}: ${documents.toLocaleString('en')} documents, ${reader.tokens.toLocaleString('en')} tokens of dimension ${record.dimension} by ${record.encoder}`,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readShards(shards: readonly Shard[], { dimension }: EncoderRecord): Promise<TokenReader> {
  const readers: TokenReader[] = [];
  for (const { source, offsets } of shards) {
    if (offsets.at(-1) === 0n) continue;
    readers.push(matrixReader(await safetensorsMatrix(source, shardTensors.tokens), 'float32'));
  }
  return readers.length === 0 ? tokensFromArray(new Float32Array(0), dimension) : joinReaders(readers, 'float32');
}

function sequencesOf(reader: TokenReader, offsets: Float64Array): SequenceReader {
  const sequences = offsets.length - 1;
  const lengths = Int32Array.from({ length: sequences }, (_, index) => offsets[index + 1]! - offsets[index]!);
  return {
    dimension: reader.dimension,
    sequences,
    lengths,
    async read(index) {
      const count = lengths[index]!;
      return count === 0 ? { data: new Float32Array(0), rows: 0 } : reader.read(offsets[index]!, count);
    },
  };
}
