import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom, i32, tensorType, trace, valueAndGrad, type Program } from '@ddcl/core';
import { expandComposites, elementCount, type ConcreteType, type TypedArray, valueTypes } from '@ddcl/core/backend';
import type { DdclModel } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { attentionPart } from '../../src/head/attention-part.ts';
import { readoutPart } from '../../src/head/readout-part.ts';
import type { HeadOutput } from '../../src/head/readout-features.ts';
import { headNames, supervisedLoss } from '../../src/head/supervised-loss.ts';
import type { SupervisedPart } from '../../src/head/supervised-part.ts';
import { referenceReadout } from '../encode/reference.ts';

const backend = cpuBackend();
const rows = 4;
const length = 6;
const classes = 3;
const K = 3;
const m = 4;
const lengths = [6, 3, 0, 4];
const labels = [2, 0, 1, -1];

async function run(program: Program, inputs: readonly TypedArray[]): Promise<Float64Array[]> {
  const executable = await backend.compile(program);
  const buffers = inputs.map((data, index) => backend.upload(program.parameters[index] as ConcreteType, data));
  const results = await executable.run(buffers);
  const values = await Promise.all(results.map(async (result) => (await backend.download(result)) as Float64Array));
  for (const buffer of [...buffers, ...results]) backend.free(buffer);
  executable.dispose();
  return values;
}

const model: DdclModel = {
  count: K,
  dimension: m,
  dtype: 'float64',
  prototypes: Float64Array.from(
    { length: K * m },
    (
      (random) => () =>
        0.3 + random.normal()
    )(createRandom(5)),
  ),
  temperature: 1.7,
  criticalTemperature: 5,
  offset: Float64Array.of(0.1, 0.2, 0.3, 0.4),
  scale: 1.3,
  totalVariance: 6,
};

/** (tokens, weights, labels, head weights, head bias, ...the part's parameters) to the loss. */
function lossProgram(
  part: SupervisedPart,
  sizes: { readonly rows: number; readonly length: number } = { rows, length },
): Program {
  const of = (...shape: number[]) => tensorType(part.dtype, shape);
  const head = [of(classes, part.slope.length), of(classes)];
  return trace(
    [
      of(sizes.rows, sizes.length, m),
      of(sizes.rows, sizes.length),
      i32(sizes.rows),
      ...head,
      ...part.parameters.map(({ shape }) => of(...shape)),
    ],
    (tokens, weights, own, ...others) => {
      const names = [headNames.weights, headNames.bias, ...part.parameters.map(({ name }) => name)];
      const named = Object.fromEntries(names.map((name, index) => [name, others[index]!]));
      return [supervisedLoss(part, named, { tokens: tokens!, weights: weights!, labels: own! }).loss];
    },
  );
}

interface Batch {
  readonly tokens: Float64Array;
  readonly weights: Float64Array;
  readonly head: Float64Array;
  readonly bias: Float64Array;
}

/** Tokens in the frame; those that do not count are zeros unless `filled`. */
function batchOf(part: SupervisedPart, filled = 0): Batch {
  const random = createRandom(3);
  const tokens = new Float64Array(rows * length * m).fill(filled);
  const weights = new Float64Array(rows * length);
  lengths.forEach((count, row) => {
    for (let n = 0; n < count; n++) {
      weights[row * length + n] = 0.5 + random.uniform();
      for (let axis = 0; axis < m; axis++) tokens[(row * length + n) * m + axis] = random.normal();
    }
  });
  const width = part.slope.length;
  return {
    tokens,
    weights,
    head: Float64Array.from({ length: classes * width }, () => random.normal()),
    bias: Float64Array.from({ length: classes }, () => random.normal()),
  };
}

const inputsOf = (part: SupervisedPart, { tokens, weights, head, bias }: Batch): TypedArray[] => [
  tokens,
  weights,
  Int32Array.from(labels),
  head,
  bias,
  ...part.parameters.map(({ values }) => values),
];

const readout = (features: readonly HeadOutput[], lambda = 0.7): SupervisedPart =>
  readoutPart(model, features, { trainPrototypes: true, lambda });

function attention(heads: number, hidden: number): SupervisedPart {
  const random = createRandom(8);
  const normals = (count: number): Float64Array => Float64Array.from({ length: count }, () => 2 * random.normal());
  const { offset, scale } = model;
  return attentionPart({
    dimension: m,
    heads,
    hidden,
    dtype: 'float64',
    frame: { offset, scale },
    queries: normals(heads * (hidden === 0 ? m : hidden)),
    projection: normals(hidden * m),
    hiddenBias: normals(hidden),
  });
}

const parts: [string, SupervisedPart][] = [
  ['residuals', readout(['residuals'])],
  ['occupancy', readout(['occupancy'])],
  ['pooled', readout(['pooled'])],
  ['mean+residuals, no L_q', readout(['mean', 'residuals'], 0)],
  ['all', readout(['mean', 'pooled', 'occupancy', 'residuals'])],
  ['attention', attention(1, 0)],
  ['attention of 2 heads and a hidden layer', attention(2, 5)],
];

