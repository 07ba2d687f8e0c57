import { elementCount, type ConcreteType, type DType, type TypedArray } from '@ddcl/core/backend';
import type { Tensor } from 'onnxruntime-common';
import { isNodeRuntime, type OrtRuntime } from '../runtime.ts';
import { ArrayPool } from './array-pool.ts';

/** A tensor of the runtime behind one buffer. A run that uses it keeps it alive although its buffer was freed. */
export interface NativeTensor {
  readonly tensor: Tensor;
  /** Whether its array goes back to the pool; not if a user has seen the tensor, or the runtime owns its memory. */
  pooled: boolean;
  /** Runs that use it at this moment. */
  uses: number;
  ended: boolean;
  /** Whether a user lent it to us (`wrap`): then it is never destroyed. */
  readonly borrowed: boolean;
}

/** Makes tensors of the runtime and ends them. */
export class Tensors {
  readonly #runtime: OrtRuntime;
  readonly #pool = new ArrayPool();
  /** Whether the runtime writes results into arrays that it is given. */
  readonly writesInto: boolean;

  constructor(runtime: OrtRuntime) {
    this.#runtime = runtime;
    this.writesInto = isNodeRuntime(runtime);
  }

  /** A tensor of any content, for a result to be written into. */
  make(type: ConcreteType): NativeTensor {
    const data = this.#pool.take(type.dtype, elementCount(type.shape));
    return this.#native(this.#tensor(type.dtype, data, type.shape), true);
  }

  /** A tensor with a copy of `data`. */
  copyOf(type: ConcreteType, data: TypedArray): NativeTensor {
    const copy = this.#pool.take(type.dtype, data.length);
    copy.set(data);
    return this.#native(this.#tensor(type.dtype, copy, type.shape), true);
  }

  /** A result that the runtime made. */
  adopt(tensor: Tensor): NativeTensor {
    return this.#native(tensor, false);
  }

  /** A user's tensor, which stays the user's. */
  borrow(tensor: Tensor): NativeTensor {
    const readable =
      this.writesInto && tensor.location === 'cpu' && isFloat16Array(tensor.data)
        ? this.#tensor('float16', elementsOf(tensor.data), tensor.dims)
        : tensor;
    return { ...this.#native(readable, false), borrowed: true };
  }

  /** A tensor over part of another's float32 elements. */
  pieceOf(whole: Tensor, { start, shape }: { readonly start: number; readonly shape: readonly number[] }): Tensor {
    const elements = whole.data as Float32Array;
    return new this.#runtime.Tensor('float32', elements.subarray(start, start + elementCount(shape)), shape);
  }

  hold(native: NativeTensor): void {
    native.uses++;
  }

  /** A run has ended. */
  drop(native: NativeTensor): void {
    native.uses--;
    this.#finish(native);
  }

  /** The buffer has ended. */
  end(native: NativeTensor): void {
    native.ended = true;
    this.#finish(native);
  }

  clear(): void {
    this.#pool.clear();
  }

  #finish({ tensor, pooled, uses, ended, borrowed }: NativeTensor): void {
    if (!ended || uses > 0 || borrowed) return;
    if (pooled) this.#pool.give(tensor.type as DType, elementsOf(tensor.data));
    else if (tensor.location !== 'cpu') tensor.dispose();
  }

  #native(tensor: Tensor, pooled: boolean): NativeTensor {
    return { tensor, pooled, uses: 0, ended: false, borrowed: false };
  }

  #tensor(dtype: DType, data: TypedArray, shape: readonly number[]): Tensor {
    if (dtype === 'int32') return new this.#runtime.Tensor('int32', data as Int32Array, shape);
    if (dtype === 'float16') return this.#halfTensor(data as Uint16Array, shape);
    return new this.#runtime.Tensor('float32', data as Float32Array, shape);
  }

  /**
   * Where the engine has a `Float16Array` (Node 24), onnxruntime-common puts one in the place of the bits, which onnxruntime-node 1.30
   * does not take. It takes bits that call themselves float16.
   */
  #halfTensor(bits: Uint16Array, shape: readonly number[]): Tensor {
    if (!this.writesInto) return new this.#runtime.Tensor('float16', bits, shape);
    const tensor = new this.#runtime.Tensor('uint16', bits, shape);
    return Object.defineProperty(tensor, 'type', { value: 'float16' }) as unknown as Tensor;
  }
}

function isFloat16Array(data: Tensor['data']): boolean {
  return Object.prototype.toString.call(data) === '[object Float16Array]';
}

/** A tensor's elements as programs know them: of float16 the bits, also where the runtime has a `Float16Array` of them. */
export function elementsOf(data: Tensor['data']): TypedArray {
  if (!isFloat16Array(data)) return data as TypedArray;
  const { buffer, byteOffset, length } = data as unknown as Uint16Array<ArrayBuffer>;
  return new Uint16Array(buffer, byteOffset, length);
}
