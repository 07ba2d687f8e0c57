import type * as core from '@tensorflow/tfjs-core';
import { loss, matmul, tensorType, trace, type Program } from '@ddcl/core';
import { asTfjsOp, tfjsBackend } from '@ddcl/backend-tfjs';
import { backendStep, forwardProgram } from '../compare/backend-contestants.ts';
import type { Inputs } from '../compare/inputs.ts';
import { tfjsStep } from '../compare/tfjs-contestant.ts';

/** Something that is timed: one call, to its end. */
export interface Timed {
  readonly name: string;
  run(): Promise<unknown>;
}

/** A group whose members compute the same; each is compared with the first. */
export interface Group {
  readonly title: string;
  readonly members: readonly Timed[];
  dispose(): void;
}

const f32 = (...shape: number[]) => tensorType('float32', shape);

/** Tokens, weights, prototypes and the temperature as tensors of tfjs. */
function tensors(tf: typeof core, { shape, tokens, weights, prototypes, temperature }: Inputs) {
  const { tokens: n, dimension: m, prototypes: k } = shape;
  return {
    z: tf.tensor2d(tokens, [n, m]),
    a: tf.tensor1d(weights),
    p: tf.tensor2d(prototypes, [k, m]),
    temperature: tf.scalar(temperature),
  };
}

/** The step of a fit: ours as `fit` runs it, the closed form by hand, and the formula by hand with the gradient that tfjs finds and its Adam. */
export async function stepGroup(tf: typeof core, inputs: Inputs): Promise<Group> {
  const backend = await tfjsBackend({ tf });
  const ours = await backendStep(backend, inputs);
  const byHand = tfjsStep(tf, inputs, Infinity);
  const { z, a, p, temperature } = tensors(tf, inputs);
  const { tokens: n, dimension: m, prototypes: k } = inputs.shape;
  const variable = tf.variable(p);
  const optimizer = tf.train.adam(1e-3);
  const formula = (): core.Scalar => {
    const cross = tf.matMul(z, variable, false, true);
    const squares = tf.reshape(tf.sum(tf.square(variable), 1), [1, k]);
    const distances = tf.add(tf.sub(tf.sum(tf.square(z), 1, true), tf.mul(cross, 2)), squares);
    const q = tf.softmax(tf.neg(tf.div(distances, temperature)));
    return tf.div(tf.sum(tf.mul(a, tf.sum(tf.mul(q, distances), 1))), n);
  };
  const op = asTfjsOp(tf, lossProgram(n, m, k));
  const ownVariable = tf.variable(p);
  const ownOptimizer = tf.train.adam(1e-3);
  const minimised = async (by: core.Optimizer, f: () => core.Scalar, over: core.Variable): Promise<void> => {
    const value = by.minimize(f, true, [over])!;
    await value.data();
    value.dispose();
  };
  return {
    title: 'Training step (L_q, its gradient, Adam)',
    members: [
      { name: 'a program of ddcl, as fit runs it', run: () => ours.time() },
      { name: 'the closed form by hand in tfjs ops', run: () => byHand.time() },
      { name: 'the formula by hand, gradient and Adam of tfjs', run: () => minimised(optimizer, formula, variable) },
      {
        name: 'L_q as an op (asTfjsOp), Adam of tfjs',
        run: () =>
          minimised(ownOptimizer, () => tf.div(op(z, a, ownVariable, temperature)[0]!, n) as core.Scalar, ownVariable),
      },
    ],
    dispose() {
      ours.dispose();
      byHand.dispose();
      backend.dispose();
      tf.dispose([z, a, p, temperature, variable, ownVariable]);
      optimizer.dispose();
      ownOptimizer.dispose();
    },
  };
}

const lossProgram = (n: number, m: number, k: number): Program =>
  trace([f32(n, m), f32(n), f32(k, m), f32()], (z, a, p, temperature) => [
    loss({ tokens: z, weights: a, prototypes: p, temperature }).lq,
  ]);

/** What an op costs beside the program that it runs. */
export async function overheadGroup(tf: typeof core, inputs: Inputs): Promise<Group> {
  const backend = await tfjsBackend({ tf });
  const program = forwardProgram(inputs.shape);
  const executable = await backend.compile(program);
  const { z, a, p, temperature } = tensors(tf, inputs);
  const all = [z, a, p, temperature];
  const buffers = all.map((tensor, index) =>
    backend.wrap!(tensor, program.parameters[index] as Parameters<NonNullable<typeof backend.wrap>>[1]),
  );
  const op = asTfjsOp(tf, program);
  const products = asTfjsOp(
    tf,
    trace([f32(...z.shape), f32(...p.shape)], (x, y) => [matmul(x, y, { transposeB: true })]),
  );
  return {
    title: 'Forward pass with L_q, L_OLS and V',
    members: [
      {
        name: 'the bare program',
        run: async () => {
          const results = await executable.run(buffers);
          await backend.download(results[1]!);
          for (const buffer of results) backend.free(buffer);
        },
      },
      {
        name: 'as an op (asTfjsOp)',
        run: async () => {
          const results = op(...all);
          await results[1]!.data();
          tf.dispose(results);
        },
      },
      {
        name: 'for scale: one product Z P^T',
        run: async () => {
          const [product] = products(z, p);
          await product!.data();
          product!.dispose();
        },
      },
    ],
    dispose() {
      for (const buffer of buffers) backend.free(buffer);
      executable.dispose();
      backend.dispose();
      tf.dispose(all);
    },
  };
}
