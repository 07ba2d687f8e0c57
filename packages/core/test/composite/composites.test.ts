import { describe, expect, it } from 'vitest';
import { crossEntropy, oneHot } from '../../src/composite/cross-entropy.ts';
import { gelu } from '../../src/composite/gelu.ts';
import { l2Normalize } from '../../src/composite/l2-normalize.ts';
import { layerNorm } from '../../src/composite/layer-norm.ts';
import { maskedSoftmax } from '../../src/composite/masked-softmax.ts';
import { mean, relu } from '../../src/composite/mean.ts';
import { logSumExp, softmax } from '../../src/composite/softmax.ts';
import { valueAndGrad } from '../../src/differentiate/value-and-grad.ts';
import type { Program } from '../../src/program/program.ts';
import { f32, f64, i32, type TensorType } from '../../src/program/tensor-type.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';
import { checkGradient, scalarProgram, type Body } from '../support/gradient.ts';
import { erf } from '../support/reference.ts';
import { errorOf, randomValue, relativeError, run, value, type Value } from '../support/run.ts';

/** The program without closed forms, all the way down: its derivative is that of the decompositions. */
function withoutGradients(program: Program): Program {
  return {
    ...program,
    instructions: program.instructions.map((instruction) =>
      instruction.op === 'composite'
        ? { ...instruction, gradient: undefined, decomposition: withoutGradients(instruction.decomposition) }
        : instruction,
    ),
  };
}

const matrix = randomValue(f64(3, 4), 1);
const cube = randomValue(f64(2, 3, 4), 2);
const gain = randomValue(f64(4), 3, 0.5, 2);
const bias = randomValue(f64(4), 4);
const shares = randomValue(f64(3, 4), 7, 0.5, 2);

const cases: Record<string, { inputs: readonly Value[]; body: Body }> = {
  'softmax/1': { inputs: [matrix], body: (x) => softmax(x!) },
  'softmax/1 along the first axis': { inputs: [matrix], body: (x) => softmax(x!, 0) },
  'softmax/1 along a middle axis': { inputs: [cube], body: (x) => softmax(x!, -2) },
  'softmax/1 of a vector': { inputs: [bias], body: (x) => softmax(x!) },
  'softmax/1 far from 0': { inputs: [randomValue(f64(3, 4), 5, 498, 502)], body: (x) => softmax(x!) },
  'logSumExp/1': { inputs: [matrix], body: (x) => logSumExp(x!) },
  'logSumExp/1 along the first axis': { inputs: [cube], body: (x) => logSumExp(x!, 0) },
  'logSumExp/1 along a middle axis': { inputs: [cube], body: (x) => logSumExp(x!, 1) },
  'logSumExp/1 of a vector': { inputs: [bias], body: (x) => logSumExp(x!) },
  'layerNorm/1': { inputs: [matrix, gain, bias], body: (x, a, b) => layerNorm(x!, a!, b!) },
  'layerNorm/1 of a vector': { inputs: [bias, gain, bias], body: (x, a, b) => layerNorm(x!, a!, b!) },
  'layerNorm/1 of a cube, large epsilon': { inputs: [cube, gain, bias], body: (x, a, b) => layerNorm(x!, a!, b!, 0.5) },
  'layerNorm/1 of an operand used twice': { inputs: [matrix, gain], body: (x, a) => layerNorm(x!, a!, a!) },
  'l2Normalize/1': { inputs: [matrix], body: (x) => l2Normalize(x!) },
  'l2Normalize/1 along a middle axis': { inputs: [cube], body: (x) => l2Normalize(x!, 1) },
  'l2Normalize/1 below the floor': { inputs: [matrix], body: (x) => l2Normalize(x!, 0, 1000) },
  'gelu/1': { inputs: [cube], body: (x) => gelu(x!) },
  'crossEntropy/1': { inputs: [matrix, value(i32(3), [2, -1, 0])], body: (x, label) => crossEntropy(x!, label!) },
  'maskedSoftmax/1': { inputs: [matrix, shares], body: (x, a) => maskedSoftmax(x!, a!) },
  'maskedSoftmax/1 of shared weights': {
    inputs: [cube, randomValue(f64(3, 1), 6, 0.5, 2)],
    body: (x, a) => maskedSoftmax(x!, a!, 1),
  },
  'gelu/1 of a scalar': { inputs: [value(f64(), [-0.7])], body: (x) => gelu(x!) },
};

