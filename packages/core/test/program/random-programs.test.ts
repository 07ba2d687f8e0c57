import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inferPrimitive } from '../../src/program/infer/infer.ts';
import type { PrimitiveOp } from '../../src/program/attributes.ts';
import { specialise } from '../../src/program/specialise.ts';
import { expandComposites } from '../../src/program/expand.ts';
import { f32, f64, i32, type ConcreteType } from '../../src/program/tensor-type.ts';
import { Tensor, trace } from '../../src/program/trace.ts';
import { composite } from '../../src/program/composite.ts';
import type { Kernel } from '../../src/backend/kernels.ts';
import { referenceKernels, type RefTensor } from '../support/reference.ts';
import { randomNumbers, randomValue, run, type Value } from '../support/run.ts';

interface Step {
  readonly op: PrimitiveOp;
  readonly inputs: readonly number[];
  readonly attributes: object;
}

/** A list of steps over numbered values, each legal by construction, and what it gives if each is run as it stands. */
interface Plan {
  readonly parameters: readonly Value[];
  readonly steps: readonly Step[];
  readonly values: readonly RefTensor[];
  readonly types: readonly ConcreteType[];
}

/** Random but legal: draws ops and operands until the types fit, and computes every step at once. */
function makePlan(seed: number, length: number, sizes: readonly number[]): Plan {
  const random = randomNumbers(seed);
  const below = (count: number): number => Math.floor(random() * count);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const shape = (): number[] => Array.from({ length: below(4) }, () => pick(sizes));
  const make = [f64, f64, f32, i32];
  const parameters = Array.from({ length: 1 + below(3) }, (_, index) =>
    randomValue(pick(make)(...shape()), seed + index, -3, 3),
  );
  const types: ConcreteType[] = parameters.map(({ type }) => type);
  const values: RefTensor[] = parameters.map(({ type, data }) => ({
    dtype: type.dtype,
    data: Float64Array.from(data),
  }));
  const steps: Step[] = [];

  const draw = (): Step => {
    const x = below(types.length);
    const type = types[x]!;
    const rank = type.shape.length;
    const axis = below(Math.max(rank, 1));
    const other = below(types.length);
    const permutation = type.shape.map((_, index) => index).sort(() => random() - 0.5);
    const starts = type.shape.map((size) => below(size + 1));
    const axes = type.shape.map((_, index) => index).filter(() => random() < 0.6);
    const keepDims = random() < 0.5;
    const transposed = { transposeA: random() < 0.5, transposeB: random() < 0.5 };
    const data = Float64Array.from({ length: 2 }, () => pick([0, 0, -0, 1, -2]));
    const same = [x, random() < 0.5 ? x : other];
    const step = (op: PrimitiveOp, inputs: readonly number[], attributes: object = {}): Step => ({
      op,
      inputs,
      attributes,
    });
    return pick<() => Step>([
      () => step(pick(['neg', 'tanh', 'erf', 'detach'] as const), [x]),
      () => step(pick(['add', 'sub', 'mul', 'maximum', 'minimum', 'less', 'equal'] as const), same),
      () => step(pick(['add', 'sub', 'mul', 'maximum', 'minimum'] as const), [other, x]),
      () => step('select', [x, ...same]),
      () => step(pick(['sum', 'max'] as const), [x], { axes, keepDims }),
      () => step('argMax', [x], { axis }),
      () => step('matmul', same, transposed),
      () =>
        step('reshape', [x], {
          shape:
            random() < 0.5 ? [type.shape.reduce((a, b) => a * b, 1)] : [1, ...type.shape].sort(() => random() - 0.5),
        }),
      () => step('transpose', [x], { permutation }),
      () =>
        step('broadcastTo', [x], {
          shape: [pick(sizes), ...type.shape.map((size) => (size === 1 ? pick(sizes) : size))],
        }),
      () => step('slice', [x], { starts, sizes: type.shape.map((size, index) => below(size - starts[index]! + 1)) }),
      () => step('concat', random() < 0.5 ? same : [...same, x], { axis }),
      () => step('gather', [x, other]),
      () => step('segmentSum', [x, other], { segments: 1 + below(4), sorted: false }),
      () =>
        step(
          'constant',
          [],
          random() < 0.5
            ? { dtype: 'float64', shape: [2], data }
            : { dtype: 'int32', shape: [], data: Int32Array.of(below(2)) },
        ),
      () => step('iota', [], { dtype: pick(['float64', 'int32']), shape: [1 + below(3), pick(sizes)], axis: below(2) }),
      () => step('cast', [x], { dtype: pick(['float64', 'int32']) }),
    ])();
  };

  /** Whether the elements fit: indices in range, nothing large (int32 casts of large numbers differ between devices). */
  const fits = ({ op, inputs }: Step): boolean => {
    const data = inputs.map((id) => values[id]!.data);
    const limit = op === 'gather' ? types[inputs[0]!]!.shape[0]! : op === 'segmentSum' ? 1 : Infinity;
    return (
      data.every((each) => each.every((element) => Math.abs(element) < 1e6)) &&
      (limit === Infinity || data[1]!.every((id) => id >= 0 && id < limit))
    );
  };
  for (let attempt = 0; attempt < 40 * length && steps.length < length; attempt++) {
    const step = draw();
    const inputTypes = step.inputs.map((id) => types[id]!);
    let outputType: ConcreteType;
    try {
      outputType = inferPrimitive(step.op, inputTypes, step.attributes as never) as ConcreteType;
    } catch {
      continue;
    }
    if (!fits(step) || outputType.shape.reduce((a, b) => a * b, 1) > 200) continue;
    // The reference computes empties too: a sum over none of the cells is 0.
    const kernel = referenceKernels[step.op] as Kernel<RefTensor, object>;
    const computed = kernel(
      step.inputs.map((id) => values[id]!),
      { attributes: step.attributes, inputTypes, outputType },
    );
    types.push(outputType);
    values.push(computed);
    steps.push(step);
  }
  return { parameters, steps, values, types };
}

