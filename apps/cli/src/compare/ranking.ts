/** Bits of a key that one pass sorts by: three passes for 32 bits. */
const digitBits = 11;
const digits = 1 << digitBits;

/**
 * Rows in the order of their scores, highest first; ties go to the lower row. A radix sort of the scores' bits: several times as fast as a
 * comparing sort on the thousands of rankings of thousands of documents that a comparison takes.
 */
export class Ranker {
  readonly #single: Float32Array = new Float32Array(1);
  readonly #word: Uint32Array = new Uint32Array(this.#single.buffer);
  readonly #keys: Uint32Array;
  readonly #counts: Int32Array = new Int32Array(digits);
  #order: Int32Array;
  #other: Int32Array;

  /** @param count scores per ranking */
  constructor(count: number) {
    this.#keys = new Uint32Array(count);
    this.#order = new Int32Array(count);
    this.#other = new Int32Array(count);
  }

  /** The order is valid until the next call. */
  rank(scores: Float32Array): Int32Array {
    const keys = this.#keys;
    for (let row = 0; row < keys.length; row++) {
      // + 0 makes -0 a 0.
      this.#single[0] = scores[row]! + 0;
      const word = this.#word[0]!;
      // Bits of floats as unsigned numbers that ascend where the floats descend.
      keys[row] = word >= 0x80000000 ? word : 0x7fffffff - word;
      this.#order[row] = row;
    }
    for (let shift = 0; shift < 32; shift += digitBits) this.#sortBy(shift);
    return this.#order;
  }

  /** Stable, so that the passes build on each other and ties keep the order of their rows. */
  #sortBy(shift: number): void {
    const [keys, counts, from, to] = [this.#keys, this.#counts, this.#order, this.#other];
    counts.fill(0);
    for (let row = 0; row < keys.length; row++) counts[(keys[row]! >>> shift) & (digits - 1)]!++;
    let before = 0;
    for (let digit = 0; digit < digits; digit++) {
      const own = counts[digit]!;
      counts[digit] = before;
      before += own;
    }
    for (let place = 0; place < from.length; place++) {
      const row = from[place]!;
      to[counts[(keys[row]! >>> shift) & (digits - 1)]!++] = row;
    }
    this.#order = to;
    this.#other = from;
  }
}
