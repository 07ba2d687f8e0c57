import * as core from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';

/** The parts of tfjs as the layers take them. */
export const tf = { ...core, ...layers };

/** Largest difference of two lists of numbers of equal length. */
export function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} numbers instead of ${expected.length}`);
  return Array.from(actual).reduce((worst, value, index) => Math.max(worst, Math.abs(value - expected[index]!)), 0);
}
