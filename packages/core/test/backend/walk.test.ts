import { describe, expect, it } from 'vitest';
import { planKernels } from '../../src/backend/plan.ts';
import { readTokenPass, tokenPassComposites, tokenPassName } from '../../src/backend/token-pass.ts';
import { walkPlan } from '../../src/backend/walk.ts';
import type { CompositeKernel } from '../../src/backend/kernels.ts';
import { assign } from '../../src/ddcl/assign.ts';
import { forward } from '../../src/ddcl/forward.ts';
import { composite } from '../../src/program/composite.ts';
import { detach } from '../../src/program/ops/create.ts';
import { add, exp, mul, neg, tanh } from '../../src/program/ops/elementwise.ts';
import { reshape, slice } from '../../src/program/ops/layout.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { elementCount, f64, type TensorType } from '../../src/program/tensor-type.ts';
import { trace, type Tensor } from '../../src/program/trace.ts';
import { type RefTensor } from '../support/reference.ts';
import { strictBackend, strictOptions } from '../support/strict-backend.ts';
import { randomValue, run } from '../support/run.ts';

const input = (...shape: number[]) => randomValue(f64(...shape), 1);

/** Runs a body and reports the kernels, how many tensors were made in all, and how many were alive at once. */
async function observe(body: (x: Tensor) => readonly Tensor[], { alias = true } = {}) {
  const backend = strictBackend({ alias });
  const executable = await backend.compile(trace([f64(4)], body));
  const x = backend.upload(f64(4) as never, input(4).data);
  const results = await executable.run([x]);
  const { calls, made, peak, released } = backend.log;
  const alive = backend.log.alive.size;
  const memory = backend.memory();
  const numbers = await Promise.all(results.map(async (buffer) => Array.from(await backend.download(buffer))));
  for (const buffer of results) backend.free(buffer);
  expect(backend.log.alive.size).toBe(1);
  backend.free(x);
  expect(backend.log.alive.size).toBe(0);
  expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  return { calls: [...calls], made, peak, released, alive, memory, numbers };
}

const data = Array.from(input(4).data);

describe('the walker', () => {
  it('releases each value after its last use', async () => {
    // A chain of 20 needs two tensors at a time beside the input.
    const { peak, made, released, alive } = await observe((x) => {
      let value = x;
      for (let index = 0; index < 20; index++) value = tanh(value);
      return [value];
    });
    expect({ peak, made, released, alive }).toEqual({ peak: 3, made: 21, released: 19, alive: 2 });
  });

  it('keeps a value until its last use', async () => {
    const { peak, numbers } = await observe((x) => {
      const first = exp(x);
      return [add(neg(tanh(neg(first))), first)];
    });
    expect(numbers[0]).toEqual(data.map((each) => -Math.tanh(-Math.exp(each)) + Math.exp(each)));
    expect(peak).toBe(4);
  });

  it.each<[string, (x: Tensor) => readonly Tensor[], readonly ((x: number) => number)[], number]>([
    [
      'a reshape of an intermediate',
      (x) => [sum(reshape(exp(x), [2, 2]), [1], { keepDims: true })].map((s) => reshape(s, [2])),
      [],
      1,
    ],
    ['a reshape of a parameter', (x) => [reshape(x, [2, 2])], [(x) => x], 1],
    ['a detached parameter', (x) => [detach(x)], [(x) => x], 1],
    ['a parameter', (x) => [x], [(x) => x], 1],
    ['a parameter twice', (x) => [x, x], [(x) => x, (x) => x], 2],
    [
      'a result twice',
      (x) => {
        const y = neg(x);
        return [y, y, y];
      },
      [(x) => -x, (x) => -x, (x) => -x],
      3,
    ],
    [
      'a result and a reshape of it',
      (x) => {
        const y = neg(x);
        return [reshape(y, [2, 2]), y, detach(y)];
      },
      [(x) => -x, (x) => -x, (x) => -x],
      3,
    ],
    [
      'a result that outlives what it was reshaped from',
      (x) => {
        const y = neg(x);
        return [reshape(y, [4, 1]), exp(y)];
      },
      [(x) => -x, (x) => Math.exp(-x)],
      2,
    ],
    [
      'a chain of reshapes',
      (x) => [exp(reshape(detach(reshape(detach(neg(x)), [2, 2])), [4]))],
      [(x) => Math.exp(-x)],
      1,
    ],
  ])("hands out tensors that are the caller's alone: %s", async (_, body, expected, results) => {
    for (const alias of [true, false]) {
      const { numbers, alive, memory } = await observe(body, { alias });
      expect(alive).toBe(1 + results);
      expect(memory.buffers).toBe(1 + results);
      expected.forEach((f, index) => expect(numbers[index]).toEqual(data.map(f)));
    }
  });

  it('releases what an aliased chain leaves exactly once', async () => {
    // neg makes one tensor, which detach and reshape pass on; exp makes the result.
    const { made, released } = await observe((x) => [exp(reshape(detach(neg(x)), [2, 2]))]);
    expect({ made, released }).toEqual({ made: 3, released: 1 });
  });

  it('runs no kernel for what has no elements', async () => {
    const { calls, numbers, alive } = await observe((x) => {
      const nothing = slice(x, [2], [0]);
      return [exp(nothing), add(x, sum(neg(nothing))), nothing];
    });
    expect(numbers).toEqual([[], data, []]);
    expect(calls).toEqual([]);
    expect(alive).toBe(2);
  });
});

