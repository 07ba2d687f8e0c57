import { DdclError } from '../../errors/ddcl-error.ts';
import { sameShape, type Shape } from '../tensor-type.ts';
import { requireTraced, Tensor } from '../trace.ts';

export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  return new Tensor(x.builder, x.builder.add('reshape', [x.id], { shape: [...shape] }));
}

/** Axis i of the result is axis `permutation[i]`; by default the order is reversed. */
export function transpose(x: Tensor, permutation?: readonly number[]): Tensor {
  const axes = permutation ?? x.shape.map((_, axis) => x.shape.length - 1 - axis);
  return new Tensor(x.builder, x.builder.add('transpose', [x.id], { permutation: [...axes] }));
}

export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  return new Tensor(x.builder, x.builder.add('broadcastTo', [x.id], { shape: [...shape] }));
}

/** `sizes[i]` elements from `starts[i]` on, for every axis. */
export function slice(x: Tensor, starts: readonly number[], sizes: Shape): Tensor {
  if (sameShape(x.shape, sizes) && starts.every((start) => start === 0)) return x;
  return new Tensor(x.builder, x.builder.add('slice', [x.id], { starts: [...starts], sizes: [...sizes] }));
}

export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const first = tensors[0];
  if (first === undefined)
    throw new DdclError('argument', 'concat takes at least one tensor, but got none.', { op: 'concat' });
  const ids = tensors.map((tensor) => requireTraced(first.builder, tensor).id);
  return tensors.length === 1 ? first : new Tensor(first.builder, first.builder.add('concat', ids, { axis }));
}
