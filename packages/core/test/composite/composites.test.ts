import { describe, expect, it } from 'vitest';
import { gelu } from '../../src/composite/gelu.ts';
import { l2Normalise } from '../../src/composite/l2-normalise.ts';
import { layerNorm } from '../../src/composite/layer-norm.ts';
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
  'l2Normalise/1': { inputs: [matrix], body: (x) => l2Normalise(x!) },
  'l2Normalise/1 along a middle axis': { inputs: [cube], body: (x) => l2Normalise(x!, 1) },
  'l2Normalise/1 below the floor': { inputs: [matrix], body: (x) => l2Normalise(x!, 0, 1000) },
  'gelu/1': { inputs: [cube], body: (x) => gelu(x!) },
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
    const wrt = inputs.map((_, index) => index);
    const closed = valueAndGrad(program, { wrt });
    const plain = valueAndGrad(withoutGradients(program), { wrt });
    expect(plain.instructions).not.toEqual(closed.instructions);
    const [expected, actual] = [await run(plain, inputs), await run(closed, inputs)];
    expect(actual[0]).toEqual(expected[0]);
    wrt.forEach((index) => {
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
  it('normalises with the biased variance', async () => {
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
