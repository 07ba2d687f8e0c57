import { firstNonFinite, halvesAreFinite } from '@ddcl/core/fit';
import { fromFloat16 } from '@ddcl/core/safetensors';
import { float32Limit, type FloatArray } from './float-array.ts';

/** Formats of numbers in files, little-endian: kind and bytes as NumPy names them; `bf2` is bfloat16, `b1` a boolean. */
export type NumberFormat = 'f2' | 'bf2' | 'f4' | 'f8' | 'i1' | 'u1' | 'b1' | 'i2' | 'u2' | 'i4' | 'u4' | 'i8' | 'u8';

/** Bytes of one number. */
export function bytesPerNumber(format: NumberFormat): 1 | 2 | 4 | 8 {
  return Number(format.at(-1)) as 1 | 2 | 4 | 8;
}

/**
 * Turns bytes of a file into numbers. float64 and 64-bit integers are rounded to what `target` holds.
 *
 * @param bytes at least `count` numbers, at the start of its own buffer or aligned to the number's size
 */
export function decodeNumbers(format: NumberFormat, bytes: Uint8Array, target: FloatArray, count: number): void {
  const { buffer, byteOffset } = bytes;
  switch (format) {
    case 'f2':
    case 'bf2': {
      const halves = new Uint16Array(buffer, byteOffset, count);
      const values = halfValues(format);
      const end = count - (count % 4);
      // Four at a time, a third faster: every number of every pass over token shards comes through here.
      for (let index = 0; index < end; index += 4) {
        target[index] = values[halves[index]!]!;
        target[index + 1] = values[halves[index + 1]!]!;
        target[index + 2] = values[halves[index + 2]!]!;
        target[index + 3] = values[halves[index + 3]!]!;
      }
      for (let index = end; index < count; index++) target[index] = values[halves[index]!]!;
      return;
    }
    case 'i8':
    case 'u8':
      decodeLongs(format, bytes, target, count);
      return;
    default:
      // `set` converts between any two of these.
      target.set(numbersView(format, buffer, byteOffset, count));
  }
}

/**
 * Index of the first NaN or infinity among decoded numbers; -1 if there is none. Half-precision numbers are looked at as they
 * are in the file, two at a time.
 *
 * @param bytes what `decodeNumbers` was given
 * @param target what it has filled
 */
export function firstNonFiniteOf(format: NumberFormat, bytes: Uint8Array, target: FloatArray, count: number): number {
  if (format === 'f2' || format === 'bf2') {
    const bits = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
    if (halvesAreFinite(bits, format === 'f2' ? 0x7c00 : 0x7f80)) return -1;
  }
  return firstNonFinite(target, count);
}

/** Numbers in the narrowest of these that holds them exactly. */
export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** Formats that have a typed array of numbers. */
type PlainFormat = Exclude<NumberFormat, 'f2' | 'bf2' | 'i8' | 'u8'>;

type MakeArray = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => NumberArray;

const arrays: Readonly<Record<PlainFormat, MakeArray>> = {
  f4: Float32Array,
  f8: Float64Array,
  i1: Int8Array,
  u1: Uint8Array,
  b1: Uint8Array,
  i2: Int16Array,
  u2: Uint16Array,
  i4: Int32Array,
  u4: Uint32Array,
};

/** The numbers where they lie. */
export const numbersView = (
  format: PlainFormat,
  buffer: ArrayBufferLike,
  byteOffset: number,
  count: number,
): NumberArray => new arrays[format](buffer, byteOffset, count);

/** From two halves, because BigInt costs an allocation per number; there is a single rounding. */
function decodeLongs(format: 'i8' | 'u8', { buffer, byteOffset }: Uint8Array, target: FloatArray, count: number): void {
  const low = new Uint32Array(buffer, byteOffset, 2 * count);
  const high = format === 'i8' ? new Int32Array(buffer, byteOffset, 2 * count) : low;
  for (let index = 0; index < count; index++) {
    target[index] = high[2 * index + 1]! * 4294967296 + low[2 * index]!;
  }
}

const halfTables = new Map<'f2' | 'bf2', Float32Array>();

/** The value of each of the 65,536 bit patterns. */
function halfValues(format: 'f2' | 'bf2'): Float32Array {
  const known = halfTables.get(format);
  if (known !== undefined) return known;
  // bfloat16 is the upper half of a float32.
  const values =
    format === 'bf2'
      ? new Float32Array(Uint32Array.from({ length: 65536 }, (_, bits) => bits * 65536).buffer)
      : fromFloat16(Uint16Array.from({ length: 65536 }, (_, bits) => bits));
  halfTables.set(format, values);
  return values;
}

/** Whether a file's number is finite but not in float32. */
export function overflowsFloat32(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) >= float32Limit;
}
