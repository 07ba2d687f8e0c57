import { describe, expect, it } from 'vitest';
import { softmax } from '../../src/composite/softmax.ts';
import { forward } from '../../src/ddcl/forward.ts';
import { loss } from '../../src/ddcl/loss.ts';
import { splitGradient } from '../../src/differentiate/split-gradient.ts';
import { vjpProgram } from '../../src/differentiate/vjp.ts';
import { expandComposites } from '../../src/program/expand.ts';
import { detach } from '../../src/program/ops/create.ts';
import { exp, mul, sub } from '../../src/program/ops/elementwise.ts';
import { gather } from '../../src/program/ops/indexing.ts';
import { broadcastTo, reshape } from '../../src/program/ops/layout.ts';
import { argMax, sum } from '../../src/program/ops/reduce.ts';
import type { Program } from '../../src/program/program.ts';
import { resultTypes } from '../../src/program/program.ts';
import { f64, i32 } from '../../src/program/tensor-type.ts';
import { trace } from '../../src/program/trace.ts';
import { randomValue, relativeError, run, type Value } from '../support/run.ts';

const [n, m, k] = [6, 3, 4];

/** Several outputs of one assignment, one of them stopped, one without a derivative. */
const whole = trace(
  [f64(n, m), f64(n), f64(k, m), f64(), i32(2)],
  (tokens, weights, prototypes, temperature, rows) => {
    const operands = { tokens, prototypes, temperature };
    const y = forward(operands);
    const { lq, v } = loss({ ...operands, tokens: detach(tokens), weights });
    return [y, lq, detach(v), argMax(y, 1), gather(exp(tokens), rows)];
  },
  'whole',
);

const values = (program: Program): Value[] =>
  program.parameters.map((type, index) =>
    type.dtype === 'int32'
      ? { type: type as Value['type'], data: Int32Array.of(4, 1) }
      : positive(type as Value['type'], index),
  );

function positive(type: Value['type'], seed: number): Value {
  const made = randomValue(type, seed);
  return type.shape.length < 2
    ? { type, data: Float64Array.from(made.data as Float64Array, (value) => 0.5 + Math.abs(value)) }
    : made;
}

const matmuls = (program: Program): number =>
  expandComposites(program).instructions.filter(({ op }) => op === 'matmul').length;

describe('splitGradient', () => {
  it('gives the results, and the gradients of the differentiated program, of what has any', async () => {
    const split = splitGradient(whole);
    expect(split.outputs).toEqual([0, 1, 4]);
    expect(split.inputs).toEqual([0, 1, 2, 3]);
    const inputs = values(whole);
    const made = await run(split.forward, inputs);
    const expected = await run(whole, inputs);
    expected.forEach((result, index) => expect(relativeError(made[index]!, result)).toBeLessThan(1e-12));

    const types = resultTypes(split.forward);
    const residuals = made.slice(whole.results.length).map((data, index) => ({
      type: types[whole.results.length + index] as Value['type'],
      data: Float64Array.from(data),
    }));
    expect(residuals.length).toBe(split.residuals);
    const floats = resultTypes(whole).filter(({ dtype }) => dtype !== 'int32');
    const cotangents = floats.map((type, index) => randomValue(type as Value['type'], 20 + index));
    const used = [0, 1, 3].map((index) => cotangents[index]!);
    const gradients = await run(split.backward(), [...inputs, ...residuals, ...used]);
    const theirs = await run(vjpProgram(whole), [...inputs, ...cotangents]);
    theirs.forEach((each, index) => expect(relativeError(gradients[index]!, each)).toBeLessThan(1e-10));

    // Of the second result alone.
    const part = split.backward([false, true, false]);
    expect(part.instructions.length).toBeLessThan(split.backward().instructions.length);
    const alone = await run(part, [...inputs, ...residuals, cotangents[1]!]);
    const none = cotangents.map(({ type, data }, index) => ({ type, data: index === 1 ? data : data.map(() => 0) }));
    const expectedAlone = await run(vjpProgram(whole), [...inputs, ...none]);
    expect(alone[0]).toEqual(expectedAlone[0]);
    for (const index of [1, 2, 3]) expect(relativeError(alone[index]!, expectedAlone[index]!)).toBeLessThan(1e-10);
  });

  it('makes nothing in the second pass that the first has made', () => {
    const { forward: first, backward } = splitGradient(whole);
    // Logits (also of the stopped tokens), mixtures, and their distances to the prototypes for V.
    expect(matmuls(first)).toBe(3);
    // Two for each of: the mixtures' cotangent, its slope, that of L_q; less what they share.
    expect(matmuls(backward())).toBeLessThanOrEqual(5);
    expect(matmuls(whole) + matmuls(vjpProgram(whole))).toBeGreaterThan(10);
    expect(first.instructions.some(({ op }) => op === 'detach')).toBe(false);
  });

  it('makes again what takes no arithmetic, and leaves gradients out that are zero', () => {
    const program = trace([f64(3), f64(2, 3)], (x, y) => [
      sum(mul(broadcastTo(reshape(x, [1, 3]), [2, 3]), sub(y, detach(x)))),
    ]);
    const { residuals, backward, inputs } = splitGradient(program);
    expect(residuals).toBe(1);
    expect(inputs).toEqual([0, 1]);
    expect(backward().instructions.some(({ op }) => op === 'sub')).toBe(false);
    expect(splitGradient(trace([f64(2), f64(2)], (x, y) => [mul(detach(x), y)])).inputs).toEqual([1]);
  });

  it('keeps composites whole that a runtime has kernels for', () => {
    const program = trace([f64(2, 3)], (x) => [softmax(x)]);
    const { forward: first, backward } = splitGradient(program, ['softmax/1']);
    expect(first.instructions.map(({ op }) => op)).toEqual(['composite']);
    expect(backward().instructions.some(({ op }) => op === 'composite' || op === 'exp')).toBe(false);
  });
});
