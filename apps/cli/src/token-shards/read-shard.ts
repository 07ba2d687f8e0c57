import { createHash } from 'node:crypto';
import { bytesOf } from '../data/float-array.ts';
import { formatError } from '../data/data-error.ts';
import { openFile, readFully, type OpenFile } from '../data/open-file.ts';
import { readSafetensorsHeader } from '../data/safetensors-matrix.ts';
import { parseMetadata, shardTensors, type ShardMetadata } from './shard-format.ts';

/** A shard that is open: all but its tokens is in memory. */
export interface Shard {
  readonly source: OpenFile;
  readonly metadata: ShardMetadata;
  /** Bounds of the documents, [documents + 1], from 0. */
  readonly offsets: BigInt64Array;
  /** Places in the metadata's names, [documents]. */
  readonly labels: Int32Array | undefined;
}

/** What to do about a shard that cannot be used. */
export const again: string = "Run 'ddcl encode-tokens' again.";

/**
 * Opens the file of a shard and checks that its parts fit together.
 *
 * @throws DdclError `argument` for a file that cannot be opened, `format` for one that is damaged or no shard
 */
export async function openShard(file: string): Promise<Shard> {
  const source = await openFile(file);
  try {
    const header = await readSafetensorsHeader(source, again);
    const metadata = parseMetadata(file, header.metadata, again);
    const tokens = header.entries.get(shardTensors.tokens);
    const bounds = header.entries.get(shardTensors.offsets);
    const numbers = header.entries.get(shardTensors.labels);
    if (tokens?.shape.length !== 2 || bounds?.dtype !== 'I64' || (numbers !== undefined && numbers.dtype !== 'I32')) {
      throw formatError(file, `is no token shard of this version. ${again}`);
    }
    const offsets = new BigInt64Array((bounds.end - bounds.begin) / 8);
    await readFully(source, new Uint8Array(offsets.buffer), bounds.begin);
    const labels = numbers === undefined ? undefined : new Int32Array((numbers.end - numbers.begin) / 4);
    if (labels !== undefined) await readFully(source, new Uint8Array(labels.buffer), numbers!.begin);
    const rises = offsets.every((offset, index) => index === 0 || offset >= offsets[index - 1]!);
    const documents = offsets.length - 1;
    const namesFit =
      labels === undefined
        ? metadata.labelNames === undefined
        : labels.length === documents && labels.every((label) => metadata.labelNames?.[label] !== undefined);
    if (
      !rises ||
      offsets[0] !== 0n ||
      offsets.at(-1) !== BigInt(tokens.shape[0]!) ||
      tokens.shape[1] !== metadata.encoder.dimension ||
      documents !== metadata.counts.documents ||
      tokens.shape[0] !== metadata.counts.tokens ||
      !namesFit
    ) {
      throw formatError(file, `its documents do not fit its tokens or labels. ${again}`);
    }
    const hash = createHash('sha256');
    const piece = new Uint8Array(Math.min(tokens.end - tokens.begin, 1 << 22));
    for (let at = tokens.begin; at < tokens.end; at += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, tokens.end - at));
      await readFully(source, part, at);
      hash.update(part);
    }
    hash.update(bytesOf(offsets)).update(bytesOf(labels ?? new Int32Array(0)));
    hash.update(
      JSON.stringify([tokens.shape[1], tokens.dtype === 'F16' ? 'float16' : 'float32', metadata.labelNames ?? null]),
    );
    if (hash.digest('hex') !== metadata.sha256)
      throw formatError(file, `holds other numbers than its SHA-256 says: it is damaged. ${again}`);
    return { source, metadata, offsets, labels };
  } catch (error) {
    await source.handle.close();
    throw error;
  }
}
