import { add, createRandom, f64, grad, loss, matmul, mul, scalar, sgd, square, sub, sum } from '@ddcl/core';
import { createTrainer } from '@ddcl/core/train';
import { describe, expect, it } from 'vitest';
import { cpuBackend } from '../../src/index.ts';

const [n, inputs, dimension, count] = [60, 4, 2, 3];

const random = createRandom(4);
const normals = (length: number): Float64Array => Float64Array.from({ length }, () => random.normal());
const x = normals(n * inputs);
const start = { encoder: normals(inputs * dimension), prototypes: normals(count * dimension) };
/** What another encoder makes of x. */
const truth = normals(inputs * dimension);
const targets = Float64Array.from({ length: n * dimension }, (_, index) => {
  const [row, axis] = [Math.floor(index / dimension), index % dimension];
  return Array.from({ length: inputs }, (_unused, i) => x[row * inputs + i]! * truth[i * dimension + axis]!).reduce(
    (p, q) => p + q,
  );
});

/** A linear encoder z = x W that learns to predict t, and prototypes of its outputs, each at its own rate. */
async function train(from: typeof start, encoderRate: number, prototypeRate: number, steps: number) {
  const trainer = await createTrainer(cpuBackend(), {
    parameters: {
      encoder: { shape: [inputs, dimension], data: from.encoder },
      prototypes: { shape: [count, dimension], data: from.prototypes },
    },
    inputs: { x: f64('n', inputs), t: f64('n', dimension), a: f64('n') },
    groups: [
      { match: 'encoder', optimizer: sgd(), learningRate: encoderRate },
      { match: 'prototypes', optimizer: sgd(), learningRate: prototypeRate },
    ],
    dtype: 'float64',
    loss: ({ encoder, prototypes }, { x: rows, t, a }) => {
      const tokens = matmul(rows, encoder);
      const task = sum(square(sub(tokens, t)));
      const temperature = scalar(tokens, 1);
      const { lq } = loss({ tokens, weights: a, prototypes, temperature });
      // The encoder sees a tenth of L_q, the prototypes all of it.
      const [own] = grad(lq, [prototypes]);
      return {
        loss: add(task, mul(lq, 0.1)),
        task,
        distance: sum(square(own!)),
        weight: sum(a),
        gradients: { prototypes: own! },
      };
    },
  });
  const batch = { x, t: targets, a: new Float64Array(n).fill(1) };
  for (let made = 0; made < steps; made++) await trainer.step(batch);
  const { task, distance } = await trainer.report();
  const { encoder, prototypes } = (await trainer.read()) as typeof start;
  trainer.dispose();
  // Squares of a sum over n tokens, of which the report takes a mean.
  return { encoder, prototypes, task, distance: Math.sqrt(distance / n) };
}

describe('an encoder and prototypes, each at its own rate', () => {
  it('a rate of 0 leaves its group as it is, to the bit', async () => {
    const frozen = await train(start, 0, 0.2, 50);
    expect(frozen.encoder).toEqual(start.encoder);
    expect(frozen.prototypes).not.toEqual(start.prototypes);
    const fixed = await train(start, 0.05, 0, 50);
    expect(fixed.prototypes).toEqual(start.prototypes);
    expect(fixed.encoder).not.toEqual(start.encoder);
  });

  it('both learn', async () => {
    const [before, after] = [await train(start, 0.02, 0.2, 1), await train(start, 0.02, 0.2, 400)];
    expect(after.task).toBeLessThan(0.1 * before.task);
    expect(after.distance).toBeLessThan(0.1 * before.distance);
  });

  it('prototypes keep to their slow manifold, at a distance proportional to the ratio of the rates', async () => {
    // On the manifold of the first encoder; then the encoder goes the same way in steps of different size (docs/math.md section 4).
    const settled = await train(start, 0, 0.2, 1000);
    expect(settled.distance).toBeLessThan(1e-8);
    const behind = await Promise.all(
      [0.004, 0.002, 0.001].map(
        async (epsilon) => (await train(settled, 0.2 * epsilon, 0.2, Math.round(2 / epsilon))).distance,
      ),
    );
    // Twice as slow, half as far, but for terms of the order epsilon.
    for (const ratio of [behind[0]! / behind[1]!, behind[1]! / behind[2]!])
      expect(Math.abs(ratio - 2)).toBeLessThan(0.2);
    expect(behind[2]).toBeGreaterThan(1e-6);
  });
});