/** 0 and -0 count as equal: leaving out `x + 0` may keep the sign of a zero. */
function plainZeros(numbers: ArrayLike<number>): number[] {
  return Array.from(numbers, (number) => number + 0);
}

/** The plan as a program; `wrapped` steps stand inside a composite of their own. */
function programOf(
  { parameters, steps }: Plan,
  results: readonly number[],
  wrapped: (step: number) => boolean,
): ReturnType<typeof trace> {
  return trace(
    parameters.map(({ type }) => type),
    (...tensors) => {
      const all = tensors as Tensor[];
      steps.forEach(({ op, inputs, attributes }, index) => {
        const operands = inputs.map((id) => all[id]!);
        const apply = (values: readonly Tensor[]): Tensor => {
          const { builder } = values[0] ?? all[0]!;
          return new Tensor(
            builder,
            builder.add(
              op,
              values.map(({ id }) => id),
              attributes as never,
            ),
          );
        };
        all.push(
          wrapped(index) && operands.length > 0
            ? composite({ name: `step${index}/1`, decomposition: (...values) => [apply(values)] }, operands)[0]!
            : apply(operands),
        );
      });
      return results.map((id) => all[id]!);
    },
  );
}

describe('a random program', () => {
  it.each([
    ['of sizes 1 to 3', [1, 2, 3]],
    ['with empty tensors', [0, 1, 2]],
  ])(
    '%s gives what its steps give one by one',
    async (_, sizes) => {
      const used = new Set<string>();
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: 2 ** 30 }),
          fc.integer({ min: 1, max: 14 }),
          fc.integer({ min: 0, max: 3 }),
          async (seed, length, wrapping) => {
            const plan = makePlan(seed, length, sizes);
            const random = randomNumbers(seed + 7);
            // The last value and some others, so that some values die early; now and then one twice.
            const results = plan.values
              .map((_value, id) => id)
              .filter((id) => id === plan.values.length - 1 || random() < 0.4);
            results.push(results[0]!);
            const program = programOf(plan, results, (step) => wrapping > 0 && step % wrapping === 0);
            const got = await run(program, plan.parameters, { alias: seed % 2 === 0 });
            results.forEach((id, index) => expect(plainZeros(got[index]!)).toEqual(plainZeros(plan.values[id]!.data)));
            expect(await run(expandComposites(specialise(program, {})), plan.parameters)).toEqual(got);
            for (const { op } of plan.steps) used.add(op);
          },
        ),
        { seed: 20240607, numRuns: 400 },
      );
      // The generator reaches nearly all ops; exp, log, sqrt and div would leave the finite numbers.
      expect(used.size).toBeGreaterThanOrEqual(25);
    },
    60_000,
  );

  it('of values that nobody returns costs nothing', async () => {
    const plan = makePlan(5, 14, [1, 2]);
    const program = programOf(plan, [0], () => false);
    expect(program.instructions).toEqual([]);
    expect(await run(program, plan.parameters)).toEqual([Array.from(plan.parameters[0]!.data)]);
  });
});
