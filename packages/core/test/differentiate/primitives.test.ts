import { describe, expect, it } from 'vitest';
import { grad } from '../../src/differentiate/vjp.ts';
import type { PrimitiveOp } from '../../src/program/attributes.ts';
import { primitiveOps } from '../../src/program/infer/infer.ts';
import { cast, constant, detach, iota } from '../../src/program/ops/create.ts';
import {
  add,
  div,
  equal,
  erf,
  exp,
  less,
  log,
  maximum,
  minimum,
  mul,
  neg,
  select,
  sqrt,
  sub,
  tanh,
} from '../../src/program/ops/elementwise.ts';
import { gather, segmentSum } from '../../src/program/ops/indexing.ts';
import { broadcastTo, concat, reshape, slice, transpose } from '../../src/program/ops/layout.ts';
import { matmul } from '../../src/program/ops/matmul.ts';
import { argMax, max, sum } from '../../src/program/ops/reduce.ts';
import type { Program } from '../../src/program/program.ts';
import { f64, i32, type TensorType } from '../../src/program/tensor-type.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';
import {
  checkAgainstDifferences,
  checkGradient,
  gradientSumProgram,
  scalarProgram,
  type Body,
  type GradientCase,
} from '../support/gradient.ts';
import { randomValue, run, value } from '../support/run.ts';

const x23 = randomValue(f64(2, 3), 1);
const y23 = randomValue(f64(2, 3), 2);
const row3 = randomValue(f64(3), 3);
const column2 = randomValue(f64(2, 1), 4);
const cube = randomValue(f64(2, 3, 4), 5);
const positive = randomValue(f64(2, 3), 6, 0.5, 2);
const positiveRow = randomValue(f64(1, 3), 7, 0.5, 2);

/** A smooth body around linear ops, so that their second derivatives and the product with others are seen too. */
const square = (x: Tensor): Tensor => mul(x, x);

/** Operands of one shape, each broadcast to the other, both broadcast at once, and a scalar. */
function broadcasts(op: (a: Tensor, b: Tensor) => Tensor): Record<string, GradientCase> {
  const body: Body = (a, b) => op(a!, b!);
  return {
    'of one shape': { inputs: [x23, positive], body },
    'first broadcast': { inputs: [row3, positive], body },
    'second broadcast': { inputs: [x23, positiveRow], body },
    'both broadcast': { inputs: [column2, positiveRow], body },
    'with a scalar': { inputs: [x23, value(f64(), [1.5])], body },
    'with itself': { inputs: [positive], body: (a) => op(square(a!), a!) },
  };
}

function reductions(
  op: (x: Tensor, axes?: readonly number[], options?: { keepDims?: boolean }) => Tensor,
): Record<string, GradientCase> {
  const of = (body: (x: Tensor) => Tensor): GradientCase => ({ inputs: [cube], body: (x) => square(body(x!)) });
  return {
    'all axes': of((x) => op(x)),
    'all axes kept': of((x) => op(x, [0, 1, 2], { keepDims: true })),
    'first axis': of((x) => op(x, [0])),
    'middle axis kept': of((x) => op(x, [1], { keepDims: true })),
    'last axis': of((x) => op(x, [2])),
    'first and last axis': of((x) => op(x, [0, 2])),
    'two last axes': of((x) => op(x, [1, 2])),
  };
}

function matmulCases(): Record<string, GradientCase> {
  const cases: Record<string, GradientCase> = {};
  const batches: [string, number[], number[]][] = [
    ['matrices', [], []],
    ['batches', [2], [2]],
    ['first broadcast', [], [2]],
    ['second broadcast over two axes', [2, 2], [1]],
    ['both broadcast', [2, 1], [1, 2]],
  ];
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      for (const [name, batchA, batchB] of batches) {
        const a = f64(...batchA, ...(transposeA ? [3, 2] : [2, 3]));
        const b = f64(...batchB, ...(transposeB ? [4, 3] : [3, 4]));
        cases[`${name}${transposeA ? ' A^T' : ''}${transposeB ? ' B^T' : ''}`] = {
          inputs: [randomValue(a, 21), randomValue(b, 22)],
          body: (p, q) => matmul(p!, q!, { transposeA, transposeB }),
        };
      }
    }
  }
  cases['of one matrix with itself'] = { inputs: [x23], body: (x) => matmul(x!, x!, { transposeB: true }) };
  return cases;
}

