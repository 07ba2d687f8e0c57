import {
  add,
  argMax,
  broadcastTo,
  cast,
  concat,
  constant,
  detach,
  div,
  equal,
  erf,
  exp,
  f32,
  f64,
  gather,
  i32,
  iota,
  less,
  log,
  matmul,
  max,
  maximum,
  minimum,
  mul,
  neg,
  reshape,
  segmentSum,
  select,
  slice,
  sqrt,
  sub,
  sum,
  tanh,
  trace,
  transpose,
  type Tensor,
  type TensorType,
} from '@ddcl/core';
import { primitiveOps, type Backend, type Program } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import { run, randomValue, value, type Value } from '../../core/test/support/run.ts';
import { cpuBackend } from '../src/index.ts';

/** Sizes around the tile of the matrix product (4), its panel (64) and the chunk of the fused kernels (64). */
const sizes = [1, 3, 4, 63, 64, 65, 257];

/**
 * The reference computes every element by index arithmetic in float64 and rounds it once, and so do the kernels; only the
 * order of sums differs. float64: 257 additions of numbers of order 1 stay within 1e-13 of the largest result. float32:
 * both round the same double but for that noise, so they differ by one unit in the last place at most, 1.2e-7.
 */
const tolerance = { float32: 1.3e-7, float64: 1e-13 } as const;

async function runCpu(
  program: Program,
  inputs: readonly Value[],
  backend: Backend = cpuBackend(),
): Promise<number[][]> {
  const executable = await backend.compile(program);
  const buffers = inputs.map(({ type, data }) => backend.upload(type, data));
  const results = await executable.run(buffers);
  const numbers = await Promise.all(results.map(async (buffer) => Array.from(await backend.download(buffer))));
  for (const buffer of [...buffers, ...results]) backend.free(buffer);
  expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  return numbers;
}

interface Case {
  readonly inputs: readonly TensorType[];
  readonly body: (...inputs: Tensor[]) => Tensor;
  /** Bounds of the random inputs; default -2 to 2. */
  readonly range?: readonly [number, number];
  /** Inputs that are not random numbers, by position. */
  readonly given?: Readonly<Record<number, readonly number[]>>;
}

type Float = (...shape: number[]) => TensorType;

const ids = (length: number, bound: number): number[] => Array.from({ length }, (_, index) => (index * 7 + 3) % bound);

