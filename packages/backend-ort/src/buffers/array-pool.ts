import { allocate, bytesPerElement, type DType, type TypedArray } from '@ddcl/core/backend';

/** Most bytes that wait for their next use. */
const mostBytes = 2 ** 28;

/**
 * Host arrays for the next tensor of the same size. A training loop makes the same few tensors at every step; taking
 * the arrays of the last step saves the allocation, its page faults and the garbage.
 */
export class ArrayPool {
  readonly #free = new Map<string, TypedArray[]>();
  #bytes = 0;

  /** An array of any content. */
  take(dtype: DType, length: number): TypedArray {
    const array = this.#free.get(`${dtype} ${length}`)?.pop();
    if (array === undefined) return allocate(dtype, length);
    this.#bytes -= length * bytesPerElement(dtype);
    return array;
  }

  /** Gives an array back that nobody else holds. */
  give(dtype: DType, array: TypedArray): void {
    if (this.#bytes + array.byteLength > mostBytes) return;
    const key = `${dtype} ${array.length}`;
    const waiting = this.#free.get(key);
    if (waiting === undefined) this.#free.set(key, [array]);
    else waiting.push(array);
    this.#bytes += array.byteLength;
  }

  clear(): void {
    this.#free.clear();
    this.#bytes = 0;
  }
}