describe.each(Object.entries(cases))('%s', (name, { inputs, body }) => {
  it('has the derivative that differences show, and the second one', async () => {
    await checkGradient({ inputs, body });
  });

  it('has the derivative of its decomposition', async () => {
    const program = scalarProgram({ inputs, body });
    const [instruction] = program.instructions.filter(({ op }) => op === 'composite');
    expect(instruction).toMatchObject({
      name: name.split(' ')[0],
      gradient: { name: `${name.split(' ')[0]} gradient` },
    });
    const wrt = inputs.flatMap(({ type }, index) => (type.dtype === 'int32' ? [] : [index]));
    const closed = valueAndGrad(program, { wrt });
    const plain = valueAndGrad(withoutGradients(program), { wrt });
    expect(plain.instructions).not.toEqual(closed.instructions);
    const [expected, actual] = [await run(plain, inputs), await run(closed, inputs)];
    expect(actual[0]).toEqual(expected[0]);
    wrt.forEach((_, index) => {
      // Acceptance 2 of the foundation: closed form and transform agree to 1e-12 relative.
      expect(relativeError(actual[index + 1]!, expected[index + 1]!)).toBeLessThan(1e-12);
    });
  });
});

async function apply(body: Body, types: readonly TensorType[], ...elements: number[][]): Promise<number[]> {
  const program = trace(types, (...tensors) => [body(...(tensors as Tensor[])) as Tensor]);
  const [result] = await run(
    program,
    types.map((type, index) => value(type, elements[index]!)),
  );
  return result!;
}

/** One element at a time in float64, a few roundings each. */
const rounding = 1e-14;

describe('softmax', () => {
  it('is exp over the sum of exp', async () => {
    const x = [0.5, -1, 2];
    const weights = x.map(Math.exp);
    const total = weights.reduce((a, b) => a + b);
    expect(
      relativeError(
        await apply((t) => softmax(t!), [f64(3)], x),
        weights.map((weight) => weight / total),
      ),
    ).toBeLessThan(rounding);
  });

  it('neither overflows nor loses its sum far from 0, in float32 too', async () => {
    expect(await apply((t) => softmax(t!), [f32(2, 2)], [1e30, 1e30, -1e30, 1e30])).toEqual([0.5, 0.5, 0, 1]);
    expect(await apply((t) => softmax(t!, 0), [f64(2, 2)], [800, -800, 800, 800])).toEqual([0.5, 0, 0.5, 1]);
  });

  it('refuses int32, an axis that is not there and an empty one', () => {
    expect(errorOf(() => trace([i32(3)], (x) => [softmax(x)])).code).toBe('dtype');
    for (const axis of [2, -3]) {
      expect(errorOf(() => trace([f64(2, 3)], (x) => [softmax(x, axis)]))).toMatchObject({
        code: 'shape',
        op: 'softmax/1',
      });
      expect(errorOf(() => trace([f64(2, 3)], (x) => [logSumExp(x, axis)]))).toMatchObject({
        code: 'shape',
        op: 'logSumExp/1',
      });
    }
    expect(errorOf(() => trace([f64(2, 0)], (x) => [softmax(x)])).code).toBe('shape');
  });

  it('of no rows is nothing', async () => {
    expect(await apply((t) => softmax(t!), [f64(0, 3)], [])).toEqual([]);
  });
});

describe('logSumExp', () => {
  it('is exact for any shift', async () => {
    const expected = Math.log(Math.exp(0) + Math.exp(-1) + Math.exp(-2));
    for (const shift of [0, 1000, -1000]) {
      const [result] = await apply((t) => logSumExp(t!), [f64(3)], [shift, shift - 1, shift - 2]);
      // The sum is of order 1000, where float64 has steps of 1e-13.
      expect(Math.abs(result! - shift - expected)).toBeLessThan(2e-13);
    }
  });

  it('drops its axis', async () => {
    const results = await apply((t) => logSumExp(t!, 0), [f64(2, 3)], [0, 1, 2, 0, 1, 2]);
    expect(
      relativeError(
        results,
        [0, 1, 2].map((x) => x + Math.LN2),
      ),
    ).toBeLessThan(rounding);
  });
});

describe('layerNorm', () => {
  it('normalizes with the biased variance', async () => {
    const x = [1, 2, 4, 9];
    const variance = (9 + 4 + 0 + 25) / 4;
    const expected = x.map((each, index) => ((each - 4) / Math.sqrt(variance + 0.5)) * [1, 2, 3, 4][index]! + index);
    const actual = await apply(
      (t, a, b) => layerNorm(t!, a!, b!, 0.5),
      [f64(4), f64(4), f64(4)],
      x,
      [1, 2, 3, 4],
      [0, 1, 2, 3],
    );
    expect(relativeError(actual, expected)).toBeLessThan(rounding);
  });

  it('of equal numbers is the bias', async () => {
    expect(
      await apply((t, a, b) => layerNorm(t!, a!, b!), [f64(2, 2), f64(2), f64(2)], [5, 5, 7, 7], [3, 3], [1, 2]),
    ).toEqual([1, 2, 1, 2]);
  });

  it.each<[string, readonly TensorType[], number | undefined, string]>([
    ['a scalar', [f64(), f64(), f64()], undefined, 'shape'],
    ['an empty last axis', [f64(2, 0), f64(0), f64(0)], undefined, 'shape'],
    ['a symbolic last axis', [f64(2, 'm'), f64('m'), f64('m')], undefined, 'shape'],
    ['a gain of another size', [f64(2, 4), f64(3), f64(4)], undefined, 'shape'],
    ['a gain of more axes', [f64(2, 4), f64(2, 4), f64(4)], undefined, 'shape'],
    ['a gain that would be broadcast', [f64(2, 4), f64(1), f64(4)], undefined, 'shape'],
    ['a bias of more axes', [f64(4), f64(4), f64(5, 4)], undefined, 'shape'],
    ['a gain of another dtype', [f64(2, 4), f32(4), f64(4)], undefined, 'dtype'],
    ['epsilon 0', [f64(2, 4), f64(4), f64(4)], 0, 'argument'],
    ['epsilon NaN', [f64(2, 4), f64(4), f64(4)], NaN, 'argument'],
  ])('refuses %s', (_, types, epsilon, code) => {
    expect(
      errorOf(() =>
        trace(types, (...tensors) => {
          const [x, a, b] = tensors as [Tensor, Tensor, Tensor];
          return [layerNorm(x, a, b, epsilon)];
        }),
      ).code,
    ).toBe(code);
  });
});

