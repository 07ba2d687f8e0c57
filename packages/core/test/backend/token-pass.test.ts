import { describe, expect, it } from 'vitest';
import { joinTokenPasses } from '../../src/backend/join-token-passes.ts';
import { neededValues } from '../../src/backend/needed-values.ts';
import { readTokenPass, tokenPassComposites, tokenPassName } from '../../src/backend/token-pass.ts';
import { assign } from '../../src/ddcl/assign.ts';
import type { WeightedOperands } from '../../src/ddcl/check-operands.ts';
import { forward } from '../../src/ddcl/forward.ts';
import { loss, lossAndGradient } from '../../src/ddcl/loss.ts';
import { nearest } from '../../src/ddcl/nearest.ts';
import { tokenSums } from '../../src/ddcl/token-sums.ts';
import { grad } from '../../src/differentiate/vjp.ts';
import { expandComposites } from '../../src/program/expand.ts';
import { detach, scalar } from '../../src/program/ops/create.ts';
import { add, div, exp, mul, neg } from '../../src/program/ops/elementwise.ts';
import { reshape, slice } from '../../src/program/ops/layout.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import type { Program } from '../../src/program/program.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';
import { problemTypes, problemValues, randomProblem } from '../support/ddcl-problems.ts';
import { run } from '../support/run.ts';

const problem = randomProblem(6, 3, 4, 2, 1);
const kept = [...tokenPassComposites, 'ddcl.nearest/1'];

function programOf(body: (operands: WeightedOperands) => readonly Tensor[]): Program {
  return expandComposites(
    trace(problemTypes(problem, 'float64'), (tokens, weights, prototypes, temperature) =>
      body({ tokens: tokens!, weights: weights!, prototypes: prototypes!, temperature: temperature! }),
    ),
    kept,
  );
}

/** What each pass of the joined program computes, in order; its results must be those of the program. */
async function passesOf(body: (operands: WeightedOperands) => readonly Tensor[]): Promise<string[]> {
  const program = programOf(body);
  const joined = joinTokenPasses(program);
  expect(await run(joined, problemValues(problem))).toEqual(await run(program, problemValues(problem)));
  return joined.instructions.flatMap((instruction) =>
    instruction.op === 'composite' && instruction.name === tokenPassName
      ? [readTokenPass(instruction.attributes, instruction.inputs).quantities.join(' ')]
      : [],
  );
}

/** The share of the first prototype in each token. */
const firstShare = (q: Tensor): Tensor => reshape(slice(q, [0, 0], [6, 1]), [6]);

describe('a token pass', () => {
  it('is everything that is asked of the same operands, each quantity once', async () => {
    expect(
      await passesOf((x) => [
        forward(x),
        ...Object.values(loss(x)),
        ...Object.values(lossAndGradient(x)),
        tokenSums(x).mass,
        assign(x),
        nearest(x).indices,
      ]),
    ).toEqual(['outputs lq lols v gradient gradientMass mass assignments nearest']);
  });

  it('leaves out what nothing uses', async () => {
    expect(await passesOf((x) => [lossAndGradient(x).gradient])).toEqual(['gradient']);
    expect(await passesOf((x) => [exp(loss(x).v), nearest(x).distances])).toEqual(['v nearestDistance']);
  });

  it('takes the gradient of a loss in, when its cotangents do not come from the pass', async () => {
    const mean = (x: WeightedOperands): Tensor => div(loss(x).lq, sum(x.weights));
    expect(await passesOf((x) => [forward(x), loss(x).lols, ...grad(mean(x), [x.prototypes])])).toEqual([
      'outputs lols lossByPrototypes',
    ]);
    // The derivative of the square holds L_q itself.
    expect(await passesOf((x) => grad(mul(loss(x).lq, loss(x).lq), [x.prototypes]))).toEqual([
      'lq',
      'lossByPrototypes',
    ]);
  });

  it('puts the gradients of a loss and of outputs into one second pass', async () => {
    const total = (x: WeightedOperands): Tensor => {
      const { lq } = loss(x);
      return add(sum(mul(forward(x), exp(forward(x)))), mul(lq, lq));
    };
    expect(await passesOf((x) => [total(x), ...grad(total(x), [x.tokens, x.prototypes, x.temperature])])).toEqual([
      'lq outputs',
      'outputsByTokens outputsByPrototypes outputsByTemperature lossByTokens lossByPrototypes lossByTemperature',
    ]);
  });

  it('sees through detach: a loss that stops at the tokens shares the softmax of the outputs', async () => {
    const total = (x: WeightedOperands): Tensor =>
      add(sum(mul(forward(x), 3)), loss({ ...x, tokens: detach(detach(x.tokens)) }).lq);
    expect(await passesOf((x) => [total(x), ...grad(total(x), [x.tokens, x.prototypes])])).toEqual([
      'outputs lq lossByPrototypes outputsByTokens outputsByPrototypes',
    ]);
  });

  it('omits cotangents that are known to be 0, and does not mix them up with others', () => {
    const joined = joinTokenPasses(
      programOf((x) => [...grad(loss(x).lq, [x.prototypes]), ...grad(loss(x).v, [x.prototypes])]),
    );
    const operands = joined.instructions.flatMap(({ op, attributes }) =>
      op === 'composite' ? [String((attributes as { readonly operands: string }).operands)] : [],
    );
    expect(operands).toEqual([
      'tokens weights prototypes temperature onLq',
      'tokens weights prototypes temperature onV',
    ]);
  });

  it('is another one for weights that come from it, and for a chain of them', async () => {
    expect(
      await passesOf((x) => {
        const q = assign(x);
        const inner = loss({ ...x, weights: firstShare(q) });
        return [q, inner.lq, loss(x).lq];
      }),
    ).toEqual(['assignments lq', 'lq']);
  });

  it('joins no two that depend on each other through a third', async () => {
    const passes = await passesOf((x) => {
      const other = { ...x, prototypes: neg(x.prototypes) };
      // A, then B of other prototypes, which is joined with what A gives; then one that needs the first of B.
      const a = assign(x);
      const b = loss(other).lq;
      const second = lossAndGradient({ ...other, weights: firstShare(a) }).lq;
      const last = loss({ ...x, weights: mul(x.weights, b) }).lq;
      return [a, b, second, last, tokenSums({ ...x, weights: mul(x.weights, second) }).hard];
    });
    expect(passes).toHaveLength(4);
  });

  it('leaves the nearest prototypes alone where nobody asks for more', async () => {
    const program = programOf((x) => [nearest(x).indices, nearest(x, 2).indices]);
    expect(joinTokenPasses(program).instructions.filter(({ op }) => op === 'composite')).toHaveLength(2);
    expect(await passesOf((x) => [nearest(x).indices, nearest(x, 2).indices])).toEqual([]);
    expect(await passesOf((x) => [nearest(x, 2).indices, nearest(x).indices, assign(x)])).toEqual([
      'nearest assignments',
    ]);
  });

  it('keeps programs without such composites as they are', () => {
    const program = programOf(({ tokens }) => [exp(tokens), scalar(tokens, 1)]);
    expect(joinTokenPasses(program)).toBe(program);
  });
});

describe('needed values', () => {
  it('are what results with elements depend on, output by output', () => {
    const program = programOf((x) => {
      const { lq, v } = loss(x);
      return [exp(lq), slice(mul(x.tokens, v), [0, 0], [0, 4])];
    });
    const needed = neededValues(program);
    // Parameters, then the three outputs of the loss.
    expect([0, 1, 2, 3, 4, 5, 6].filter((id) => needed.has(id))).toEqual([0, 1, 2, 3, 4]);
  });
});