const mask = value(i32(2, 3), [1, 0, 0, 1, 1, 0]);

/** Multiples of 1/8 stay exact in float32, and so do quadratic functions of them: differences with step 1/4 are exact. */
const eighths = value(f64(4), [0.125, -1.5, 2.25, 0.875]);

const cases: Record<PrimitiveOp, Record<string, GradientCase>> = {
  neg: { matrix: { inputs: [x23], body: (x) => neg(square(x!)) } },
  exp: { matrix: { inputs: [x23], body: (x) => exp(x!) } },
  log: { matrix: { inputs: [positive], body: (x) => log(x!) } },
  sqrt: { matrix: { inputs: [positive], body: (x) => sqrt(x!) } },
  tanh: { matrix: { inputs: [x23], body: (x) => tanh(x!) } },
  erf: { matrix: { inputs: [x23], body: (x) => erf(x!) } },
  add: broadcasts((a, b) => square(add(a, b))),
  sub: broadcasts((a, b) => square(sub(a, b))),
  mul: broadcasts(mul),
  div: broadcasts(div),
  maximum: broadcasts((a, b) => square(maximum(a, b))),
  minimum: broadcasts((a, b) => square(minimum(a, b))),
  less: { 'as a factor': { inputs: [x23, y23], body: (a, b) => mul(square(a!), cast(less(a!, b!), 'float64')) } },
  equal: {
    'as a factor': { inputs: [x23, y23], body: (a, b) => [square(a!), mul(b!, cast(equal(a!, b!), 'float64'))] },
  },
  select: {
    'of one shape': { inputs: [mask, x23, y23], body: (c, a, b) => select(c!, square(a!), square(b!)) },
    'operands broadcast': { inputs: [mask, row3, column2], body: (c, a, b) => square(select(c!, a!, b!)) },
    'condition broadcast': {
      inputs: [value(i32(2, 1), [0, 1]), x23, row3],
      body: (c, a, b) => square(select(c!, a!, b!)),
    },
    'condition broadcasts the operands': {
      inputs: [mask, value(f64(), [0.5]), row3],
      body: (c, a, b) => square(select(c!, a!, b!)),
    },
    'condition that depends on an operand': {
      inputs: [x23, y23],
      body: (a, b) => select(less(a!, 0.25), square(a!), b!),
    },
    'of numbers': { inputs: [mask, x23], body: (c, a) => [square(select(c!, a!, 2)), square(select(c!, -1, a!))] },
  },
  sum: reductions(sum),
  max: reductions(max),
  argMax: {
    'as an index': { inputs: [x23], body: (x) => gather(square(transpose(x!)), argMax(x!, 1)) },
    'as a factor': { inputs: [x23], body: (x) => mul(square(x!), reshape(cast(argMax(x!, 1), 'float64'), [2, 1])) },
  },
  matmul: matmulCases(),
  reshape: {
    'to another rank': { inputs: [cube], body: (x) => square(reshape(x!, [4, 6])) },
    'of a scalar': { inputs: [value(f64(), [1.5])], body: (x) => square(reshape(x!, [1, 1])) },
  },
  transpose: {
    'of a matrix': { inputs: [x23], body: (x) => square(transpose(x!)) },
    'that is not its own inverse': { inputs: [cube], body: (x) => square(transpose(x!, [2, 0, 1])) },
  },
  broadcastTo: {
    'of a row': { inputs: [row3], body: (x) => square(broadcastTo(x!, [2, 3])) },
    'of a column, with a new axis': { inputs: [column2], body: (x) => square(broadcastTo(x!, [4, 2, 3])) },
    'of a scalar': { inputs: [value(f64(), [1.5])], body: (x) => square(broadcastTo(x!, [2, 2])) },
    'of ones to ones': { inputs: [value(f64(1, 1), [1.5])], body: (x) => square(broadcastTo(x!, [1, 1, 1])) },
  },
  slice: {
    'from the middle': { inputs: [cube], body: (x) => square(slice(x!, [0, 1, 1], [2, 1, 2])) },
    'from the front': { inputs: [cube], body: (x) => square(slice(x!, [0, 0, 0], [1, 3, 3])) },
    'from the end, taken twice': {
      inputs: [row3],
      body: (x) => [square(slice(x!, [1], [2])), exp(slice(x!, [0], [2]))],
    },
    'of nothing': { inputs: [x23], body: (x) => [square(x!), slice(x!, [1, 1], [0, 2])] },
  },
  concat: {
    'along the first axis': { inputs: [x23, randomValue(f64(1, 3), 8)], body: (a, b) => square(concat([a!, b!], 0)) },
    'along the last axis, one operand twice': {
      inputs: [x23, column2],
      body: (a, b) => square(concat([a!, b!, a!], 1)),
    },
    'with an empty one': { inputs: [x23], body: (a) => square(concat([slice(a!, [0, 0], [2, 0]), a!, a!], 1)) },
  },
  gather: {
    'rows, one of them twice and one never': {
      inputs: [x23, value(i32(4), [1, 1, 0, 1])],
      body: (x, ids) => square(gather(x!, ids!)),
    },
    'with indices of two axes': {
      inputs: [cube, value(i32(2, 2), [1, 0, 1, 1])],
      body: (x, ids) => square(gather(x!, ids!)),
    },
    'with a scalar index': { inputs: [x23, value(i32(), [1])], body: (x, ids) => square(gather(x!, ids!)) },
    'of numbers': { inputs: [row3, value(i32(2), [2, 0])], body: (x, ids) => square(gather(x!, ids!)) },
    'with no index': { inputs: [x23, value(i32(0), [])], body: (x, ids) => [square(x!), gather(x!, ids!)] },
  },
  segmentSum: {
    'ids in any order, with an empty segment': {
      inputs: [randomValue(f64(5, 2), 9), value(i32(5), [3, 0, 3, 1, 0])],
      body: (x, ids) => square(segmentSum(x!, ids!, { segments: 4 })),
    },
    'sorted ids': {
      inputs: [randomValue(f64(5, 2), 9), value(i32(5), [0, 0, 1, 3, 3])],
      body: (x, ids) => square(segmentSum(x!, ids!, { segments: 4, sorted: true })),
    },
    'of numbers': {
      inputs: [row3, value(i32(3), [1, 0, 1])],
      body: (x, ids) => square(segmentSum(x!, ids!, { segments: 2 })),
    },
  },
  constant: {
    'as a factor': { inputs: [row3], body: (x) => mul(square(x!), constant(x!, 'float64', [3], [2, -1, 0])) },
  },
  iota: { 'as a factor': { inputs: [x23], body: (x) => mul(square(x!), iota(x!, 'float64', [2, 3], 1)) } },
  cast: {
    'to float32 and back': { inputs: [eighths], body: (x) => square(cast(cast(x!, 'float32'), 'float64')), step: 0.25 },
    'to int32, which has no derivative': {
      inputs: [eighths],
      body: (x) => mul(cast(cast(x!, 'int32'), 'float64'), x!),
    },
    'from int32': { inputs: [x23, mask], body: (x, c) => mul(square(x!), cast(add(c!, 2), 'float64')) },
  },
  detach: { 'as a factor': { inputs: [x23, y23], body: (a, b) => mul(detach(square(a!)), square(b!)), wrt: [1] } },
};

