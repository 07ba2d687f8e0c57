import type { PrototypeState } from '../measure/prototype-state.ts';
import type { EncodedRows } from './encode-tokens.ts';
import { finishSegment, segmentWidth, type SegmentOutput } from './finish-segment.ts';

interface OpenSegment {
  readonly mass: Float64Array;
  readonly sums: Float64Array | undefined;
  weight: number;
}

/** Sums of segments whose tokens have not all come, and rows of those that are finished. */
export class SegmentAccumulator {
  readonly #what: SegmentOutput;
  readonly #state: PrototypeState;
  readonly #open = new Map<number, OpenSegment>();
  #next = 0;

  constructor(what: SegmentOutput, state: PrototypeState) {
    this.#what = what;
    this.#state = state;
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

  /** Rows of the segments before `until` that were not given out yet, in order of their ids; undefined if there are none. */
  finish(until: number): EncodedRows | undefined {
    if (this.#next >= until) return undefined;
    const first = this.#next;
    const rows = until - first;
    const width = segmentWidth(this.#what, this.#state);
    const data = this.#state.dtype === 'float32' ? new Float32Array(rows * width) : new Float64Array(rows * width);
    for (; this.#next < until; this.#next++) {
      data.set(finishSegment(this.#open.get(this.#next), this.#what, this.#state), (this.#next - first) * width);
      this.#open.delete(this.#next);
    }
    return { rows, width, data };
  }

  #segment(id: number): OpenSegment {
    let segment = this.#open.get(id);
    if (segment === undefined) {
      const { count, dimension } = this.#state;
      const sums = this.#what === 'summaries' ? new Float64Array(count * dimension) : undefined;
      segment = { mass: new Float64Array(count), sums, weight: 0 };
      this.#open.set(id, segment);
    }
    return segment;
  }
}

function addRow(total: Float64Array, rows: ArrayLike<number>, place: number): void {
  const start = place * total.length;
  for (let index = 0; index < total.length; index++) total[index]! += rows[start + index]!;
}
