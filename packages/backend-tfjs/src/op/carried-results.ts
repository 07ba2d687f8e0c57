import type { Tfjs, TfTensor } from '../tfjs.ts';

/** Several results of one computation, differentiable together. */
export interface Computation {
  /** Tensors whose gradients there are. */
  readonly inputs: readonly TfTensor[];
  /** Results that have any, by number. */
  readonly outputs: readonly number[];
  /** All results, and what the way back needs. */
  readonly run: () => { readonly results: readonly TfTensor[]; readonly save: TfTensor[] };
  /** Cotangents of the inputs, of what was saved and the cotangents of the outputs; undefined for results that nothing depends on. */
  readonly pullBack: (saved: readonly TfTensor[], cotangents: readonly (TfTensor | undefined)[]) => TfTensor[];
}

/**
 * tfjs gives a custom gradient to one tensor. Here that is a carrier, a scalar of which all results are made to depend: on the way back each leaves its
 * cotangent, and the carrier, which comes after all of them, makes one pass.
 */
export function carriedResults(tf: Tfjs, { inputs, outputs, run, pullBack }: Computation): TfTensor[] {
  let results: (TfTensor | undefined)[] = [];
  let cotangents: (TfTensor | undefined)[] = outputs.map(() => undefined);
  const take = (index: number): TfTensor => {
    const kept = results[index]!;
    const taken = tf.clone(kept);
    kept.dispose();
    results[index] = undefined;
    return taken;
  };
  try {
    const carrier = tf.customGrad((...args: unknown[]) => {
      const save = args.at(-1) as (tensors: TfTensor[]) => void;
      const made = run();
      results = made.results.map((tensor) => tf.keep(tensor));
      save(made.save);
      return {
        value: tf.scalar(0),
        gradFunc: (_dy: TfTensor, saved: TfTensor[]) => {
          const flowing = cotangents;
          // A tape may be walked again, for derivatives of a higher order.
          cotangents = outputs.map(() => undefined);
          return pullBack(saved, flowing);
        },
      };
    })(...inputs);
    return results.map((_, index) => {
      const place = outputs.indexOf(index);
      if (place < 0) return take(index);
      return tf.customGrad(() => ({
        value: take(index),
        gradFunc: (dy: TfTensor) => {
          cotangents[place] = dy;
          return tf.scalar(0);
        },
      }))(carrier);
    });
  } finally {
    // What an error left.
    results.forEach((tensor) => tensor?.dispose());
  }
}
