import {
  add,
  argMax,
  broadcastTo,
  cast,
  concat,
  erf,
  exp,
  f32,
  gather,
  hessianProduct,
  i32,
  iota,
  less,
  loss,
  lossAndGradient,
  matmul,
  max,
  nearest,
  segmentSum,
  segmentSums,
  select,
  slice,
  sum,
  trace,
  transpose,
} from '@ddcl/core';
import {
  allocate,
  elementCount,
  planKernels,
  type ConcreteType,
  type Program,
  type TensorType,
  type TypedArray,
} from '@ddcl/core/backend';
import { fit, tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { walkInPieces } from '../../core/src/backend/walk.ts';
import { rejection } from '../../core/test/support/run.ts';
import type { Arithmetic, Scratch } from '../src/arithmetic/arithmetic.ts';
import { pieceWork } from '../src/arithmetic/pieces.ts';
import { composites } from '../src/composites/composites.ts';
import { cpuBackend } from '../src/index.ts';
import { kernels } from '../src/kernels/kernels.ts';

interface Pauses {
  /** How many, the last one after the kernel included. */
  count: number;
  /** Multiply-adds of products: in all, and the most between two pauses. */
  products: number;
  most: number;
}

/** Runs a program on zeros, with products that are counted and not computed. */
function pausesOf(program: Program): Pauses {
  let since = 0;
  const found: Pauses = { count: 0, products: 0, most: 0 };
  const scratch: Scratch = {
    take: (length) => ({ data: new Float64Array(length), at: 0 }),
    multiply({ rows, inner, columns }, fromColumn = 0, toColumn = columns) {
      since += rows * inner * (toColumn - fromColumn);
    },
    addScaled: (_scale, _x, _startX, _y, _startY, length) => {
      since += length;
    },
  };
  const counted: Arithmetic = (work) => work(scratch);
  const fused = composites(counted);
  const plan = planKernels(program, Object.keys(fused));
  const inputs = program.parameters.map(({ dtype, shape }) =>
    allocate(dtype, elementCount(shape as ConcreteType['shape'])).fill(dtype === 'float32' ? 1 : 0),
  );
  const options = {
    kernels: kernels(counted),
    composites: fused,
    copy: (native: TypedArray) => native.slice(),
    release: () => {},
  };
  const pieces = walkInPieces<TypedArray>(plan, inputs, options);
  for (let isDone = false; !isDone;) {
    isDone = pieces.next().done === true;
    found.products += since;
    found.most = Math.max(found.most, since);
    since = 0;
    if (!isDone) found.count++;
  }
  return found;
}

const of = (n: number, m: number, count: number): [TensorType, TensorType, TensorType, TensorType] => [
  f32(n, m),
  f32(n),
  f32(count, m),
  f32(),
];

describe('a kernel pauses', () => {
  it.each<[string, Program, number]>([
    ['matmul', trace([f32(4096, 768), f32(768, 1024)], (a, b) => [matmul(a, b)]), 4096 * 768 * 1024],
    [
      'matmul over a long axis',
      trace([f32(65536, 8), f32(65536, 64)], (a, b) => [matmul(a, b, { transposeA: true })]),
      65536 * 8 * 64,
    ],
    ['matmuls in a batch', trace([f32(4096, 8, 32), f32(4096, 32, 32)], (a, b) => [matmul(a, b)]), 4096 * 8 * 32 * 32],
    [
      'the gradient of a pass',
      trace(of(8192, 1024, 1024), (tokens, weights, prototypes, temperature) => {
        const { lq, gradient } = lossAndGradient({ tokens, weights, prototypes, temperature });
        return [lq, gradient];
      }),
      2 * 8192 * 1024 * 1024,
    ],
    [
      'the losses of a pass',
      trace(of(1024, 1024, 1024), (tokens, weights, prototypes, temperature) => {
        const { lq, lols, v } = loss({ tokens, weights, prototypes, temperature });
        return [lq, lols, v];
      }),
      3 * 1024 ** 3,
    ],
    [
      'a Hessian product',
      trace([...of(1024, 768, 1024), f32(1024, 768)], (tokens, weights, prototypes, temperature, direction) => [
        hessianProduct({ tokens, weights, prototypes, temperature }, direction),
      ]),
      2 * 1024 * 768 * 1024,
    ],
    [
      'the nearest of many',
      trace([f32(1024, 768), f32(4096, 768)], (tokens, prototypes) => [nearest({ tokens, prototypes }).indices]),
      1024 * 768 * 4096,
    ],
  ])('within %s', (_, program, products) => {
    const pauses = pausesOf(program);
    expect(pauses.products).toBeGreaterThanOrEqual(products);
    // What was counted since the last pause, and a piece.
    expect(pauses.most).toBeLessThanOrEqual(2 * pieceWork);
    expect(pauses.count).toBeGreaterThanOrEqual(Math.floor(products / (2 * pieceWork)));
  });

  it('within sums over segments', () => {
    const program = trace([...of(1024, 768, 256), i32(1024)], (tokens, weights, prototypes, temperature, ids) => {
      const { mass, sums } = segmentSums({ tokens, weights, prototypes, temperature, ids }, 2);
      return [mass, sums];
    });
    // Each token is added to each prototype: as many additions as the distances take.
    expect(pausesOf(program).count).toBeGreaterThanOrEqual(Math.floor((2 * 1024 * 768 * 256) / (2 * pieceWork)));
  });

  const large: TensorType = f32(4096, 1024);
  it.each<[string, Program, number]>([
    ['exp', trace([large], (x) => [exp(x)]), 10],
    ['erf', trace([f32(1024, 64)], (x) => [erf(x)]), 3],
    ['add', trace([large, large], (x, y) => [add(x, y)]), 5],
    ['add of a row', trace([large, f32(1024)], (x, y) => [add(x, y)]), 5],
    ['add of a number', trace([f32(2 ** 22), f32()], (x, y) => [add(x, y)]), 5],
    ['add of a number first', trace([f32(), f32(2 ** 22)], (x, y) => [add(x, y)]), 5],
    ['select', trace([large, f32()], (x, y) => [select(less(x, y), x, y)]), 10],
    ['sum', trace([large], (x) => [sum(x)]), 3],
    ['sum over rows', trace([large], (x) => [sum(x, [0])]), 3],
    ['max', trace([large], (x) => [max(x, [1])]), 3],
    ['argMax', trace([large], (x) => [argMax(x, 1)]), 3],
    ['transpose', trace([large], (x) => [transpose(x)]), 5],
    ['broadcastTo', trace([f32(1024)], (x) => [broadcastTo(x, [4096, 1024])]), 5],
    ['slice', trace([large], (x) => [slice(x, [1, 0], [4095, 1023])]), 5],
    ['concat', trace([large, large], (x, y) => [concat([x, y], 1)]), 3],
    ['gather', trace([f32(16, 64), i32(2 ** 17)], (x, indices) => [gather(x, indices)]), 3],
    ['segmentSum', trace([large, i32(4096)], (x, ids) => [segmentSum(x, ids, { segments: 3 })]), 3],
    ['iota', trace([f32()], (x) => [iota(x, 'int32', [4096, 1024], 1)]), 5],
    ['cast', trace([large], (x) => [cast(x, 'int32')]), 3],
  ])('within %s of many numbers', (_, program, count) => {
    expect(pausesOf(program).count).toBeGreaterThanOrEqual(count);
  });
});

describe('a fit on the cpu', () => {
  it.each([
    [256, 768, 64],
    [2048, 32, 1024],
    [1024, 768, 512],
  ])('of %i tokens of %i numbers for %i prototypes ends soon after a timer', async (n, dimension, prototypes) => {
    const data = Float32Array.from({ length: n * dimension }, (_, index) => Math.sin(index * 12.9898) * 1.7);
    const source = tokensFromReader(tokensFromArray(data, dimension));
    const backend = cpuBackend();
    for (const after of [0, 150, 400]) {
      const controller = new AbortController();
      let spent = process.cpuUsage();
      setTimeout(() => {
        spent = process.cpuUsage();
        controller.abort();
      }, after);
      const error = await rejection(fit(backend, source, { prototypes, steps: 10_000, signal: controller.signal }));
      const { user, system } = process.cpuUsage(spent);
      expect(error.code).toBe('aborted');
      // Of this process alone, in microseconds, and far above the 20,000 that it takes: a busy machine makes these longer too.
      expect(user + system).toBeLessThan(1_000_000);
      expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    }
  });
});
