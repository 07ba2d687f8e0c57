import { isUtf8 } from 'node:buffer';

const newline = 0x0a;
const carriageReturn = 0x0d;

/** The end of a piece of UTF-8 that the next piece decides about: a carriage return, or the first bytes of a character. */
export function unfinishedBytes(piece: Uint8Array): Uint8Array {
  if (piece.at(-1) === carriageReturn) return piece.subarray(-1);
  // A character has at most three bytes 10xxxxxx after its first one.
  for (let back = 1; back <= Math.min(4, piece.length); back++) {
    const byte = piece.at(-back)!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return piece.subarray(piece.length - (length > back ? back : 0));
  }
  return new Uint8Array(0);
}

/**
 * The line that holds the first bytes that are not UTF-8. Line ends are bytes of no other character, so lines can be
 * looked at one by one.
 *
 * @param before what the piece before left unfinished
 * @param line number of the line that `before` begins in
 */
export function findBadLine(before: Uint8Array, piece: Uint8Array, line: number): number {
  const bytes = Buffer.concat([before, piece]);
  let start = 0;
  let current = line;
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index];
    if (byte !== newline && byte !== carriageReturn) continue;
    if (!isUtf8(bytes.subarray(start, index))) return current;
    if (byte === carriageReturn && bytes[index + 1] === newline) index += 1;
    start = index + 1;
    current += 1;
  }
  return current;
}
