import { DdclError } from '../errors/ddcl-error.ts';
import { byteCount, isSafetensorsDType, type SafetensorsDType } from './dtypes.ts';
import { parseStrictJson } from './strict-json.ts';
import { decodeUtf8 } from './text.ts';

/** Where a tensor lies in its file. */
export interface SafetensorsEntry {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly begin: number;
  /** Byte after the last one, counted from the start of the file. */
  readonly end: number;
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  /** By name, in the order of their bytes. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes before the header: its length, u64 little-endian. */
export const safetensorsPrefixLength = 8;

/**
 * Largest header that is read and written, in bytes: about 150,000 tensors, in a few seconds. The reference implementation takes 100 MB, with which
 * a file could keep a reader busy for minutes.
 */
export const maxHeaderLength: number = 1 << 24;

/**
 * Length in bytes of the JSON header that follows the first eight bytes of a file.
 *
 * @param prefix at least the first 8 bytes.
 * @param fileSize bytes of the whole file.
 * @throws DdclError `format` when the file has no room for the header, or the header is over 16 MiB.
 */
export function safetensorsHeaderLength(prefix: Uint8Array, fileSize: number): number {
  if (prefix.length < safetensorsPrefixLength || fileSize < safetensorsPrefixLength) {
    throw malformed(`a file has at least 8 bytes, but ${Math.min(prefix.length, fileSize)} came`);
  }
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true));
  if (length > maxHeaderLength)
    throw malformed(`the header claims ${length} bytes; at most ${maxHeaderLength} are allowed`);
  if (length > fileSize - safetensorsPrefixLength) {
    throw malformed(`the header claims ${length} bytes, but only ${fileSize - safetensorsPrefixLength} follow`);
  }
  return length;
}

/**
 * Reads a header, for files that are streamed rather than held in memory. Strict: every tensor's bytes must fit its
 * dtype and shape, and together they must fill the file without overlap, hole or rest.
 *
 * @param headerBytes the JSON header alone: {@link safetensorsHeaderLength} bytes from byte 8 of the file.
 * @param fileSize bytes of the whole file.
 * @throws DdclError `format` for anything that is not exactly as it must be.
 */
export function parseSafetensorsHeader(headerBytes: Uint8Array, fileSize: number): SafetensorsHeader {
  if (headerBytes[0] !== 0x7b) throw malformed('the header must start with "{"');
  let text: string;
  try {
    text = decodeUtf8(headerBytes);
  } catch (cause) {
    throw malformed('the header is not UTF-8', cause);
  }
  const header = parseStrictJson(text) as Record<string, unknown>;
  const dataStart = safetensorsPrefixLength + headerBytes.length;

  let metadata: Readonly<Record<string, string>> = {};
  const entries: [string, SafetensorsEntry][] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') metadata = checkMetadata(value);
    else entries.push([name, parseEntry(name, value, dataStart)]);
  }
  entries.sort(([nameA, a], [nameB, b]) => a.begin - b.begin || a.end - b.end || (nameA < nameB ? -1 : 1));
  checkTiling(entries, dataStart, fileSize);
  return { entries: new Map(entries), metadata };
}

function checkMetadata(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) throw malformed('"__metadata__" must be an object');
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw malformed(`metadata ${JSON.stringify(key)} must be a text`);
  }
  return value as Record<string, string>;
}

function parseEntry(name: string, value: unknown, dataStart: number): SafetensorsEntry {
  const tensor = `tensor ${JSON.stringify(name)}`;
  if (!isObject(value)) throw malformed(`${tensor} must be an object`);
  const { dtype, shape, data_offsets: offsets, ...others } = value;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw malformed(`${tensor} has an unknown key ${JSON.stringify(unknown)}`);
  if (!isSafetensorsDType(dtype)) throw malformed(`${tensor} has the unknown dtype ${JSON.stringify(dtype)}`);
  if (!isSizes(shape)) throw malformed(`the shape of ${tensor} must be an array of integers in 0..2^53 - 1`);
  if (!isSizes(offsets) || offsets.length !== 2)
    throw malformed(`data_offsets of ${tensor} must be two integers in 0..2^53 - 1`);
  const [begin, end] = offsets as [number, number];
  const bytes = byteCount(dtype, shape);
  if (bytes === undefined)
    throw malformed(`${tensor}, ${dtype} [${shape.join(', ')}], has no whole number of bytes below 2^50`);
  if (end - begin !== bytes) {
    throw malformed(
      `${tensor}, ${dtype} [${shape.join(', ')}], needs ${bytes} bytes, but its offsets are ${begin} and ${end}`,
    );
  }
  return { dtype, shape, begin: dataStart + begin, end: dataStart + end };
}

/** The tensors' bytes, in order, must be exactly the bytes after the header. */
function checkTiling(entries: readonly [string, SafetensorsEntry][], dataStart: number, fileSize: number): void {
  let reached = dataStart;
  for (const [name, { begin, end }] of entries) {
    if (begin !== reached) {
      const problem =
        begin < reached ? 'overlaps the one before it' : `leaves a hole of ${begin - reached} bytes before it`;
      throw malformed(`tensor ${JSON.stringify(name)} ${problem}`);
    }
    reached = end;
  }
  if (reached > fileSize)
    throw malformed(`its tensors end at byte ${reached}, but the file has ${fileSize} bytes; it may be cut short`);
  if (reached < fileSize) throw malformed(`${fileSize - reached} bytes after the last tensor belong to nothing`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function malformed(problem: string, cause?: unknown): DdclError {
  return new DdclError('format', `Not a valid safetensors file: ${problem}.`, cause === undefined ? {} : { cause });
}
