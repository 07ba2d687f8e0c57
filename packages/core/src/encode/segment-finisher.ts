import type { Backend, DeviceBuffer, Executable } from '../backend/contract.ts';
import { toFrame, type PrototypeState } from '../measure/prototype-state.ts';
import { asDType } from '../numbers/as-dtype.ts';
import { allocate } from '../program/dtype.ts';
import type { EncodedRows } from './encode-tokens.ts';
import { finishProgram } from './finish-program.ts';
import { needsTokenSums, outputWidth, type SegmentOutput } from './outputs.ts';
import type { SegmentAccumulator } from './segment-accumulator.ts';

/** Turns sums of segments into rows of outputs, on a backend. */
export class SegmentFinisher {
  readonly #backend: Backend;
  readonly #state: Pick<PrototypeState, 'count' | 'dimension' | 'dtype' | 'absolute' | 'frame'>;
  readonly #outputs: readonly SegmentOutput[];
  readonly #rows: number;
  readonly #executable: Executable;
  readonly #shared: readonly DeviceBuffer[];

  private constructor(
    backend: Backend,
    state: Pick<PrototypeState, 'count' | 'dimension' | 'dtype' | 'absolute' | 'frame'>,
    outputs: readonly SegmentOutput[],
    rows: number,
    executable: Executable,
  ) {
    this.#backend = backend;
    this.#state = state;
    this.#outputs = outputs;
    this.#rows = rows;
    this.#executable = executable;
    const { absolute, frame, count, dimension } = state;
    this.#shared = [
      this.#upload([count, dimension], toFrame(absolute, frame)),
      this.#upload([count, dimension], absolute),
      this.#upload([dimension], frame.offset),
    ];
  }

  /**
   * @param rows segments of one run
   * @param spread root of the tokens' total variance, in their units
   */
  static async create(
    backend: Backend,
    state: Pick<PrototypeState, 'count' | 'dimension' | 'dtype' | 'absolute' | 'frame'>,
    outputs: readonly SegmentOutput[],
    { rows, spread, isNormalised }: { rows: number; spread: number; isNormalised: boolean },
  ): Promise<SegmentFinisher> {
    const { count, dimension, dtype, frame } = state;
    const program = finishProgram({
      rows,
      count,
      dimension,
      dtype,
      outputs,
      isNormalised,
      isFramed: true,
      scale: frame.scale,
      spread,
    });
    return new SegmentFinisher(backend, state, outputs, rows, await backend.compile(program));
  }

  /** Rows of the segments `first` to `until - 1`, one array per output; their sums are taken out of the accumulator. */
  async finish(accumulator: SegmentAccumulator, first: number, until: number): Promise<EncodedRows[]> {
    const backend = this.#backend;
    const { count, dimension, dtype } = this.#state;
    const made = this.#outputs.map((output) => {
      const width = outputWidth(output, this.#state);
      return { rows: until - first, width, data: allocate(dtype, (until - first) * width) };
    });
    const rows = this.#rows;
    for (let start = first; start < until; start += rows) {
      const left = Math.min(rows, until - start);
      const { weight, mass, sums } = accumulator.take(start, left, rows);
      const own = [this.#upload([rows, 1], weight), this.#upload([rows, count], mass)];
      const more = this.#outputs.some(needsTokenSums) ? [this.#upload([rows, count, dimension], sums)] : [];
      const inputs = [...own, ...this.#shared, ...more];
      const results = await this.#executable.run(inputs, { donate: [0, 1, ...more.map(() => inputs.length - 1)] });
      const numbers = await Promise.all(results.map((result) => backend.download(result)));
      for (const result of results) backend.free(result);
      // Rows beyond the last segment are zeros.
      made.forEach(({ data, width }, index) =>
        data.set(numbers[index]!.subarray(0, left * width), (start - first) * width),
      );
    }
    return made as EncodedRows[];
  }

  dispose(): void {
    for (const buffer of this.#shared) this.#backend.free(buffer);
    this.#executable.dispose();
  }

  #upload(shape: readonly number[], values: Float64Array): DeviceBuffer {
    const { dtype } = this.#state;
    return this.#backend.upload({ dtype, shape }, asDType(values, dtype));
  }
}
