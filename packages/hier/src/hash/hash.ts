/** A hash of numbers and texts, one after the other: tells things apart that differ by accident, and keeps no secret. */
export interface Hash {
  /** Of numbers their bytes in memory, little-endian on every machine that JavaScript runs on. */
  add(piece: string | Float32Array | Float64Array): void;
  /** As a whole number below 2^53. */
  key(): number;
  /** 16 hexadecimal digits. */
  digest(): string;
}

/**
 * Two lanes of MurmurHash3 (A. Appleby, 2011, public domain), a 32-bit word at a time: documents are hashed in every pass, so bytes would be too slow.
 */
export function createHash(): Hash {
  let [one, two, words] = [0x9e3779b9, 0x85ebca6b, 0];
  const take = (numbers: Uint32Array): void => {
    let [first, second] = [one, two];
    for (let index = 0; index < numbers.length; index++) {
      const word = numbers[index]!;
      const left = Math.imul(word, 0xcc9e2d51);
      first ^= Math.imul((left << 15) | (left >>> 17), 0x1b873593);
      first = Math.imul((first << 13) | (first >>> 19), 5) + 0xe6546b64;
      const right = Math.imul(word ^ 0x5bd1e995, 0xab0e9789);
      second ^= Math.imul((right << 17) | (right >>> 15), 0x38b34ae5);
      second = Math.imul((second << 15) | (second >>> 17), 5) + 0x561ccd1b;
    }
    [one, two, words] = [first, second, words + numbers.length];
  };
  const finished = (lane: number): number => mixed(lane ^ words);
  return {
    add(piece) {
      if (typeof piece === 'string') {
        take(Uint32Array.from({ length: piece.length }, (_, index) => piece.charCodeAt(index)));
        // Two texts are not the one that they make together.
        take(Uint32Array.of(piece.length));
      } else {
        take(new Uint32Array(piece.buffer, piece.byteOffset, piece.byteLength / 4));
      }
    },
    key: () => finished(one) * 2 ** 21 + (finished(two) >>> 11),
    digest: () => [one, two].map((lane) => finished(lane).toString(16).padStart(8, '0')).join(''),
  };
}

/** Of the place of an item in a document with this key, a whole number below 2^53; called for every token, so without a hash of its own. */
export function itemKey(documentKey: number, item: number): number {
  const [high, low] = [Math.floor(documentKey / 2 ** 21), documentKey % 2 ** 21];
  const one = mixed(Math.imul(high, 0xcc9e2d51) ^ mixed(low + Math.imul(item, 0x9e3779b1)));
  return one * 2 ** 21 + (mixed(one ^ Math.imul(item, 0x85ebca6b) ^ low) >>> 11);
}

/** The last steps of MurmurHash3: every bit of a word depends on every other. */
function mixed(word: number): number {
  let result = word;
  result = Math.imul(result ^ (result >>> 16), 0x85ebca6b);
  result = Math.imul(result ^ (result >>> 13), 0xc2b2ae35);
  return (result ^ (result >>> 16)) >>> 0;
}
