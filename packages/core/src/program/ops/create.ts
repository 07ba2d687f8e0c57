import { DdclError } from '../../errors/ddcl-error.ts';
import { allocate, type DType } from '../dtype.ts';
import { elementCount, tensorType, type Shape, type TensorType } from '../tensor-type.ts';
import { Tensor } from '../trace.ts';

/**
 * A tensor of numbers that are fixed when the program is made.
 * @param scope any tensor of the trace
 * @throws DdclError `argument` for a number that is not finite or that int32 cannot hold
 */
export function constant(scope: Tensor, dtype: DType, shape: readonly number[], values: ArrayLike<number>): Tensor {
  tensorType(dtype, shape, 'constant');
  const data = allocate(dtype, elementCount(shape));
  if (values.length !== data.length) {
    throw new DdclError(
      'shape',
      `constant of shape [${shape.join(', ')}] takes ${data.length} values, but got ${values.length}.`,
      { op: 'constant', shapes: [shape] },
    );
  }
  for (let index = 0; index < data.length; index++) {
    const value = values[index]!;
    data[index] = value;
    if (!Number.isFinite(data[index]) || (dtype === 'int32' && data[index] !== value)) {
      throw new DdclError(
        'argument',
        `constant of ${dtype} cannot hold ${value}: programs use finite numbers only, and int32 whole ones.`,
        { op: 'constant' },
      );
    }
  }
  return new Tensor(scope.builder, scope.builder.add('constant', [], { dtype, shape, data }));
}

/** A number as a scalar of another tensor's dtype. */
export function scalar(like: Tensor, value: number): Tensor {
  return constant(like, like.dtype, [], [value]);
}

/** 0, 1, 2, ... along `axis`, constant along the others. `scope` is any tensor of the trace. */
export function iota(scope: Tensor, dtype: DType, shape: Shape, axis = 0): Tensor {
  return new Tensor(scope.builder, scope.builder.add('iota', [], { dtype, shape, axis }));
}

/** Zeros of a type. `scope` is any tensor of the trace. */
export function zeros(scope: Tensor, type: TensorType): Tensor {
  return new Tensor(scope.builder, scope.builder.zeros(type));
}

export function zerosLike(x: Tensor): Tensor {
  return zeros(x, x.type);
}

/** To another dtype; float to int32 truncates towards zero. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : new Tensor(x.builder, x.builder.add('cast', [x.id], { dtype }));
}

/** The same values, but differentiation takes them for constants. */
export function detach(x: Tensor): Tensor {
  return new Tensor(x.builder, x.builder.add('detach', [x.id], {}));
}
