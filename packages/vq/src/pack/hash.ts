/** A hash of pieces of bytes, one after the other. */
export interface Hash {
  /** Of texts one byte a letter, for ASCII; of tensors their bytes in memory, little-endian on every machine that JavaScript runs on. */
  add(piece: string | Float32Array): void;
  /** 16 hexadecimal digits. */
  digest(): string;
}

/** FNV-1a of 64 bits (Fowler, Noll, Vo): tells things apart that differ by accident, and keeps no secret. */
export function createHash(): Hash {
  // In two halves, as products of doubles are exact up to 2^53: times 2^40 + 0x1b3.
  let [high, low] = [0xcbf29ce4, 0x84222325];
  return {
    add(piece) {
      const bytes =
        typeof piece === 'string'
          ? Uint8Array.from(piece, (letter) => letter.charCodeAt(0))
          : new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
      for (let index = 0; index < bytes.length; index++) {
        low = (low ^ bytes[index]!) >>> 0;
        const product = low * 0x1b3;
        high = (high * 0x1b3 + Math.floor(product / 2 ** 32) + ((low << 8) >>> 0)) % 2 ** 32;
        low = product % 2 ** 32;
      }
    },
    digest: () => [high, low].map((half) => half.toString(16).padStart(8, '0')).join(''),
  };
}
