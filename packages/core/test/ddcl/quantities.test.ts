import { describe, expect, it } from 'vitest';
import { valueAndGrad } from '../../src/differentiate/value-and-grad.ts';
import { assign } from '../../src/ddcl/assign.ts';
import { forward } from '../../src/ddcl/forward.ts';
import { hessianProduct } from '../../src/ddcl/hessian-product.ts';
import { loss, lossAndGradient } from '../../src/ddcl/loss.ts';
import { nearest } from '../../src/ddcl/nearest.ts';
import { vjp } from '../../src/differentiate/vjp.ts';
import { segmentMass, segmentSums } from '../../src/ddcl/segments.ts';
import { tokenSums } from '../../src/ddcl/token-sums.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';
import { i32, tensorType } from '../../src/program/tensor-type.ts';
import { deviation, problems, problemValues, randomProblem, withoutGradients } from '../support/ddcl-problems.ts';
import { checkGradient, scalarProgram, type Body } from '../support/gradient.ts';
import {
  assignmentsOf,
  gradientMassOf,
  gradientOf,
  lossGradientOf,
  nearestOf,
  outputsGradientOf,
  outputsOf,
  rowsOf,
  segmentsOf,
  sumsOf,
  type Problem,
} from '../support/oracle.ts';
import { randomValue, run, value, type Value } from '../support/run.ts';

const segments = 3;
/** Not sorted, one segment (1) without a token where there are few. */
const idsOf = (problem: Problem): number[] => problem.tokens.map((_, n) => (n * 2) % segments);

interface Quantity {
  readonly body: Body;
  /** The naive values; undefined for one that has a test of its own. */
  readonly expected?: (problem: Problem) => readonly (readonly number[])[];
  /** More inputs after tokens, weights, prototypes, temperature. */
  readonly more?: (problem: Problem) => readonly Value[];
}

const operands = (inputs: readonly Tensor[]) => {
  const [tokens, weights, prototypes, temperature] = inputs as [Tensor, Tensor, Tensor, Tensor];
  return { tokens, weights, prototypes, temperature };
};

const ids = (problem: Problem): readonly Value[] => [value(i32(problem.tokens.length), idsOf(problem))];

const cotangents = [0.75, -1.25, 0.5];
/** Of the shape of the outputs, [n, m]. */
const onOutputs = ({ tokens }: Problem): Value =>
  randomValue(tensorType('float64', [tokens.length, tokens[0]!.length]), 9);

const quantities: Record<string, Quantity> = {
  assign: { body: (...x) => assign(operands(x)), expected: (p) => [assignmentsOf(p).flat()] },
  forward: { body: (...x) => forward(operands(x)), expected: (p) => [outputsOf(p).flat()] },
  'loss.lq': { body: (...x) => loss(operands(x)).lq, expected: (p) => [[sumsOf(p).lq]] },
  'loss.lols': { body: (...x) => loss(operands(x)).lols, expected: (p) => [[sumsOf(p).lols]] },
  'loss.v': { body: (...x) => loss(operands(x)).v, expected: (p) => [[sumsOf(p).v]] },
  'all of loss': {
    body: (...x) => Object.values(loss(operands(x))) as Tensor[],
    expected: (p) => [[sumsOf(p).lq], [sumsOf(p).lols], [sumsOf(p).v]],
  },
  lossAndGradient: {
    body: (...x) => Object.values(lossAndGradient(operands(x))) as Tensor[],
    expected: (p) => [[sumsOf(p).lq], gradientOf(p).flat(), gradientMassOf(p)],
  },
  'gradient of loss': {
    body: (...x) => {
      const { lq, lols, v } = loss(operands(x));
      return vjp([lq, lols, v], x.slice(4), x.slice(0, 4));
    },
    expected: (p) => {
      const { tokens, weights, prototypes, temperature } = lossGradientOf(p, cotangents);
      return [tokens.flat(), weights, prototypes.flat(), [temperature]];
    },
    more: () => cotangents.map((each) => value(tensorType('float64', []), [each])),
  },
  'gradient of forward': {
    body: (...x) => vjp([forward(operands(x))], [x[4]!], [x[0]!, x[2]!, x[3]!]),
    expected: (p) => {
      const g = rowsOf(onOutputs(p).data, p.tokens[0]!.length);
      const { tokens, prototypes, temperature } = outputsGradientOf(p, g);
      return [tokens.flat(), prototypes.flat(), [temperature]];
    },
    more: (p) => [onOutputs(p)],
  },
  'distances to the nearest': {
    body: (...x) => [nearest(operands(x)).distances, nearest(operands(x), x[2]!.shape[0] as number).distances],
    expected: (p) => [nearestOf(p, 1).distances.flat(), nearestOf(p, p.prototypes.length).distances.flat()],
  },
  hessianProduct: {
    body: (...x) => hessianProduct(operands(x), x[4]!),
    more: ({ prototypes }) => [randomValue(tensorType('float64', [prototypes.length, prototypes[0]!.length]), 8)],
  },
  tokenSums: {
    body: (...x) => Object.values(tokenSums(operands(x))) as Tensor[],
    expected: (p) => Object.values(sumsOf(p)).map((sum: number | number[]) => [sum].flat()),
  },
  segmentMass: {
    body: (...x) => segmentMass({ ...operands(x), ids: x[4]! }, segments),
    expected: (p) => [segmentsOf(p, idsOf(p), segments).mass.flat()],
    more: ids,
  },
  segmentSums: {
    body: (...x) => Object.values(segmentSums({ ...operands(x), ids: x[4]! }, segments)) as Tensor[],
    expected: (p) => [segmentsOf(p, idsOf(p), segments).mass.flat(), segmentsOf(p, idsOf(p), segments).sums.flat(2)],
    more: ids,
  },
};

