import { DdclError, formatType, type TensorType } from '@ddcl/core/backend';
import type { Tfjs, TfTensor } from './tfjs.ts';

const calls = {
  tfjsBackend: 'await tfjsBackend({ tf })',
  loadTfjs: 'await tfjsBackend({ tf })',
  ddclLayers: 'ddclLayers(tf)',
  asTfjsOp: 'asTfjsOp(tf, program)',
};

/**
 * Whether what was passed is one whole TensorFlow.js.
 *
 * @throws DdclError `argument` if it is none, or another copy than the one that owns tensors and kernels
 */
export function requireTfjs(tf: Tfjs, user: keyof typeof calls): void {
  const remedy = `Install one of its packages and pass the module: import * as tf from '@tensorflow/tfjs'; ${calls[user]}.`;
  const needed = ['tidy', 'keep', 'tensor', 'ready', 'engine', 'env', 'matMul', 'scatterND'] as const;
  const missing = needed.filter((name) => typeof tf?.[name] !== 'function');
  if (missing.length === needed.length)
    throw new DdclError(
      'argument',
      `${user} takes the module of TensorFlow.js as 'tf', but got ${shown(tf)}. ${remedy}`,
    );
  if (missing.length > 0)
    throw new DdclError('argument', `The 'tf' given to ${user} lacks ${missing.join(', ')}. ${remedy}`);
}

/**
 * All copies of tfjs-core in a process share one engine, of which the first copy makes every tensor. Through another copy tensors lack what that
 * copy adds to them (chained ops, layers), and errors follow that name neither.
 *
 * @throws DdclError `argument`
 */
export function requireOneCopy(tf: Tfjs, user: string): void {
  const probe = tf.scalar(0);
  const isOurs = Object.getPrototypeOf(probe) === tf.Tensor.prototype;
  probe.dispose();
  if (!isOurs)
    throw new DdclError(
      'argument',
      `${user}: there are two copies of @tensorflow/tfjs-core in this process, and the one given made none of its tensors: another was loaded before. Find both with npm ls @tensorflow/tfjs-core, bring them to one version, and pass the module that your model imports.`,
    );
}

function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? `'${value}'` : String(value);
  const keys = Object.keys(value);
  return keys.length === 0 ? 'an empty object' : `an object of ${keys.slice(0, 5).join(', ')}`;
}

/**
 * What stands for a value of a type, if it is a tensor of this tfjs, of its dtype, that still has its numbers.
 *
 * @throws DdclError `argument`, `disposed` or `dtype`
 */
export function requireTensor(tf: Tfjs, native: unknown, type: TensorType, user: string): TfTensor {
  if (!(native instanceof tf.Tensor))
    throw new DdclError(
      'argument',
      `${user} takes a tensor of tfjs for ${formatType(type)}, but got ${shown(native)}.`,
    );
  if (native.isDisposed)
    throw new DdclError(
      'disposed',
      `${user} got a tensor that was disposed. Keep it with tf.keep, or use it before it ends.`,
    );
  if (!tf.engine().state.tensorInfo.has(native.dataId))
    throw new DdclError(
      'argument',
      `${user} got a tensor of another tfjs than the one it was made with: its numbers are not in this engine. Pass them over with tf.tensor(await other.data(), other.shape).`,
    );
  if (native.dtype !== type.dtype)
    throw new DdclError(
      'dtype',
      `${user} takes ${formatType(type)}, but got a tensor of ${native.dtype} [${native.shape.join(', ')}], and there is no promotion. Cast it before: tensor.cast('${type.dtype}').`,
    );
  return native;
}
