import {
  add,
  createRandom,
  div,
  f64,
  grad,
  loss,
  matmul,
  mul,
  scalar,
  sgd,
  sub,
  sum,
  trace,
  updateGroups,
  type Tensor,
} from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { cpuBackend } from '../../src/index.ts';

const [n, inputs, dimension, count] = [60, 4, 2, 3];

/** A linear encoder z = x W that learns to predict t, and prototypes of its outputs: one program for a step of both. */
const step = trace(
  [f64(n, inputs), f64(n, dimension), f64(n), f64(inputs, dimension), f64(count, dimension), f64(), f64(), f64()],
  (x, t, a, encoder, prototypes, temperature, encoderRate, prototypeRate) => {
    const tokens = matmul(x, encoder);
    const error = sub(tokens, t);
    const task = div(sum(mul(error, error)), n);
    const { lq } = loss({ tokens, weights: a, prototypes, temperature });
    const mean = div(lq, n);
    const [encoderGradient] = grad(add(task, mul(mean, 0.1)), [encoder]);
    const [prototypeGradient] = grad(mean, [prototypes]);
    const number = scalar(temperature, 1);
    const group = (parameter: Tensor, gradient: Tensor, learningRate: Tensor) => ({
      parameters: [parameter],
      gradients: [gradient],
      state: [[]],
      controls: { learningRate, step: number },
    });
    const [slow, fast] = updateGroups(sgd(), [
      group(encoder, encoderGradient!, encoderRate),
      group(prototypes, prototypeGradient!, prototypeRate),
    ]);
    return [slow![0]!.parameter, fast![0]!.parameter, task, sum(mul(prototypeGradient!, prototypeGradient!))];
  },
);

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

async function train(from: typeof start, encoderRate: number, prototypeRate: number, steps: number) {
  const backend = cpuBackend();
  const executable = await backend.compile(step);
  let [encoder, prototypes] = [from.encoder, from.prototypes];
  let [task, distance] = [NaN, NaN];
  const scalars = [1, encoderRate, prototypeRate].map((number) => Float64Array.of(number));
  for (let made = 0; made < steps; made++) {
    const data = [x, targets, new Float64Array(n).fill(1), encoder, prototypes, ...scalars];
    const buffers = data.map((numbers, index) =>
      backend.upload({ dtype: 'float64', shape: step.parameters[index]!.shape as number[] }, numbers),
    );
    const results = await executable.run(buffers);
    const [w, p, value, square] = (await Promise.all(
      results.map((result) => backend.download(result)),
    )) as Float64Array[];
    [encoder, prototypes, task, distance] = [w!, p!, value![0]!, Math.sqrt(square![0]!)];
    for (const buffer of [...buffers, ...results]) backend.free(buffer);
  }
  return { encoder, prototypes, task, distance };
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
