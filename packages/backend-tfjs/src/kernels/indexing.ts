import type { KernelTable } from '@ddcl/core/backend';
import type { Tfjs, TfTensor } from '../tfjs.ts';

/**
 * Rows by index. tfjs checks no index on some backends and writes outside its memory on others, so that indices out of range are mapped to
 * what is there before they are used: rows read come from the ends, rows added go into a row that is cut off.
 */
export function indexingKernels(tf: Tfjs): Pick<KernelTable<TfTensor>, 'gather' | 'segmentSum'> {
  const whole = (value: number): TfTensor => tf.scalar(value, 'int32');
  return {
    gather: ([x, indices], { inputTypes: [type] }) => {
      const inside = tf.minimum(tf.maximum(indices!, whole(0)), whole(type!.shape[0]! - 1));
      return tf.gather(x!, inside as TfTensor, 0);
    },
    segmentSum: ([values, ids], { inputTypes: [type], outputType: { shape } }) => {
      const segments = shape[0]!;
      const below = tf.where(tf.less(ids!, whole(0)), whole(segments), ids!);
      const inside = tf.reshape(tf.minimum(below, whole(segments)), [type!.shape[0]!, 1]);
      const rest = shape.slice(1);
      const sums = tf.scatterND(inside, values!, [segments + 1, ...rest] as [number]);
      return tf.slice(
        sums as TfTensor,
        shape.map(() => 0),
        [...shape],
      );
    },
  };
}
