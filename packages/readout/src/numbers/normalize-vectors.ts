import { requireFloats } from '@ddcl/core/fit';

/** Length of `width` numbers from `start`; scaled by the largest, so that squares stay in range. */
function lengthOf(data: Float32Array | Float64Array, start: number, width: number): number {
  let largest = 0;
  for (let index = start; index < start + width; index++) largest = Math.max(largest, Math.abs(data[index]!));
  if (largest === 0) return 0;
  let squares = 0;
  for (let index = start; index < start + width; index++) squares += (data[index]! / largest) ** 2;
  return largest * Math.sqrt(squares);
}

/**
 * Gives each vector of `width` numbers length 1, in place.
 *
 * @param floor vectors shorter than this are divided by it instead, so that noise is not blown up; zeros stay zeros. Default 0.
 * @throws DdclError `dtype` unless the numbers are float32 or float64
 */
export function normalizeVectors(data: Float32Array | Float64Array, width: number, floor = 0): void {
  requireFloats(data, 'Vectors');
  for (let start = 0; start < data.length; start += width) {
    const length = Math.max(lengthOf(data, start, width), floor);
    if (length === 0) continue;
    for (let index = start; index < start + width; index++) data[index]! /= length;
  }
}