function cases(n: number, f: Float): Record<string, readonly Case[]> {
  const unary = (body: (x: Tensor) => Tensor, range: readonly [number, number] = [-2, 2]): Case[] => [
    { inputs: [f(n)], body: (x) => body(x!), range },
    { inputs: [f(2, n, 3)], body: (x) => body(x!), range },
  ];
  const binary = (body: (a: Tensor, b: Tensor) => Tensor, range: readonly [number, number] = [-2, 2]): Case[] =>
    [
      [
        [n, 3],
        [n, 3],
      ],
      [[n, 3], []],
      [[], [n, 3]],
      [[n, 3], [3]],
      [
        [n, 3],
        [n, 1],
      ],
      [
        [n, 1],
        [1, 5],
      ],
      [
        [2, 1, n],
        [3, 1],
      ],
    ].map(([a, b]) => ({ inputs: [f(...a!), f(...b!)], body: (x, y) => body(x!, y!), range }));
  const matrices = ([false, true] as const).flatMap((transposeA) =>
    ([false, true] as const).flatMap((transposeB): Case[] =>
      [
        [n, 5, 3],
        [5, n, 3],
        [5, 3, n],
      ].map(([rows, inner, columns]) => ({
        inputs: [
          transposeA ? f(inner!, rows!) : f(rows!, inner!),
          transposeB ? f(columns!, inner!) : f(inner!, columns!),
        ],
        body: (a, b) => matmul(a!, b!, { transposeA, transposeB }),
      })),
    ),
  );
  return {
    neg: unary(neg),
    exp: unary(exp),
    log: unary(log, [0.1, 9]),
    sqrt: unary(sqrt, [0.1, 9]),
    tanh: unary(tanh),
    erf: unary(erf, [-7, 7]),
    add: binary(add),
    sub: binary(sub),
    mul: binary(mul),
    div: binary(div, [0.5, 3]),
    maximum: binary(maximum),
    minimum: binary(minimum),
    less: binary(less),
    equal: [
      { inputs: [f(n), f(1)], body: (a, b) => equal(a!, b!), given: { 0: ids(n, 3), 1: [1] } },
      { inputs: [f(n, 2), f(n, 1)], body: (a, b) => equal(a!, b!), given: { 0: ids(2 * n, 2), 1: ids(n, 2) } },
    ],
    select: [
      { inputs: [i32(n), f(n), f(n)], body: (c, a, b) => select(c!, a!, b!), given: { 0: ids(n, 3) } },
      { inputs: [i32(n, 1), f(3), f(1, 1)], body: (c, a, b) => select(c!, a!, b!), given: { 0: ids(n, 2) } },
    ],
    sum: [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]].flatMap((axes) => [
      { inputs: [f(3, n, 2)], body: (x: Tensor) => sum(x, axes) },
      { inputs: [f(n, 2, 3)], body: (x: Tensor) => sum(x, axes, { keepDims: true }) },
    ]),
    max: [[0], [1], [2], [0, 2], [0, 1, 2]].map((axes) => ({
      inputs: [f(3, n, 2)],
      body: (x: Tensor) => max(x, axes),
    })),
    argMax: [
      ...[0, 1, 2].map((axis) => ({ inputs: [f(3, n, 2)], body: (x: Tensor) => argMax(x, axis) })),
      { inputs: [f(n, 4)], body: (x: Tensor) => argMax(x, 1), given: { 0: ids(4 * n, 2) } },
    ],
    matmul: [
      ...matrices,
      { inputs: [f(3, n, 4), f(3, 4, 5)], body: (a, b) => matmul(a!, b!) },
      { inputs: [f(2, 1, n, 2), f(3, 2, 5)], body: (a, b) => matmul(a!, b!) },
      { inputs: [f(n, 2), f(2, 2, n)], body: (a, b) => matmul(a!, b!) },
    ],
    reshape: [{ inputs: [f(n, 6)], body: (x) => reshape(x!, [2, n, 3]) }],
    transpose: [
      { inputs: [f(n, 3)], body: (x) => transpose(x!) },
      { inputs: [f(2, n, 3)], body: (x) => transpose(x!, [1, 2, 0]) },
    ],
    broadcastTo: [
      { inputs: [f(3, 1)], body: (x) => broadcastTo(x!, [2, 3, n]) },
      { inputs: [f(n)], body: (x) => broadcastTo(x!, [3, n]) },
    ],
    slice: [{ inputs: [f(4, n + 2)], body: (x) => slice(x!, [1, 2], [2, n]) }],
    concat: [
      { inputs: [f(n, 2), f(3, 2), f(n, 2)], body: (a, b, c) => concat([a!, b!, c!], 0) },
      { inputs: [f(2, n, 2), f(2, 1, 2)], body: (a, b) => concat([a!, b!], 1) },
    ],
    gather: [{ inputs: [f(5, 3), i32(n)], body: (x, index) => gather(x!, index!), given: { 1: ids(n, 5) } }],
    segmentSum: [
      // Segment 5 stays empty.
      { inputs: [f(n, 2), i32(n)], body: (x, id) => segmentSum(x!, id!, { segments: 6 }), given: { 1: ids(n, 5) } },
      {
        inputs: [f(n), i32(n)],
        body: (x, id) => segmentSum(x!, id!, { segments: 3, sorted: true }),
        given: { 1: ids(n, 3).sort() },
      },
    ],
    constant: [{ inputs: [f(1)], body: (x) => add(x!, constant(x!, x!.dtype, [n], ids(n, 9))) }],
    iota: [
      { inputs: [f(1)], body: (x) => iota(x!, x!.dtype, [n, 3], 0) },
      { inputs: [f(1)], body: (x) => iota(x!, 'int32', [2, n, 3], 1) },
    ],
    cast: [
      { inputs: [f(n)], body: (x) => cast(x!, 'int32') },
      { inputs: [f(n)], body: (x) => cast(x!, x!.dtype === 'float32' ? 'float64' : 'float32') },
      { inputs: [i32(n)], body: (x) => cast(x!, 'float32'), given: { 0: ids(n, 9) } },
    ],
    detach: [{ inputs: [f(n)], body: (x) => detach(x!) }],
  };
}