function holds(program: Program, op: PrimitiveOp): boolean {
  return program.instructions.some((instruction) => instruction.op === op);
}

/** Weights of the sums are of the tensors' dtype, so a case that ends in float32 would lose its digits: none does. */
describe.each(primitiveOps)('the derivative of %s', (op) => {
  it('has cases, all of which use it', () => {
    const own = Object.values(cases[op] ?? {});
    expect(own.length).toBeGreaterThan(0);
    for (const each of own) {
      // What has no elements is left out of the program, and a slice of nothing is none.
      if (!holds(scalarProgram(each), op)) expect(['slice', 'gather']).toContain(op);
    }
    expect(own.some((each) => holds(scalarProgram(each), op))).toBe(true);
  });

  it.each(Object.entries(cases[op] ?? {}))('agrees with differences: %s', async (_, each) => {
    await checkGradient(each);
  });
});

describe('checkAgainstDifferences', () => {
  it('refuses a wrong gradient', async () => {
    // The gradient of the program that sees a constant where the differences see x: off by the product rule.
    const wrong: GradientCase = { inputs: [x23], body: (x) => mul(detach(x!), x!) };
    await expect(checkAgainstDifferences(scalarProgram(wrong), wrong)).rejects.toThrow('instead of');
    await expect(
      checkAgainstDifferences(
        gradientSumProgram({ inputs: [x23], body: (x) => mul(detach(square(x!)), square(x!)) }),
        wrong,
      ),
    ).rejects.toThrow();
  });
});

