import { elementCount, sameShape, type KernelTable } from '@ddcl/core/backend';
import type { Tfjs, TfTensor } from '../tfjs.ts';
import type { Traits } from '../traits.ts';

/**
 * Matrix products as tfjs has them on every backend: two dimensions, or three with equal batches. Stretched batches are written out, but a
 * matrix for all of a batch makes one product of many rows.
 */
export function matmulKernels(tf: Tfjs, { transposesFirst }: Traits): Pick<KernelTable<TfTensor>, 'matmul'> {
  const transposed = (x: TfTensor): TfTensor => {
    const rank = x.shape.length;
    const axes = x.shape.map((_, axis) => axis);
    return tf.transpose(x, [...axes.slice(0, -2), rank - 1, rank - 2]);
  };
  const as = (x: TfTensor, shape: readonly number[]): TfTensor =>
    sameShape(x.shape, shape) ? x : tf.reshape(x, [...shape]);
  return {
    matmul: ([a, b], { attributes: { transposeA, transposeB }, outputType }) => {
      const [left, flagA] = transposeA && transposesFirst ? [transposed(a!), false] : [a!, transposeA];
      const [right, flagB] = transposeB && transposesFirst ? [transposed(b!), false] : [b!, transposeB];
      const { shape } = outputType;
      const batch = shape.slice(0, -2);
      const matrix = (x: TfTensor): [number, number] => x.shape.slice(-2) as [number, number];
      const count = elementCount(batch);
      if (count === 1 || (elementCount(right.shape.slice(0, -2)) === 1 && !flagA)) {
        const [rows, columns] = matrix(left);
        // With one matrix on the right, the rows of all matrices on the left are rows of one: left holds the whole batch then.
        const product = tf.matMul(as(left, [count * rows, columns]), as(right, matrix(right)), flagA, flagB);
        return as(product, shape);
      }
      const whole = (x: TfTensor): TfTensor => {
        const full = [...batch, ...matrix(x)];
        return as(sameShape(x.shape, full) ? x : tf.broadcastTo(x, full), [count, ...matrix(x)]);
      };
      return as(tf.matMul(whole(left), whole(right), flagA, flagB), shape);
    },
  };
}