/** Doubles and negates; the second output is often not needed. */
const both = (x: Tensor): readonly Tensor[] =>
  composite({ name: 'both/1', decomposition: (a) => [mul(a!, 2), neg(a!)] }, [x]);
const bothKernel: CompositeKernel<RefTensor> = ([x]) => [
  { dtype: 'float64', data: x!.data.map((each) => each * 2) },
  { dtype: 'float64', data: x!.data.map((each) => -each) },
];

describe('a composite kernel', () => {
  const calls: string[] = [];
  const options = { composites: { 'both/1': bothKernel }, before: (op: string) => void calls.push(op) };

  it('runs in place of the decomposition, and unused outputs are released', async () => {
    for (const [body, expected] of [
      [
        (x: Tensor) => both(x),
        [
          [2, 4],
          [-1, -2],
        ],
      ],
      [(x: Tensor) => [exp(both(x)[1]!)], [[Math.exp(-1), Math.exp(-2)]]],
      [(x: Tensor) => [both(x)[0]!], [[2, 4]]],
    ] as const) {
      calls.length = 0;
      const program = trace([f64(2)], body);
      const inputs = [{ type: f64(2) as never, data: Float64Array.of(1, 2) }];
      expect(await run(program, inputs, options)).toEqual(expected);
      expect(calls).toContain('both/1');
      expect(await run(program, inputs)).toEqual(expected);
    }
  });

  it('is told what is needed, and may leave the rest out', async () => {
    const told: (readonly boolean[])[] = [];
    const sparing: CompositeKernel<RefTensor> = (inputs, call) => {
      told.push(call.needed);
      return bothKernel(inputs, call).map((native, index) => (call.needed[index] ? native : undefined));
    };
    const inputs = [{ type: f64(2) as never, data: Float64Array.of(1, 2) }];
    const ofOne = trace([f64(2)], (x) => [exp(both(x)[1]!), slice(both(x)[0]!, [2], [0])]);
    expect(await run(ofOne, inputs, { composites: { 'both/1': sparing } })).toEqual([[Math.exp(-1), Math.exp(-2)], []]);
    expect(await run(trace([f64(2)], both), inputs, { composites: { 'both/1': sparing } })).toEqual([
      [2, 4],
      [-1, -2],
    ]);
    expect(told).toEqual([
      [false, true],
      [true, true],
    ]);
    await expect(run(ofOne, inputs, { composites: { 'both/1': () => [undefined, undefined] } })).rejects.toThrow(
      'returned nothing as output 1, where f64[2] is needed',
    );
  });

  it('of a token pass stands for all that it computes, and runs once', async () => {
    const asked: string[] = [];
    // Rows of 7 are no assignments, and say who made them.
    const kernel: CompositeKernel<RefTensor> = (_, { attributes, outputTypes }) => {
      asked.push(readTokenPass(attributes, []).quantities.join(' '));
      return outputTypes.map(({ dtype, shape }) => ({ dtype, data: new Float64Array(elementCount(shape)).fill(7) }));
    };
    const backend = strictBackend({ composites: { [tokenPassName]: kernel } });
    expect(backend.capabilities.composites).toEqual(tokenPassComposites);
    const program = trace([f64(3, 2), f64(4, 2), f64()], (tokens, prototypes, temperature) => [
      sum(assign({ tokens, prototypes, temperature })),
      forward({ tokens, prototypes, temperature }),
    ]);
    const inputs = [f64(3, 2), f64(4, 2), f64()].map((type) => randomValue(type, 1, 1, 2));
    expect(await run(program, inputs, { composites: { [tokenPassName]: kernel } })).toEqual([[84], [7, 7, 7, 7, 7, 7]]);
    expect(asked).toEqual(['assignments outputs']);
  });

  it('runs inside another composite that has none', async () => {
    calls.length = 0;
    const program = trace([f64(2)], (x) =>
      composite({ name: 'outer/1', decomposition: (a) => [exp(both(a!)[0]!)] }, [x]),
    );
    await run(program, [input(2)], options);
    expect(calls).toEqual(['both/1', 'exp']);
  });

  it('never meets empty tensors', async () => {
    const program = trace([f64('n')], (x) => {
      const [total, parts] = composite({ name: 'total/1', decomposition: (a) => [add(sum(a!), 1), neg(a!)] }, [x]);
      return [total!, parts!];
    });
    let met = 0;
    const kernel: CompositeKernel<RefTensor> = ([x]) => {
      met++;
      return [
        { dtype: 'float64', data: Float64Array.of(x!.data.reduce((a, b) => a + b, 1)) },
        { dtype: 'float64', data: x!.data.map((each) => -each) },
      ];
    };
    expect(
      await run(program, [{ type: f64(2) as never, data: Float64Array.of(1, 2) }], {
        composites: { 'total/1': kernel },
      }),
    ).toEqual([[4], [-1, -2]]);
    expect(
      await run(program, [{ type: f64(0) as never, data: new Float64Array(0) }], { composites: { 'total/1': kernel } }),
    ).toEqual([[1], []]);
    expect(met).toBe(1);
  });
});