async function gradientsOf(body: Body, types: TensorType[], elements: number[][]): Promise<number[][]> {
  const program = trace(types, (...tensors) =>
    grad(sum(body(...(tensors as Tensor[])) as Tensor), tensors as Tensor[]),
  );
  return run(
    program,
    types.map((type, index) => value(type, elements[index]!)),
  );
}

describe('the derivative at a tie', () => {
  it("of maximum and minimum is the first operand's", async () => {
    expect(
      await gradientsOf(
        (a, b) => maximum(a!, b!),
        [f64(3), f64(3)],
        [
          [1, 2, 3],
          [1, 3, 2],
        ],
      ),
    ).toEqual([
      [1, 0, 1],
      [0, 1, 0],
    ]);
    expect(
      await gradientsOf(
        (a, b) => minimum(a!, b!),
        [f64(3), f64(3)],
        [
          [1, 2, 3],
          [1, 3, 2],
        ],
      ),
    ).toEqual([
      [1, 1, 0],
      [0, 0, 1],
    ]);
  });

  it("of maximum is the first operand's where it is broadcast, once per element", async () => {
    expect(await gradientsOf((a, b) => maximum(a!, b!), [f64(), f64(3)], [[2], [2, 3, 2]])).toEqual([[2], [0, 1, 0]]);
  });

  it("of max is the first element's", async () => {
    expect(await gradientsOf((x) => max(x!, [1]), [f64(2, 3)], [[1, 5, 5, 7, 7, 7]])).toEqual([[0, 1, 0, 1, 0, 0]]);
  });

  it("of max over several axes is the first element's in row-major order", async () => {
    // In [[1, 9], [9, 2]] the first is (0, 1); a choice axis by axis from the front would mix (0, 1) and (1, 0).
    expect(await gradientsOf((x) => max(x!), [f64(2, 2)], [[1, 9, 9, 2]])).toEqual([[0, 1, 0, 0]]);
    expect(await gradientsOf((x) => max(x!), [f64(2, 2)], [[3, 3, 3, 3]])).toEqual([[1, 0, 0, 0]]);
    const cubeWithTies = [0, 4, 4, 1, /**/ 4, 0, 4, 4];
    expect(await gradientsOf((x) => max(x!, [0, 2]), [f64(2, 2, 2)], [cubeWithTies])).toEqual([
      [0, 1, 1, 0, 0, 0, 0, 0],
    ]);
    expect(await gradientsOf((x) => max(x!, [0, 1], { keepDims: true }), [f64(2, 2, 2)], [cubeWithTies])).toEqual([
      [0, 1, 1, 0, 0, 0, 0, 0],
    ]);
  });

  it('is the same at a tie of zeros of either sign', async () => {
    expect(await gradientsOf((a, b) => maximum(a!, b!), [f64(1), f64(1)], [[-0], [0]])).toEqual([[1], [0]]);
  });
});
