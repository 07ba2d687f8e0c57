import type * as core from '@tensorflow/tfjs-core';
import type { Contestant, Results } from './contestant.ts';
import type { Inputs } from './inputs.ts';

/** The step on tfjs and the backend it runs on (WebAssembly has one thread in Node), in the closed form, Adam written out. */
export function tfjsStep(tf: typeof core, inputs: Inputs, rounds: number): Contestant {
  const { tokens: n, dimension: m, prototypes: k } = inputs.shape;
  const T = inputs.temperature;
  const z = tf.tensor2d(inputs.tokens, [n, m]);
  const a = tf.tensor2d(inputs.weights, [n, 1]);
  const start = (): core.Tensor2D[] => [tf.tensor2d(inputs.prototypes, [k, m]), tf.zeros([k, m]), tf.zeros([k, m])];
  let state = start();

  const step = (): core.Tensor => {
    const before = state;
    const [lq, ...after] = tf.tidy(() => {
      const [p, mean, square] = before as [core.Tensor2D, core.Tensor2D, core.Tensor2D];
      const bias = tf.div(tf.sum(tf.mul(p, p), 1), -T);
      // Transposes are written out: with matMul's own flags for them the step took 6 to 18 times as long.
      const logits = tf.add(tf.matMul(z, tf.transpose(tf.mul(p, 2 / T) as core.Tensor2D)), bias);
      const q = tf.softmax(logits);
      const s = tf.sum(tf.mul(q, logits), 1, true);
      const w = tf.mul(tf.mul(q, tf.add(logits, tf.sub(1, s))), a) as core.Tensor2D;
      const loss = tf.sum(tf.mul(a, tf.sub(tf.sum(tf.mul(z, z), 1, true), tf.mul(s, T))));
      const pull = tf.sub(tf.mul(tf.reshape(tf.sum(w, 0), [k, 1]), p), tf.matMul(tf.transpose(w), z));
      const gradient = tf.mul(pull, 2 / n);
      // Adam at step 1, as all contestants have it: the corrections of later steps cost the same.
      const m1 = tf.add(tf.mul(mean, 0.9), tf.mul(gradient, 0.1));
      const v1 = tf.add(tf.mul(square, 0.999), tf.mul(tf.mul(gradient, gradient), 0.001));
      const update = tf.div(tf.div(m1, 0.1), tf.add(tf.sqrt(tf.div(v1, 0.001)), 1e-8));
      return [loss, tf.sub(p, tf.mul(update, 1e-3)) as core.Tensor2D, m1 as core.Tensor2D, v1 as core.Tensor2D];
    }) as [core.Tensor, ...core.Tensor2D[]];
    tf.dispose(before);
    state = after;
    return lq;
  };

  return {
    name: `tfjs ${tf.getBackend()}`,
    work: 'step',
    rounds,
    async check(): Promise<Results> {
      tf.dispose(state);
      state = start();
      const lq = step();
      const [value] = await lq.data();
      lq.dispose();
      return { lq: value!, mean: (await state[1]!.data()) as Float32Array };
    },
    async time() {
      const began = performance.now();
      const lq = step();
      await lq.data();
      const ended = performance.now();
      lq.dispose();
      return ended - began;
    },
    dispose: () => tf.dispose([z, a, ...state]),
  };
}
