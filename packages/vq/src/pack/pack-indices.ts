import { DdclError } from '@ddcl/core';
import { requireArgument, requireBytes, requireList, requireWhole } from '../checks/require.ts';

/** Codes as bytes, and what they are codes of. */
export interface PackedCodes {
  /** [n, P] */
  readonly indices: Int32Array;
  /** K of each of the P codes of a vector. */
  readonly codes: readonly number[];
  /** Number of vectors n. */
  readonly count: number;
  /** Of the codebook that the codes are of, as `codebookChecksum` gives it; left out where the writer did not say. */
  readonly checksum?: string;
}

/** Version of the format. A reader refuses others. */
export const codesFormatVersion = 2;

/** `ddclcode` in ASCII. */
const magic = [0x64, 0x64, 0x63, 0x6c, 0x63, 0x6f, 0x64, 0x65];
/** Magic, version u16, places u16, count u64, checksum u64. */
const fixedHeader = 28;
/** What stands for a checksum that was not given. */
const noChecksum = '0'.repeat(16);

/** Bits that a code of 0..K-1 takes. */
export const bitsOf = (count: number): number => Math.max(1, Math.ceil(Math.log2(count)));

/** Bytes of `count` packed vectors, header included. @throws DdclError `argument` as {@link packedHeader} */
export function packedLength(codes: readonly number[], count: number): number {
  requireSizes(codes, count);
  return fixedHeader + 4 * codes.length + Math.ceil((count * bitsPerVector(codes)) / 8);
}

/**
 * The header of `count` packed vectors. The bits of a multiple of 8 vectors are whole bytes, so a long file may be written in such pieces: a header
 * for all, then what `packIndices` makes of each piece without its own header.
 *
 * @param checksum of the codebook, 16 hexadecimal digits, by which `ddcl vq decode` tells another codebook
 * @throws DdclError `argument` for numbers out of range, or a checksum that is none
 */
export function packedHeader(
  codes: readonly number[],
  count: number,
  checksum: string = noChecksum,
): Uint8Array<ArrayBuffer> {
  requireSizes(codes, count);
  const isChecksum = typeof checksum === 'string' && /^[0-9a-f]{16}$/.test(checksum);
  requireArgument('checksum', checksum, isChecksum, '16 hexadecimal digits as codebookChecksum gives them');
  const places = codes.length;
  const bytes = new Uint8Array(fixedHeader + 4 * places);
  const view = new DataView(bytes.buffer);
  bytes.set(magic);
  view.setUint16(8, codesFormatVersion, true);
  view.setUint16(10, places, true);
  view.setBigUint64(12, BigInt(count), true);
  view.setBigUint64(20, BigInt(`0x${checksum}`), true);
  codes.forEach((each, place) => view.setUint32(fixedHeader + 4 * place, each, true));
  return bytes;
}

function requireSizes(codes: readonly number[], count: number): void {
  const isSize = (each: unknown): boolean => Number.isSafeInteger(each) && Number(each) >= 2 && Number(each) < 2 ** 31;
  const isRight = Array.isArray(codes) && codes.length >= 1 && codes.length <= 0xffff && codes.every(isSize);
  requireArgument('codes', codes, isRight, 'a list of 1 to 65535 numbers from 2 to 2^31 - 1, one per code of a vector');
  requireWhole('count', count, 0);
}

const bitsPerVector = (codes: readonly number[]): number => codes.reduce((sum, each) => sum + bitsOf(each), 0);

/**
 * Indices as bits. The format, little-endian: `ddclcode`, version u16 = 2, P u16, n u64, checksum of the codebook u64 (0: not said), K of each of the P
 * codes u32, then for each vector its P codes of ceil(log2 K) bits, least significant bit first, without gaps; zeros fill up the last byte.
 *
 * @param indices [n, P], for each vector its codes
 * @param codes K of each of the P codes, 2..2^31 - 1
 * @param checksum of their codebook, from `codebookChecksum`
 * @throws DdclError `argument` for numbers of codes out of range; `shape` for indices that are not whole vectors; `data` for an index that is no code
 */