describe('gelu', () => {
  it('is x times the normal distribution', async () => {
    const x = [-3, -0.5, 0, 0.5, 3];
    const expected = x.map((each) => each * 0.5 * (1 + erf(each / Math.SQRT2)));
    const actual = await apply((t) => gelu(t!), [f64(5)], x);
    expect(relativeError(actual, expected)).toBeLessThan(rounding);
    // Phi(1) = 0.841344746068542948585..., the tabulated one-sigma value.
    expect((await apply((t) => gelu(t!), [f64(1)], [1]))[0]).toBeCloseTo(0.8413447460685429, 14);
  });
});

describe('crossEntropy', () => {
  it('is the negative logarithm of the probability of the label, and 0 where there is none', async () => {
    const rows = [
      [0.5, -1, 2],
      [3, 800, 1],
      [1, 1, 1],
      [0, 1, 2],
    ];
    const labels = [2, 0, -1, 3];
    const program = trace([f64(4, 3), i32(4)], (x, label) => [crossEntropy(x, label)]);
    const [result] = await run(program, [value(f64(4, 3), rows.flat()), value(i32(4), labels)]);
    const total = rows[0]!.reduce((sum, x) => sum + Math.exp(x), 0);
    expect(relativeError(result!, [Math.log(total) - 2, 797, 0, 0])).toBeLessThan(rounding);
  });

  it('refuses labels that are no whole numbers, and shapes that do not fit', () => {
    expect(errorOf(() => trace([f64(4, 3), f64(4)], (x, y) => [crossEntropy(x, y)])).message).toContain('int32');
    expect(errorOf(() => trace([f64(4, 3), i32(3)], (x, y) => [crossEntropy(x, y)])).code).toBe('shape');
  });
});

describe('maskedSoftmax', () => {
  it('is the softmax of what counts, times its weights', async () => {
    const [scores, weights] = [
      [1, 900, -2, 3],
      [0.5, 0, 2, 1],
    ];
    const powers = scores.map((score, index) => (weights[index] === 0 ? 0 : weights[index]! * Math.exp(score)));
    const total = powers.reduce((a, b) => a + b);
    const actual = await apply((s, a) => maskedSoftmax(s!, a!), [f64(4), f64(4)], scores, weights);
    expect(
      relativeError(
        actual,
        powers.map((power) => power / total),
      ),
    ).toBeLessThan(rounding);
  });

  it('of no weight is zeros', async () => {
    expect(await apply((s, a) => maskedSoftmax(s!, a!), [f32(3), f32(3)], [1, 1e30, 2], [0, 0, 0])).toEqual([0, 0, 0]);
  });
});

describe('small compositions', () => {
  it('mean divides by the number of elements', async () => {
    expect(await apply((x) => mean(x!), [f64(2, 3)], [1, 2, 3, 4, 5, 9])).toEqual([4]);
    expect(await apply((x) => mean(x!, [1]), [f64(2, 3)], [1, 2, 3, 4, 5, 9])).toEqual([2, 6]);
    expect(errorOf(() => trace([f64('n', 3)], (x) => [mean(x)])).message).toContain('known size');
    expect(errorOf(() => trace([f64(0, 3)], (x) => [mean(x, [0])])).code).toBe('shape');
  });

  it('relu keeps what is above 0', async () => {
    expect(await apply((x) => relu(x!), [f64(4)], [-1, 0, 2, -0.5])).toEqual([0, 0, 2, 0]);
  });

  it('oneHot is 1 at the label', async () => {
    const program = trace([i32(2, 2)], (labels) => [oneHot(labels, 3)]);
    const [result] = await run(program, [value(i32(2, 2), [0, 2, -1, 3])]);
    expect(result).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  });
});
