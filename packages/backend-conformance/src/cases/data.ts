import {
  toFloat16,
  allocate,
  elementCount,
  isConcrete,
  tensorType,
  type ConcreteType,
  type DType,
  type TensorType,
} from '@ddcl/core/backend';
import type { Value } from '../oracle/tensor.ts';

/** Sizes around 64, where vector lanes, tiles and workgroups end, with nothing and 1. */
export const testSizes: readonly number[] = [0, 1, 3, 63, 64, 65, 257];

/** mulberry32: numbers in [0, 1), fixed by the seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function concrete(type: TensorType): ConcreteType {
  if (!isConcrete(type)) throw new Error('a value needs a concrete type');
  return type;
}

/** Given elements of a type, rounded to its dtype. */
export function value(type: TensorType, elements: ArrayLike<number>): Value {
  if (type.dtype === 'float16') return { type: concrete(type), data: toFloat16(Float64Array.from(elements)) };
  const data = allocate(type.dtype, elements.length);
  data.set(elements);
  return { type: concrete(type), data };
}

/** Random elements of a type between two bounds; whole numbers for int32. */
export function randomValue(type: TensorType, seed: number, low = -2, high = 2): Value {
  const random = randomNumbers(seed);
  const draw = (): number =>
    type.dtype === 'int32' ? Math.floor(low + (high - low + 1) * random()) : low + (high - low) * random();
  return value(type, Array.from({ length: elementCount(concrete(type).shape) }, draw));
}

/** Whole numbers in 0..bound-1 in no order. */
export function scattered(length: number, bound: number): number[] {
  return Array.from({ length }, (_, index) => (index * 7 + 3) % bound);
}

/** A seed for each id, so that a case keeps its data when others are added (FNV-1a). */
export function seedOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index++) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** `f(2, 3)` is the type of that shape; sizes may be symbols. */
export type TypeOf = (...shape: (number | string)[]) => TensorType;

export function typeMaker(dtype: DType): TypeOf {
  return (...shape) => tensorType(dtype, shape);
}
