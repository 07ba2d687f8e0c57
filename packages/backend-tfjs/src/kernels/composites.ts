import type { CompositeKernel } from '@ddcl/core/backend';
import type { Tfjs, TfTensor } from '../tfjs.ts';
import type { Traits } from '../traits.ts';

/** Those that {@link tfjsComposites} has. */
export const compositeNames = ['softmax/1', 'ddcl.lossAndGradient/2'] as const;

/** Composites that take fewer passes than their decomposition, by name and version. */
export function tfjsComposites(
  tf: Tfjs,
  { dotsByProducts }: Pick<Traits, 'dotsByProducts'>,
): Readonly<Record<(typeof compositeNames)[number], CompositeKernel<TfTensor>>> {
  /** `sum_j x_nj y_nj`, [n, 1]. */
  const rowDots = (x: TfTensor, y: TfTensor): TfTensor => {
    if (!dotsByProducts) return tf.sum(tf.mul(x, y), 1, true);
    const [n, m] = x.shape as [number, number];
    return tf.reshape(tf.matMul(tf.reshape(x, [n, 1, m]), tf.reshape(y, [n, m, 1])), [n, 1]);
  };
  return {
    'softmax/1': ([x], { attributes: { axis } }) => {
      const rank = x!.shape.length;
      const last = rank - 1;
      if (axis === last) return [tf.softmax(x!)];
      // Exchanging two axes is its own inverse.
      const exchange = x!.shape.map((_, at) => (at === axis ? last : at === last ? (axis as number) : at));
      return [tf.transpose(tf.softmax(tf.transpose(x!, exchange)), exchange)];
    },
    /**
     * With logits s_nk = (2 z_n.p_k - |p_k|^2) / T and their mean s_n under q: l_n = |z_n|^2 - T s_n and w_nk = q_nk (1 + s_nk - s_n), so that distances are
     * never made (docs/math.md section 3): one product fewer, and one transposition serves both sums over tokens.
     */
    'ddcl.lossAndGradient/2': ([z, a, p, temperature], { needed }) => {
      const [n, k] = [z!.shape[0]!, p!.shape[0]!];
      const weights = tf.reshape(a!, [n, 1]);
      const bias = tf.reshape(tf.div(rowDots(p!, p!), temperature!), [1, k]);
      const keys = tf.transpose(tf.mul(p!, tf.div(2, temperature!)));
      const logits = tf.sub(tf.matMul(z!, keys), bias);
      const q = tf.softmax(logits);
      const mean = rowDots(q, logits);
      const lq = (): TfTensor => tf.sum(tf.mul(weights, tf.sub(rowDots(z!, z!), tf.mul(mean, temperature!))));
      if (needed[1] !== true && needed[2] !== true) return [lq(), undefined, undefined];
      const pull = tf.transpose(tf.mul(tf.mul(q, tf.add(logits, tf.sub(1, mean))), weights));
      const mass = tf.sum(pull, 1);
      const gradient = tf.sub(tf.mul(tf.reshape(mass, [k, 1]), p!), tf.matMul(pull, z!));
      return [needed[0] === true ? lq() : undefined, tf.mul(gradient, 2), mass];
    },
  };
}
