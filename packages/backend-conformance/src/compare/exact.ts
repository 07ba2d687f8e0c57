import type { ConcreteType, Kernel, PrimitiveInstruction } from '@ddcl/core/backend';
import { referenceKernels } from '../oracle/reference-kernels.ts';
import type { RefTensor } from '../oracle/tensor.ts';

/** Exact numbers (to double precision), and how far from each a backend's may lie. */
export interface Enclosure {
  readonly type: ConcreteType;
  readonly data: Float64Array;
  /** At least 0; `Infinity` where rounding alone may turn the result into any other (the place of a near tie). */
  readonly bound: Float64Array;
}

/** The type whose arithmetic is exact enough: float32 values are kept in double precision. */
function unrounded(type: ConcreteType): ConcreteType {
  return type.dtype === 'float32' ? { dtype: 'float64', shape: type.shape } : type;
}

/** Runs the reference kernel of an instruction on double precision, without rounding to float32. */
export function exactly(
  instruction: PrimitiveInstruction,
  inputs: readonly Pick<Enclosure, 'type' | 'data'>[],
): Float64Array {
  const kernel = referenceKernels[instruction.op] as Kernel<RefTensor, unknown>;
  return kernel(
    inputs.map(({ type, data }) => ({ dtype: unrounded(type).dtype, data })),
    {
      attributes: instruction.attributes,
      inputTypes: inputs.map(({ type }) => unrounded(type)),
      outputType: unrounded(instruction.outputs[0] as ConcreteType),
    },
  ).data;
}