describe.each(parts)('the loss of %s', (_, part) => {
  const program = lossProgram(part);

  it('has the gradient that finite differences give', async () => {
    const inputs = inputsOf(part, batchOf(part));
    const wrt = inputs.flatMap((_values, index) => (index === 0 || index >= 3 ? [index] : []));
    const [, ...gradients] = await run(valueAndGrad(program, { wrt }), inputs);
    const executable = await backend.compile(program);
    const lossAt = async (): Promise<number> => {
      const buffers = inputs.map((data, index) => backend.upload(program.parameters[index] as ConcreteType, data));
      const [result] = await executable.run(buffers);
      return ((await backend.download(result!)) as Float64Array)[0]!;
    };
    for (const [index, position] of wrt.entries()) {
      const values = inputs[position] as Float64Array;
      // Every fourth token component is enough.
      for (let at = 0; at < values.length; at += position === 0 ? 4 : 1) {
        const start = values[at]!;
        const step = 1e-5;
        values[at] = start + step;
        const above = await lossAt();
        values[at] = start - step;
        const below = await lossAt();
        values[at] = start;
        expect(Math.abs(gradients[index]![at]! - (above - below) / (2 * step)), `${position} ${at}`).toBeLessThan(1e-6);
      }
    }
  });

  it('does not see padding', async () => {
    const zeros = await run(valueAndGrad(program, { wrt: [3, 4, 5] }), inputsOf(part, batchOf(part)));
    const filled = await run(valueAndGrad(program, { wrt: [3, 4, 5] }), inputsOf(part, batchOf(part, 37)));
    zeros.forEach((values, index) => values.forEach((value, at) => expect(filled[index]![at]).toBeCloseTo(value, 12)));
  });
});

/** Cross entropy + lambda * L_q / variance of the tokens' units, by the definitions. */
function referenceLoss(part: SupervisedPart, batch: Batch, features: readonly HeadOutput[], lambda: number): number {
  let crossEntropy = 0;
  let lq = 0;
  let weight = 0;
  lengths.forEach((count, row) => {
    const own = Array.from({ length: count }, (_, n) => row * length + n);
    const tokens = own.map((n) =>
      Array.from(batch.tokens.subarray(n * m, (n + 1) * m), (x, axis) => x * model.scale + model.offset[axis]!),
    );
    const weights = own.map((n) => batch.weights[n]!);
    const total = weights.reduce((a, b) => a + b, 0);
    weight += total;
    let values: Record<HeadOutput, number[]>;
    if (count === 0) {
      values = {
        mean: [...model.offset],
        pooled: [...model.offset],
        occupancy: [0, 0, 0],
        residuals: Array(K * m).fill(0),
      };
    } else {
      const { vlad, occupancy, assignments } = referenceReadout(model, { tokens, weights });
      const p = Array.from({ length: K }, (_, k) => [...model.prototypes.subarray(k * m, (k + 1) * m)]);
      values = {
        mean: Array.from({ length: m }, (_, axis) =>
          tokens.reduce((sum, z, n) => sum + (weights[n]! * z[axis]!) / total, 0),
        ),
        pooled: Array.from({ length: m }, (_, axis) =>
          p.reduce((sum, each, k) => sum + occupancy[k]! * each[axis]!, 0),
        ),
        occupancy,
        residuals: vlad.flat(),
      };
      tokens.forEach((z, n) =>
        p.forEach((each, k) => {
          lq += weights[n]! * assignments[n]![k]! * each.reduce((sum, x, axis) => sum + (z[axis]! - x) ** 2, 0);
        }),
      );
    }
    if (labels[row]! < 0) return;
    const { slope, shift } = part;
    const f = features.flatMap((name) => values[name]).map((x, at) => (x - shift[at]!) / slope[at]!);
    const logits = Array.from({ length: classes }, (_, c) =>
      f.reduce((sum, x, at) => sum + x * batch.head[c * f.length + at]!, batch.bias[c]!),
    );
    crossEntropy += Math.log(logits.reduce((sum, x) => sum + Math.exp(x), 0)) - logits[labels[row]!]!;
  });
  return crossEntropy / 3 + (lambda * lq) / weight / model.totalVariance;
}

describe('the loss of a readout', () => {
  it.each([0, 0.7])('is what the definitions give, lambda %f', async (lambda) => {
    const features: HeadOutput[] = ['mean', 'pooled', 'occupancy', 'residuals'];
    const part = readout(features, lambda);
    const batch = batchOf(part);
    const [value] = await run(lossProgram(part), inputsOf(part, batch));
    expect(value![0]).toBeCloseTo(referenceLoss(part, batch, features, lambda), 12);
  });

  it('never has K times as many numbers as the tokens', () => {
    const sizes = { rows: 5, length: 64 };
    const part = readout(['mean', 'pooled', 'occupancy', 'residuals']);
    const program = expandComposites(valueAndGrad(lossProgram(part, sizes), { wrt: [3, 4, 5] }));
    const largest = Math.max(...valueTypes(program).map(({ shape }) => elementCount(shape as number[])));
    expect(largest).toBe(sizes.rows * sizes.length * m);
  });
});
