/**
 * Rows in the order of their scores, highest first; ties go to the lower row. One native sort: score and row are packed
 * into one double each.
 */
export class Ranker {
  readonly #keys: Float64Array;
  readonly #order: Int32Array;
  readonly #single: Float32Array = new Float32Array(1);
  readonly #word: Uint32Array = new Uint32Array(this.#single.buffer);

  /** @param count scores per ranking, at most 2^21 */
  constructor(count: number) {
    this.#keys = new Float64Array(count);
    this.#order = new Int32Array(count);
  }

  /** The order is valid until the next call. */
  rank(scores: Float32Array): Int32Array {
    const keys = this.#keys;
    for (let row = 0; row < keys.length; row++) {
      // + 0 makes -0 a 0.
      this.#single[0] = scores[row]! + 0;
      const word = this.#word[0]!;
      // Bits of floats in an order of unsigned numbers, turned so that the largest comes first.
      const ascending = word >= 0x80000000 ? 0xffffffff - word : word + 0x80000000;
      keys[row] = (0xffffffff - ascending) * 2 ** 21 + row;
    }
    keys.sort();
    for (let place = 0; place < keys.length; place++) this.#order[place] = keys[place]! % 2 ** 21;
    return this.#order;
  }
}
