import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import { toFrame, type PrototypeState } from '../measure/prototype-state.ts';
import { asDType } from '../numbers/as-dtype.ts';
import { allocate } from '../program/dtype.ts';
import { tensorType, type TensorType } from '../program/tensor-type.ts';
import { trace } from '../program/trace.ts';
import type { EncodedRows } from './encode-tokens.ts';
import { needsTokenSums, outputWidth, type SegmentOutput } from './outputs.ts';
import type { SegmentAccumulator } from './segment-accumulator.ts';
import { segmentOutput } from './segment-output.ts';

export interface SegmentFinisherOptions {
  /** Segments of one run. */
  readonly rows: number;
  /** Root of the tokens' total variance, in their units. */
  readonly spread: number;
  /** Whether residuals get length 1. */
  readonly isNormalized: boolean;
}

/** Turns sums of segments that were added up from parts into rows of outputs, on a backend. */
export interface SegmentFinisher {
  /** Rows of the segments `first` to `until - 1`, one array per output; their sums are taken out of the accumulator. */
  finish(accumulator: SegmentAccumulator, first: number, until: number): Promise<EncodedRows[]>;
  dispose(): void;
}

/** @param state the prototypes; sums are of tokens in its frame */
export async function createSegmentFinisher(
  backend: Backend,
  state: Pick<PrototypeState, 'count' | 'dimension' | 'dtype' | 'absolute' | 'frame'>,
  outputs: readonly SegmentOutput[],
  { rows, spread, isNormalized }: SegmentFinisherOptions,
): Promise<SegmentFinisher> {
  const { count, dimension, dtype, absolute, frame } = state;
  const shapes = [[rows, 1], [rows, count], [count, dimension], [count, dimension], [dimension]];
  if (outputs.some(needsTokenSums)) shapes.push([rows, count, dimension]);
  const types = shapes.map((shape): TensorType => tensorType(dtype, shape));
  const program = trace(
    types,
    (weight, mass, prototypes, values, offset, sums) => {
      const known = { prototypes: prototypes!, values: values!, offset: offset!, scale: frame.scale, spread };
      const made = { weight: weight!, mass: mass!, sums };
      return outputs.map((output) => segmentOutput(output, made, known, isNormalized));
    },
    `finish ${outputs.join('+')}`,
  );
  const executable = await backend.compile(program);
  const upload = (place: number, values: Float64Array): DeviceBuffer =>
    backend.upload({ dtype, shape: shapes[place]! }, asDType(values, dtype));
  const shared = [toFrame(absolute, frame), absolute, frame.offset].map((values, index) => upload(2 + index, values));
  return {
    async finish(accumulator, first, until) {
      const made = outputs.map((output) => {
        const width = outputWidth(output, state);
        return { rows: until - first, width, data: allocate(dtype, (until - first) * width) };
      });
      for (let start = first; start < until; start += rows) {
        const left = Math.min(rows, until - start);
        const { weight, mass, sums } = accumulator.take(start, left, rows);
        const inputs = [upload(0, weight), upload(1, mass), ...shared, ...(shapes.length > 5 ? [upload(5, sums)] : [])];
        const results = await executable.run(inputs, { donate: shapes.length > 5 ? [0, 1, 5] : [0, 1] });
        const numbers = await Promise.all(results.map((result) => backend.download(result)));
        for (const result of results) backend.free(result);
        // Rows beyond the last segment are zeros.
        made.forEach(({ data, width }, index) =>
          data.set(numbers[index]!.subarray(0, left * width), (start - first) * width),
        );
      }
      return made as EncodedRows[];
    },
    dispose() {
      for (const buffer of shared) backend.free(buffer);
      executable.dispose();
    },
  };
}