describe.each(Object.entries(quantities))('%s', (_, { body, expected, more }) => {
  const inputsOf = (problem: Problem): Value[] => [...problemValues(problem), ...(more?.(problem) ?? [])];

  // The Hessian product has no naive sum here: second-order.test.ts holds it against differences and the transform.
  const summed = expected === undefined ? [] : Object.entries(problems);
  it.each(summed)('is the naive sum: %s', async (_name, problem) => {
    const inputs = inputsOf(problem);
    const program = trace(
      inputs.map(({ type }) => type),
      (...tensors) => [body(...(tensors as Tensor[]))].flat() as Tensor[],
    );
    const [actual, wanted] = [await run(program, inputs), expected!(problem)];
    expect(actual).toHaveLength(wanted.length);
    // Distances of order 1 to 10 from expanded squares: a few units of 1e-16, and 1/T of at most 2 in the exponent.
    wanted.forEach((numbers, index) => expect(deviation(actual[index]!, numbers)).toBeLessThan(1e-13));
  });

  const smooth = [
    'n = 6, K = 3, m = 4, T = 2',
    'n = 5, K = 2, m = 3, T = 50',
    'one prototype',
    'one token',
    'all of them one',
  ];
  it.each(smooth)('has the derivative that differences show, and the second one: %s', async (name) => {
    await checkGradient({ inputs: inputsOf(problems[name]!), body });
  });

  it.each(Object.entries(problems))('has the derivative of its decomposition: %s', async (_name, problem) => {
    const inputs = inputsOf(problem);
    const program = scalarProgram({ inputs, body });
    const wrt = inputs.flatMap(({ type }, index) => (type.dtype === 'int32' ? [] : [index]));
    const closed = await run(valueAndGrad(program, { wrt }), inputs);
    const plain = await run(valueAndGrad(withoutGradients(program), { wrt }), inputs);
    expect(closed[0]).toEqual(plain[0]);
    // Acceptance 2 of the foundation: 1e-12 relative. A gradient that is zero but for rounding is held against the largest
    // of all; V of one prototype has no other, and is made of numbers of order 1.
    const largest = Math.max(1, ...plain.slice(1).flat().map(Math.abs));
    wrt.forEach((_index, order) => {
      const floor = 1e-3 * largest;
      const scale = Math.max(floor, ...plain[order + 1]!.map(Math.abs));
      closed[order + 1]!.forEach((actual, element) => {
        expect(Math.abs(actual - plain[order + 1]![element]!)).toBeLessThanOrEqual(1e-12 * scale);
      });
    });
  });
});

describe('tokens of weight 0', () => {
  it.each(['loss.lq', 'all of loss', 'lossAndGradient', 'tokenSums', 'segmentSums'])(
    'change no bit of %s',
    async (name) => {
      const problem = randomProblem(6, 3, 4, 1, 9);
      const { body, more } = quantities[name]!;
      const inputs = [...problemValues(problem), ...(more?.(problem) ?? [])];
      const program = trace(
        inputs.map(({ type }) => type),
        (...tensors) => [body(...(tensors as Tensor[]))].flat() as Tensor[],
      );
      // Token 4 has weight 0. Programs see tokens of order 1, so 1e6 is far out.
      const other = problemValues({ ...problem, tokens: problem.tokens.with(4, [1e6, -1e6, 0, 3]) });
      expect(problem.weights[4]).toBe(0);
      expect(await run(program, [other[0]!, ...inputs.slice(1)])).toEqual(await run(program, inputs));
    },
  );
});
