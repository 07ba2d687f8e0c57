import type { FloatArray } from './float-array.ts';

/** The cells of a column as they pass from thread to thread: numbers in buffers, which are handed over and not copied. */
export type PackedColumn =
  | { readonly kind: 'numbers'; readonly numbers: FloatArray }
  /** A list a row: row `r` has the numbers from `starts[r]` to before `starts[r + 1]`. */
  | { readonly kind: 'lists'; readonly numbers: FloatArray; readonly starts: Uint32Array }
  | { readonly kind: 'values'; readonly values: ArrayLike<unknown> };

/**
 * Numbers, and lists of numbers, in typed arrays: half the memory of a list or less. Other cells stay as they are.
 *
 * @param single whether the file holds float32
 */
export function packColumn(values: ArrayLike<unknown>, single: boolean): PackedColumn {
  const create = (length: number): FloatArray => (single ? new Float32Array(length) : new Float64Array(length));
  if (values instanceof Float32Array || values instanceof Float64Array) return { kind: 'numbers', numbers: values };
  if (!Array.isArray(values)) return { kind: 'values', values };
  if (values.every(isNumber)) {
    const numbers = create(values.length);
    numbers.set(values);
    return { kind: 'numbers', numbers };
  }
  if (!values.every(isNumberList)) return { kind: 'values', values };
  const starts = new Uint32Array(values.length + 1);
  for (let row = 0; row < values.length; row++) starts[row + 1] = starts[row]! + values[row]!.length;
  const numbers = create(starts.at(-1)!);
  for (let row = 0; row < values.length; row++) numbers.set(values[row]!, starts[row]!);
  return { kind: 'lists', numbers, starts };
}

/** What each row of a column holds. */
export function cellsOf(column: PackedColumn): (row: number) => unknown {
  if (column.kind === 'values') return (row) => column.values[row];
  const { numbers } = column;
  if (column.kind === 'numbers') return (row) => numbers[row];
  const { starts } = column;
  return (row) => numbers.subarray(starts[row], starts[row + 1]);
}

/** The buffers of a column that can be handed over. */
export function buffersOf(column: PackedColumn): ArrayBuffer[] {
  if (column.kind === 'values') return [];
  return [column.numbers.buffer, ...(column.kind === 'lists' ? [column.starts.buffer] : [])] as ArrayBuffer[];
}

const isNumber = (value: unknown): value is number => typeof value === 'number';

const isNumberList = (value: unknown): value is number[] | FloatArray =>
  value instanceof Float32Array || value instanceof Float64Array || (Array.isArray(value) && value.every(isNumber));
