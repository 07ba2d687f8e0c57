import { basename } from 'node:path';
import { DdclError } from '@ddcl/core';
import {
  codebookChecksum,
  packedHeader,
  packedLength,
  packIndices,
  readPackedHeader,
  resolveSpec,
  unpackIndices,
  type EncodedCodes,
  type PackedHeader,
  type QuantizerState,
  type ResolvedSpec,
} from '@ddcl/vq';
import { withFileName } from '../data/data-error.ts';
import { openFile, readFully, type OpenFile } from '../data/open-file.ts';
import { writeWhole } from '../output/write-file.ts';

/** K of each code of a vector. */
export const codesOf = ({ heads, depth, codes }: ResolvedSpec): number[] => Array<number>(heads * depth).fill(codes);

/** Bytes that the codes of one vector take, without rounding up. */
export const bytesPerVector = (codes: readonly number[]): number =>
  (packedLength(codes, 8) - packedHeader(codes, 8).length) / 8;

/** What codes are of: K of each code of a vector, and the checksum of what they are decoded with. */
export interface CodesOwner {
  readonly codes: readonly number[];
  readonly checksum: string;
}

/** @param checksum of an autoencoder; default that of the codebooks */
export const ownerOf = (state: QuantizerState, checksum: string = codebookChecksum(state)): CodesOwner => ({
  codes: codesOf(resolveSpec(state.spec)),
  checksum,
});

/**
 * Writes codes as they come, as bits; the file is what `packIndices` makes of all of them.
 *
 * @param count vectors that there will be
 */
export function writeCodes(
  path: string,
  { codes, checksum }: CodesOwner,
  count: number,
  blocks: AsyncIterable<Pick<EncodedCodes, 'indices'>>,
): Promise<void> {
  const places = codes.length;
  const header = packedHeader(codes, count, checksum);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield header;
    // The bits of 8 vectors are whole bytes; what is over waits for the next block.
    let waiting = new Int32Array(0);
    for await (const { indices } of blocks) {
      const all = new Int32Array(waiting.length + indices.length);
      all.set(waiting);
      all.set(indices, waiting.length);
      const whole = all.length - (all.length % (8 * places));
      yield packIndices(all.subarray(0, whole), codes).subarray(header.length);
      waiting = all.slice(whole);
    }
    yield packIndices(waiting, codes).subarray(header.length);
  }
  return writeWhole(path, pieces());
}

/** Codes in a file that is open. */
export interface OpenCodes {
  readonly codes: readonly number[];
  readonly count: number;
  /** Left out where the writer did not say. */
  readonly checksum?: string;
  /** Indices [n, P] block by block. @throws DdclError `format` for bits that are no code */
  blocks(): AsyncGenerator<Int32Array>;
  close(): Promise<void>;
}

/** Vectors that are unpacked at once; a multiple of 8. */
const blockVectors = 8192;

/** @throws DdclError `argument` for a file that cannot be read; `format` for one that holds no packed codes or is cut short */
export async function openCodes(path: string): Promise<OpenCodes> {
  const source = await openFile(path);
  try {
    const header = await readHeader(source);
    const { length: _length, ...said } = header;
    return { ...said, blocks: () => readBlocks(source, header), close: () => source.handle.close() };
  } catch (error) {
    await source.handle.close();
    throw error;
  }
}

/** Bytes of the longest header that there may be: of 65,535 codes a vector. */
const longestHeader = packedHeader([2], 0).length + 4 * (0xffff - 1);

const remedy = "Give a file that 'ddcl vq encode' wrote.";

async function readHeader(source: OpenFile): Promise<PackedHeader> {
  const { file, size } = source;
  const start = new Uint8Array(Math.min(size, longestHeader));
  await readFully(source, start, 0);
  const header = withFileName(file, remedy, () => readPackedHeader(start));
  const wanted = packedLength(header.codes, header.count);
  if (size !== wanted) {
    throw new DdclError(
      'format',
      `${file}: ${header.count} vectors of ${header.codes.length} codes take ${wanted} bytes, but the file has ${size}: it ${size < wanted ? 'is cut short' : 'was added to'}. Write it again.`,
    );
  }
  return header;
}

async function* readBlocks(source: OpenFile, { codes, count, length }: PackedHeader): AsyncGenerator<Int32Array> {
  const perVector = bytesPerVector(codes);
  for (let first = 0; first < count; first += blockVectors) {
    const header = packedHeader(codes, Math.min(blockVectors, count - first));
    const bytes = new Uint8Array(packedLength(codes, Math.min(blockVectors, count - first)));
    bytes.set(header);
    await readFully(source, bytes.subarray(header.length), length + first * perVector);
    yield withFileName(`${basename(source.file)}, vectors from ${first}`, remedy, () => unpackIndices(bytes)).indices;
  }
}

/** @throws DdclError `shape` for other numbers of codes, and `data` for codes of another codebook */
export function requireCodesOf(path: string, { codes, checksum }: OpenCodes, folder: string, owner: CodesOwner): void {
  const giveFolder = 'Give the folder that the file was encoded with.';
  const wanted = owner.codes;
  if (codes.length !== wanted.length || codes.some((each, place) => each !== wanted[place])) {
    const shown = (list: readonly number[]): string =>
      `${list.length} ${list.length === 1 ? 'code' : 'codes'} of ${[...new Set(list)].join(', ')}`;
    throw new DdclError(
      'shape',
      `${path} has ${shown(codes)} per vector, but the quantizer in ${folder} makes ${shown(wanted)}. ${giveFolder}`,
    );
  }
  if (checksum === undefined || checksum === owner.checksum) return;
  throw new DdclError(
    'data',
    `${path} has codes of another codebook (checksum ${checksum}) than the one in ${folder} (${owner.checksum}): they would become other vectors. ${giveFolder}`,
  );
}
