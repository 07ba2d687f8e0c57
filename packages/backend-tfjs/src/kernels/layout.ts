import { allocate, elementCount, type KernelTable } from '@ddcl/core/backend';
import type { Tfjs, TfTensor } from '../tfjs.ts';
import type { Traits } from '../traits.ts';

type Names = 'reshape' | 'transpose' | 'broadcastTo' | 'slice' | 'concat' | 'constant' | 'iota' | 'cast' | 'detach';

/** Ops that move elements, or make them from nothing. None returns its operand: every tensor that comes out is a handle of its own. */
export function layoutKernels(tf: Tfjs, { castRelabels }: Traits): Pick<KernelTable<TfTensor>, Names> {
  return {
    reshape: ([x], { outputType }) => tf.reshape(x!, [...outputType.shape]),
    detach: ([x]) => tf.clone(x!),
    transpose: ([x], { attributes: { permutation } }) => tf.transpose(x!, [...permutation]),
    broadcastTo: ([x], { outputType }) => tf.broadcastTo(x!, [...outputType.shape]),
    slice: ([x], { attributes: { starts }, outputType }) =>
      // A scalar is its own only slice, which tfjs refuses to take.
      starts.length === 0 ? tf.clone(x!) : tf.slice(x!, [...starts], [...outputType.shape]),
    concat: (inputs, { attributes: { axis } }) =>
      inputs.length === 1 ? tf.clone(inputs[0]!) : tf.concat([...inputs], axis),
    constant: (_, { attributes: { data }, outputType }) =>
      tf.tensor(data.slice() as Float32Array | Int32Array, [...outputType.shape], outputType.dtype as 'float32'),
    iota: (_, { attributes: { axis }, outputType: { dtype, shape } }) => {
      const size = shape[axis]!;
      const line = tf.tensor(
        allocate(dtype, size).map((_, index) => index) as Float32Array | Int32Array,
        shape.map((_, at) => (at === axis ? size : 1)),
        dtype as 'float32',
      );
      return elementCount(shape) === size ? line : tf.broadcastTo(line, [...shape]);
    },
    cast: ([x], { inputTypes: [from], outputType: { dtype } }) => {
      const made = tf.cast(x!, dtype as 'float32');
      return castRelabels && dtype === 'float32' && from!.dtype === 'int32' ? tf.mul(made, tf.scalar(1)) : made;
    },
  };
}
