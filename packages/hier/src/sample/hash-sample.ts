import type { FloatDType } from '@ddcl/core';

/** Rows of a stream whose keys are the smallest: which they are does not depend on the order in which they come. */
export interface HashSample {
  /** Whether a row of this key would be kept: saves making those that would not. */
  wants(key: number): boolean;
  add(key: number, row: Float32Array | Float64Array, start: number): void;
  /** The rows in the order of their keys, [rows, width]; once. */
  take(): Float32Array | Float64Array;
}

/** Bytes of a row that is kept: a sample takes twice its rows. */
export const sampleBytes = (width: number, dtype: FloatDType): number => (dtype === 'float32' ? 8 : 16) * width;

/**
 * @param most rows that are kept, >= 1; memory is that of {@link sampleBytes} each
 * @param dtype of the rows that are kept
 */
export function createHashSample(width: number, most: number, dtype: FloatDType = 'float32'): HashSample {
  const Numbers = dtype === 'float32' ? Float32Array : Float64Array;
  let rows = new Numbers(0);
  let keys = new Float64Array(0);
  let [held, limit] = [0, Infinity];

  const grow = (): void => {
    const size = Math.min(2 * most, Math.max(64, 2 * keys.length));
    const [allRows, allKeys] = [new Numbers(size * width), new Float64Array(size)];
    allRows.set(rows.subarray(0, held * width));
    allKeys.set(keys.subarray(0, held));
    [rows, keys] = [allRows, allKeys];
  };
  /** Of rows of equal keys, which are equal, any. */
  const smallest = (): Int32Array => {
    const order = Int32Array.from({ length: held }, (_, index) => index);
    return order.sort((a, b) => keys[a]! - keys[b]!).subarray(0, most);
  };
  const cut = (): void => {
    const kept = smallest();
    limit = keys[kept.at(-1)!]!;
    // In the order in which they lie, so that none is written over before it was moved.
    kept.sort();
    kept.forEach((from, to) => {
      rows.copyWithin(to * width, from * width, (from + 1) * width);
      keys[to] = keys[from]!;
    });
    held = kept.length;
  };

  return {
    wants(key) {
      return key < limit;
    },
    add(key, row, start) {
      if (held === 2 * most) cut();
      if (key >= limit) return;
      if (held === keys.length) grow();
      rows.set(row.subarray(start, start + width), held * width);
      keys[held] = key;
      held += 1;
    },
    take() {
      const sorted = new Numbers(Math.min(held, most) * width);
      smallest().forEach((from, to) => sorted.set(rows.subarray(from * width, (from + 1) * width), to * width));
      [rows, keys, held] = [new Numbers(0), new Float64Array(0), 0];
      return sorted;
    },
  };
}