describe('walkPlan', () => {
  it('is synchronous and leaves its inputs to the caller', () => {
    const { options, log } = strictOptions();
    const program = trace([f64(2), f64(0)], (x, nothing) => [add(neg(x), sum(nothing)), nothing, x]);
    const x = options.upload(f64(2) as never, Float64Array.of(1, 2));
    const results = walkPlan(planKernels(program, []), [x, undefined], options);
    expect(results.map((native) => native && Array.from(native.data))).toEqual([[-1, -2], undefined, [1, 2]]);
    expect(log.alive).toEqual(new Set([x, results[0], results[2]]));
    expect(results[2]).not.toBe(x);
  });

  it('takes one tensor for two parameters', () => {
    const { options, log } = strictOptions();
    const program = trace([f64(2), f64(2)], (x, y) => [add(x, y), reshape(x, [2, 1]), y]);
    const x = options.upload(f64(2) as never, Float64Array.of(1, 2));
    const results = walkPlan(planKernels(program, []), [x, x], options);
    expect(results.map((native) => Array.from(native!.data))).toEqual([
      [2, 4],
      [1, 2],
      [1, 2],
    ]);
    expect(log.alive.size).toBe(4);
  });
});

describe('planKernels', () => {
  it('refuses a symbol and names the remedy', () => {
    const types: TensorType[] = [f64('n')];
    expect(() =>
      planKernels(
        trace(types, (x) => [neg(x!)], 'open'),
        [],
      ),
    ).toThrow(/open.*f64\[n\].*specialise\(program, \{ n:/);
  });

  it('names what dies with each step, and never parameters or results', () => {
    const plan = planKernels(
      trace([f64(2)], (x) => {
        const y = neg(x);
        return [exp(tanh(y)), y];
      }),
      [],
    );
    expect(plan.steps.map(({ instruction, dead }) => [instruction.op, dead])).toEqual([
      ['neg', []],
      ['tanh', []],
      ['exp', [2]],
    ]);
  });
});
