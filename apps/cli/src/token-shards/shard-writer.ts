import { createHash } from 'node:crypto';
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DdclError } from '@ddcl/core';
import { describeFloat16Loss, float16Loss, toFloat16 } from '@ddcl/core/safetensors';
import { bytesOf } from '../data/float-array.ts';
import type { EncodeCounts, EncodedDocument } from '../encoder/encode-documents.ts';
import type { EncoderRecord } from '../encoder/encoder-record.ts';
import { entryAt } from '../output/entry-at.ts';
import { metadataTexts, shardName, shardTensors, type TokenFileDType } from './shard-format.ts';
import { writeTensorFile } from './write-tensor-file.ts';

/** Tokens of a shard, if nothing is asked for: 100 MB at width 384 in float16. */
export const defaultShardTokens = 131_072;

/** Rows that the memory of a shard starts with. */
const firstRows = 4096;

export interface ShardWriterOptions {
  /** New or empty; made with the first shard. */
  readonly folder: string;
  readonly record: EncoderRecord;
  /** Default `float16`. */
  readonly dtype?: TokenFileDType | undefined;
  /** Most tokens of a shard; a longer document has a shard of its own. Default {@link defaultShardTokens}. */
  readonly shardTokens?: number | undefined;
  /** As `ShardMetadata.run` says. */
  readonly run?: string | undefined;
  /** Shards that are there already. Default 0. */
  readonly kept?: number | undefined;
}

/** Writes documents as token shards, one shard in memory at a time. */
export class ShardWriter {
  readonly #options: Required<{
    [Key in Exclude<keyof ShardWriterOptions, 'run'>]: NonNullable<ShardWriterOptions[Key]>;
  }>;
  readonly #run: string | undefined;
  #rows: Uint16Array | Float32Array;
  #offsets: number[] = [0];
  #labels: number[] = [];
  #names = new Map<string, number>();
  #counts: EncodeCounts = { documents: 0, tokens: 0, truncated: 0, empty: 0 };
  #labelled: boolean | undefined;
  #written: string[] = [];
  #madeFolder = false;

  constructor({
    folder,
    record,
    dtype = 'float16',
    shardTokens = defaultShardTokens,
    run,
    kept = 0,
  }: ShardWriterOptions) {
    this.#options = { folder, record, dtype, shardTokens, kept };
    this.#run = run;
    this.#rows = this.#make(Math.min(firstRows, shardTokens));
  }

  #make(rows: number): Uint16Array | Float32Array {
    const { dtype, record } = this.#options;
    return dtype === 'float16' ? new Uint16Array(rows * record.dimension) : new Float32Array(rows * record.dimension);
  }

  /**
   * Adds a document; writes a shard when the next one begins.
   *
   * @throws DdclError `data` for numbers beyond float16 and for documents of which only some have labels; `argument` if a
   *   shard cannot be written
   */
  async add(document: Omit<EncodedDocument, 'ids'>): Promise<void> {
    const { tokens, label, place, truncated, empty } = document;
    const { record, shardTokens } = this.#options;
    const { dimension } = record;
    const count = tokens.length / dimension;
    if (this.#offsets.length > 1 && this.#offsets.at(-1)! + count > shardTokens) await this.#write(false);
    this.#labelled ??= label !== undefined;
    if (this.#labelled !== (label !== undefined)) {
      throw new DdclError(
        'data',
        `${place} has ${label === undefined ? 'no label, but texts before it have one' : 'a label, but texts before it have none'}. Label all of them or none.`,
      );
    }
    const first = this.#offsets.at(-1)!;
    this.#reserve(first + count);
    this.#put(tokens, first * dimension, place);
    this.#offsets.push(first + count);
    if (label !== undefined) {
      if (!this.#names.has(label)) this.#names.set(label, this.#names.size);
      this.#labels.push(this.#names.get(label)!);
    }
    this.#counts.documents += 1;
    this.#counts.tokens += count;
    this.#counts.truncated += Number(truncated);
    this.#counts.empty += Number(empty);
  }

  #reserve(rows: number): void {
    const { record, shardTokens } = this.#options;
    const now = this.#rows.length / record.dimension;
    if (rows <= now) return;
    const larger = this.#make(Math.max(rows, Math.min(2 * now, shardTokens)));
    larger.set(this.#rows as Float32Array & Uint16Array);
    this.#rows = larger;
  }

  #put(tokens: Float32Array, start: number, place: string): void {
    const target = this.#rows.subarray(start, start + tokens.length);
    if (target instanceof Float32Array) {
      target.set(tokens);
      return;
    }
    const lost = float16Loss(tokens);
    toFloat16(tokens, target);
    if (lost < 0) return;
    throw new DdclError(
      'data',
      `${place}, token ${Math.floor(lost / this.#options.record.dimension)} (counted from 0): ${describeFloat16Loss(tokens[lost]!)}. Write shards in float32: ddcl encode-tokens --token-dtype float32, whose folder every command takes in the place of text.`,
    );
  }

  /**
   * Writes the last shard.
   * @returns how many shards there are, with those that were kept
   * @throws DdclError `data` if there was no document; `argument` if it cannot be written
   */
  async finish(): Promise<number> {
    if (this.#offsets.length === 1)
      throw new DdclError('data', 'There is no text to encode. Give at least one document.');
    await this.#write(true);
    return this.#options.kept + this.#written.length;
  }

  async #write(last: boolean): Promise<void> {
    const { folder, record, dtype, kept } = this.#options;
    const { dimension } = record;
    const shard = kept + this.#written.length;
    const offsets = BigInt64Array.from(this.#offsets, BigInt);
    const tokens = this.#rows.subarray(0, this.#offsets.at(-1)! * dimension);
    const labels = Int32Array.from(this.#labels);
    const labelNames = this.#labelled ? [...this.#names.keys()] : undefined;
    const hash = createHash('sha256').update(bytesOf(tokens)).update(bytesOf(offsets)).update(bytesOf(labels));
    hash.update(JSON.stringify([dimension, dtype, labelNames ?? null]));
    if (!this.#madeFolder) {
      const existed = (await entryAt(folder)) !== undefined;
      await mkdir(folder, { recursive: true });
      this.#madeFolder = !existed;
    }
    const path = join(folder, shardName(shard));
    await writeTensorFile(
      path,
      [
        { name: shardTensors.offsets, dtype: 'I64', shape: [offsets.length], data: offsets },
        ...(labelNames === undefined
          ? []
          : [{ name: shardTensors.labels, dtype: 'I32', shape: [labels.length], data: labels } as const]),
        {
          name: shardTensors.tokens,
          dtype: dtype === 'float16' ? 'F16' : 'F32',
          shape: [tokens.length / dimension, dimension],
          data: tokens,
        },
      ],
      metadataTexts({
        shard,
        last,
        encoder: record,
        counts: this.#counts,
        sha256: hash.digest('hex'),
        run: this.#run,
        labelNames,
      }),
    );
    this.#written.push(path);
    this.#offsets = [0];
    this.#labels = [];
    this.#names = new Map();
    this.#counts = { documents: 0, tokens: 0, truncated: 0, empty: 0 };
  }

  /** Removes what was written here, so that the same command can run again. */
  async abandon(): Promise<void> {
    for (const path of this.#written.splice(0)) await rm(path, { force: true });
    if (this.#madeFolder) await rmdir(this.#options.folder).catch(() => undefined);
  }
}