describe('every primitive agrees with the reference', () => {
  it('has cases for all of them', () => {
    expect(Object.keys(cases(1, f32)).sort()).toEqual([...primitiveOps].sort());
  });

  for (const [dtype, f] of [
    ['float32', f32],
    ['float64', f64],
  ] as const) {
    it.each(primitiveOps)(`${dtype} %s`, async (op) => {
      for (const n of sizes) {
        for (const { inputs, body, range = [-2, 2], given = {} } of cases(n, f as Float)[op]!) {
          const program = trace(inputs, (...tensors) => [body(...(tensors as Tensor[]))], op);
          const values = inputs.map((type, index) =>
            given[index] === undefined
              ? randomValue(type, 17 * n + index, range[0], range[1])
              : value(type, given[index]!),
          );
          const [[expected], [actual]] = [await run(program, values), await runCpu(program, values)];
          expect(actual!.length).toBe(expected!.length);
          const largest = expected!.reduce((most, number) => Math.max(most, Math.abs(number)), 1e-300);
          actual!.forEach((number, index) => {
            const error = Math.abs(number - expected![index]!);
            // Results of int32 and of moving elements are exact; their tolerance is never used.
            expect(error, `element ${index} of ${op} with n = ${n}`).toBeLessThanOrEqual(tolerance[dtype] * largest);
          });
        }
      }
    });
  }
});

describe('int32', () => {
  it('wraps around', async () => {
    const program = trace([i32(2), i32(2)], (a, b) => [add(a, b), mul(a, b), sub(neg(a), b)]);
    const values = [value(i32(2), [2147483647, 123456789]), value(i32(2), [1, 987654321])];
    const [sums, products, differences] = await runCpu(program, values);
    expect(sums).toEqual([-2147483648, 1111111110]);
    expect(products).toEqual([2147483647, Math.imul(123456789, 987654321)]);
    expect(differences).toEqual([-2147483648, -1111111110]);
  });
});

describe('erf', () => {
  // From mpmath 1.4.1 with 40 digits, rounded to double.
  it.each([
    [1e-10, 1.1283791670955126e-10],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2.49, 0.9995707121322661],
    [2.51, 0.9996142945182758],
    [3.5, 0.9999992569016276],
    [5.9, 0.9999999999999999],
  ])('of %f', async (x, expected) => {
    const [[up, down]] = (await runCpu(
      trace([f64(2)], (t) => [erf(t)]),
      [value(f64(2), [x, -x])],
    )) as [[number, number]];
    expect(Math.abs(up / expected - 1)).toBeLessThan(4e-16);
    expect(down).toBe(-up);
  });
});

describe('out of range', () => {
  it('indices and ids are errors that say the range', async () => {
    const gathering = trace([f32(3, 1), i32(1)], (x, index) => [gather(x, index)]);
    await expect(runCpu(gathering, [value(f32(3, 1), [1, 2, 3]), value(i32(1), [3])])).rejects.toThrow(
      'index 3, which is outside 0..2',
    );
    const adding = trace([f32(1), i32(1)], (x, id) => [segmentSum(x, id, { segments: 2 })]);
    await expect(runCpu(adding, [value(f32(1), [1]), value(i32(1), [-1])])).rejects.toThrow(
      'id -1, which is outside 0..1',
    );
  });
});
