import { DdclError } from '@ddcl/core/backend';
import type { Tfjs } from './tfjs.ts';

const remedy =
  "Install one of its packages and pass the module: import * as tf from '@tensorflow/tfjs'; await tfjsBackend({ tf }).";

/**
 * Whether what was passed is one whole TensorFlow.js.
 *
 * @throws DdclError `argument` if it is none, or another copy than the one that owns tensors and kernels
 */
export function requireTfjs(tf: Tfjs, user: string): void {
  const needed = ['tidy', 'keep', 'tensor', 'ready', 'engine', 'env', 'matMul', 'scatterND'] as const;
  const missing = needed.filter((name) => typeof tf?.[name] !== 'function');
  if (missing.length === needed.length)
    throw new DdclError(
      'argument',
      `${user} takes the module of TensorFlow.js as 'tf', but got ${String(tf)}. ${remedy}`,
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
