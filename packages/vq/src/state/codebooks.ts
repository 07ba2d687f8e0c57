import { levelNumbers, levelScale } from '../quantizers/fsq.ts';
import { signScale } from '../quantizers/lfq.ts';
import { bookOf, tensorName, type Place } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';
import type { QuantizerState } from './state.ts';
import { unitRows } from './unit-rows.ts';

/** Whether a kind has a codebook; the others compute the vectors of their codes. */
export const hasCodes = ({ kind }: Pick<ResolvedSpec, 'kind'>): boolean => kind !== 'fsq' && kind !== 'lfq';

/** The codes [K, c] of a place as they are applied: on the sphere for `cosine`, multiplied out for `simvq`. */
export function codebookOf(spec: ResolvedSpec, { tensors }: QuantizerState, place: Place): Float32Array {
  const book = bookOf(spec, place);
  if (spec.kind === 'simvq') {
    return product(tensors[tensorName('frame', book)]!, tensors[tensorName('matrix', book)]!, spec.codeDimension);
  }
  const codes = tensors[tensorName('codes', book)]!;
  return spec.kind === 'cosine' ? unitRows(codes, spec.codeDimension) : codes;
}

function product(frame: Float32Array, matrix: Float32Array, width: number): Float32Array {
  return frame.map((_, index) => {
    const [row, column] = [Math.floor(index / width), index % width];
    let total = 0;
    for (let inner = 0; inner < width; inner++) total += frame[row * width + inner]! * matrix[inner * width + column]!;
    return total;
  });
}

/** Writes the vector [c] of a code, added to what is there; `null` codes for kinds without a codebook. */
export function addCode(
  spec: ResolvedSpec,
  codes: Float32Array | null,
  index: number,
  level: number,
  target: Float32Array,
  at: number,
): void {
  const { codeDimension: c } = spec;
  if (codes !== null) {
    for (let axis = 0; axis < c; axis++) target[at + axis]! += codes[index * c + axis]!;
    return;
  }
  if (spec.kind === 'lfq') {
    const unit = signScale(level);
    for (let axis = 0; axis < c; axis++) target[at + axis]! += (index >>> (c - 1 - axis)) & 1 ? unit : -unit;
    return;
  }
  const { scale, origin, basis } = levelNumbers(spec);
  const units = levelScale(spec, level);
  for (let axis = 0; axis < c; axis++) {
    const digit = Math.floor(index / basis[axis]!) % spec.levels[axis]!;
    target[at + axis]! += Math.fround((digit - origin[axis]!) / scale[axis]!) * Math.fround(units[axis]!);
  }
}
