interface OpenSegment {
  readonly mass: Float64Array;
  readonly sums: Float64Array | undefined;
  weight: number;
}

/** Sums over the tokens of each segment, added up from parts in float64, until they are taken. */
export class SegmentAccumulator {
  readonly #count: number;
  readonly #sumsWidth: number;
  readonly #open = new Map<number, OpenSegment>();

  /** @param sumsWidth K m, or 0 where token sums are not wanted */
  constructor(count: number, sumsWidth: number) {
    this.#count = count;
    this.#sumsWidth = sumsWidth;
  }

  addWeight(id: number, weight: number): void {
    this.#segment(id).weight += weight;
  }

  /** Adds row `place` of a block's results. */
  addSums(id: number, place: number, mass: ArrayLike<number>, sums: ArrayLike<number> | undefined): void {
    const segment = this.#segment(id);
    addRow(segment.mass, mass, place);
    if (segment.sums !== undefined) addRow(segment.sums, sums!, place);
  }

  /** Takes out the sums of `segments` segments from `first` on, as `rows` rows; zeros for those that nothing was added to. */
  take(
    first: number,
    segments: number,
    rows: number,
  ): { weight: Float64Array; mass: Float64Array; sums: Float64Array } {
    const weight = new Float64Array(rows);
    const mass = new Float64Array(rows * this.#count);
    const sums = new Float64Array(rows * this.#sumsWidth);
    for (let row = 0; row < segments; row++) {
      const segment = this.#open.get(first + row);
      if (segment === undefined) continue;
      weight[row] = segment.weight;
      mass.set(segment.mass, row * this.#count);
      if (segment.sums !== undefined) sums.set(segment.sums, row * this.#sumsWidth);
      this.#open.delete(first + row);
    }
    return { weight, mass, sums };
  }

  #segment(id: number): OpenSegment {
    let segment = this.#open.get(id);
    if (segment === undefined) {
      const sums = this.#sumsWidth > 0 ? new Float64Array(this.#sumsWidth) : undefined;
      segment = { mass: new Float64Array(this.#count), sums, weight: 0 };
      this.#open.set(id, segment);
    }
    return segment;
  }
}

function addRow(total: Float64Array, rows: ArrayLike<number>, place: number): void {
  const start = place * total.length;
  for (let index = 0; index < total.length; index++) total[index]! += rows[start + index]!;
}