export function packIndices(
  indices: ArrayLike<number>,
  codes: readonly number[],
  checksum?: string,
): Uint8Array<ArrayBuffer> {
  requireList('indices', indices);
  requireSizes(codes, 0);
  const places = codes.length;
  const count = indices.length / places;
  if (!Number.isSafeInteger(count)) {
    throw new DdclError('shape', `${indices.length} indices are not a whole number of vectors of ${places} codes.`);
  }
  const header = packedHeader(codes, count, checksum);
  const bytes = new Uint8Array(packedLength(codes, count));
  bytes.set(header);
  const bits = codes.map(bitsOf);
  let [at, held, filled] = [header.length, 0, 0];
  for (let index = 0; index < indices.length; index++) {
    const place = index % places;
    let value = indices[index]!;
    if (!Number.isInteger(value) || value < 0 || value >= codes[place]!) {
      throw new DdclError(
        'data',
        `Code ${place} of vector ${Math.floor(index / places)} is ${value}, but must be a whole number from 0 to ${codes[place]! - 1}.`,
      );
    }
    // At most 7 bits wait, so 24 more fit into a number of 32.
    for (let left = bits[place]!; left > 0;) {
      const some = Math.min(left, 24);
      held |= (value & ((1 << some) - 1)) << filled;
      value >>>= some;
      filled += some;
      left -= some;
      while (filled >= 8) {
        bytes[at++] = held & 0xff;
        held >>>= 8;
        filled -= 8;
      }
    }
  }
  if (filled > 0) bytes[at] = held;
  return bytes;
}

/** What a header says. */
export interface PackedHeader extends Omit<PackedCodes, 'indices'> {
  /** Bytes of the header itself. */
  readonly length: number;
}

/**
 * @param given the beginning of packed codes, at least all of its header
 * @throws DdclError `format` for bytes that are no header of packed codes; `argument` for what are no bytes
 */
export function readPackedHeader(given: Uint8Array | ArrayBuffer): PackedHeader {
  const bytes = requireBytes(given);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < fixedHeader || magic.some((byte, index) => bytes[index] !== byte))
    throw malformed(`they do not begin with 'ddclcode' and a header of ${fixedHeader} bytes`);
  const version = view.getUint16(8, true);
  if (version !== codesFormatVersion) throw malformed(`their version is ${version}, not ${codesFormatVersion}`);
  const places = view.getUint16(10, true);
  const count = Number(view.getBigUint64(12, true));
  if (!Number.isSafeInteger(count)) throw malformed(`no file holds ${count} vectors`);
  const checksum = view.getBigUint64(20, true).toString(16).padStart(16, '0');
  const start = fixedHeader + 4 * places;
  if (places === 0 || bytes.length < start) throw malformed('their header is cut short');
  const codes = Array.from({ length: places }, (_, place) => view.getUint32(fixedHeader + 4 * place, true));
  const bad = codes.find((each) => each < 2 || each >= 2 ** 31);
  if (bad !== undefined) throw malformed(`a codebook of ${bad} codes is none`);
  return { codes, count, ...(checksum !== noChecksum && { checksum }), length: start };
}

/** @throws DdclError `format` for bytes that are cut short, too many, or no packed codes; `argument` for what are no bytes */
export function unpackIndices(given: Uint8Array | ArrayBuffer): PackedCodes {
  const bytes = requireBytes(given);
  const { length: start, ...header } = readPackedHeader(bytes);
  const { codes, count } = header;
  const places = codes.length;
  const wanted = packedLength(codes, count);
  if (bytes.length !== wanted) {
    throw malformed(
      `${count} vectors of ${places} codes take ${wanted} bytes, but there are ${bytes.length}${bytes.length < wanted ? ': the file is cut short' : ''}`,
    );
  }
  const bits = codes.map(bitsOf);
  const indices = new Int32Array(count * places);
  let [at, held, filled] = [start, 0, 0];
  for (let index = 0; index < indices.length; index++) {
    const place = index % places;
    let [value, got] = [0, 0];
    while (got < bits[place]!) {
      if (filled === 0) [held, filled] = [bytes[at++]!, 8];
      const some = Math.min(filled, bits[place]! - got);
      value |= (held & ((1 << some) - 1)) << got;
      held >>>= some;
      filled -= some;
      got += some;
    }
    if (value >= codes[place]!)
      throw malformed(`code ${place} of vector ${Math.floor(index / places)} is ${value} of ${codes[place]}`);
    indices[index] = value;
  }
  if (held !== 0) throw malformed('bits after the last code are not zero');
  return { indices, ...header };
}

function malformed(detail: string): DdclError {
  return new DdclError('format', `These bytes are no packed codes: ${detail}. Give bytes that packIndices wrote.`);
}
