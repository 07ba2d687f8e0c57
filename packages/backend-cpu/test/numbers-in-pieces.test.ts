import {
  add,
  argMax,
  broadcastTo,
  cast,
  concat,
  createRandom,
  erf,
  exp,
  f32,
  forward,
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
  softmax,
  sum,
  trace,
  transpose,
  type ConcreteType,
  type Program,
  type TensorType,
} from '@ddcl/core';
import { elementCount } from '@ddcl/core/backend';
import { afterEach, describe, expect, it } from 'vitest';
import type { Value } from '../../core/test/support/run.ts';
import { pieceWork, setPieceWork } from '../src/arithmetic/pieces.ts';
import { cpuBackend } from '../src/index.ts';
import { runOn } from './run-on.ts';

/*
 * Work that is cut into pieces gives the bits of work that is not. The conformance suite's cases are too small to be cut at the usual size; it runs once more,
 * cut small, in conformance-in-pieces.thorough.test.ts.
 */

const whole = pieceWork;
afterEach(() => setPieceWork(whole));

/** Reproducible numbers; whole ones below `below` for indices, positive ones for weights and temperature. */
function inputsOf({ parameters }: Program, below: number): Value[] {
  const random = createRandom(7);
  return parameters.map((type) => {
    const { dtype, shape } = type as ConcreteType;
    const length = elementCount(shape);
    const data =
      dtype === 'int32'
        ? Int32Array.from({ length }, () => random.integer(below))
        : Float32Array.from({ length }, () => (shape.length < 2 ? 0.2 + random.uniform() : random.normal()));
    return { type: type as ConcreteType, data };
  });
}

const [n, m, count] = [37, 13, 11];
const pass: [TensorType, TensorType, TensorType, TensorType] = [f32(n, m), f32(n), f32(count, m), f32()];
const cube: TensorType = f32(5, 7, 11);
const four: TensorType = f32(3, 4, 5, 6);

describe('bit by bit as in one piece', () => {
  it.each<[string, Program, number?]>([
    ['matmul', trace([f32(19, 23), f32(23, 17)], (a, b) => [matmul(a, b)])],
    [
      'matmul of transposed',
      trace([f32(23, 19), f32(17, 23)], (a, b) => [matmul(a, b, { transposeA: true, transposeB: true })]),
    ],
    ['matmuls in a batch', trace([f32(6, 9, 8), f32(6, 8, 10)], (a, b) => [matmul(a, b)])],
    ['a product of one column', trace([f32(40, 9), f32(9, 1)], (a, b) => [matmul(a, b)])],
    ['elementwise', trace([cube, cube], (x, y) => [add(x, y), exp(x), erf(x), select(less(x, y), x, y)])],
    ['with broadcasting', trace([cube, f32(11), f32(7, 1), f32()], (x, y, z, t) => [add(x, y), add(x, z), add(t, x)])],
    ['of rank four', trace([four, f32(4, 1, 6), f32(3, 1, 5, 1)], (x, y, z) => [add(x, y), add(z, x)])],
    ['reductions', trace([four], (x) => [sum(x), sum(x, [0]), sum(x, [1, 3]), max(x, [2]), max(x, [0, 1])])],
    ['argMax', trace([cube], (x) => [argMax(x, 0), argMax(x, 1), argMax(x, 2)])],
    ['softmax', trace([f32(9, 31)], (x) => [softmax(x)])],
    ['transposes', trace([four], (x) => [transpose(x), transpose(x, [2, 0, 3, 1])])],
    [
      'layout',
      trace([four, four], (x, y) => [
        broadcastTo(x, [2, 3, 4, 5, 6]),
        slice(x, [1, 0, 2, 1], [2, 4, 3, 5]),
        concat([x, y], 1),
        concat([x, y], 3),
      ]),
    ],
    ['gather', trace([f32(9, 6), i32(25)], (x, indices) => [gather(x, indices)]), 9],
    ['segmentSum', trace([f32(25, 6), i32(25)], (x, ids) => [segmentSum(x, ids, { segments: 4 })]), 4],
    ['made and cast', trace([f32(6, 5)], (x) => [iota(x, 'int32', [4, 6, 5], 1), cast(x, 'int32')])],
    [
      'losses',
      trace(pass, (tokens, weights, prototypes, temperature) => {
        const { lq, lols, v } = loss({ tokens, weights, prototypes, temperature });
        return [lq, lols, v];
      }),
    ],
    [
      'a gradient',
      trace(pass, (tokens, weights, prototypes, temperature) => {
        const { lq, gradient } = lossAndGradient({ tokens, weights, prototypes, temperature });
        return [lq, gradient];
      }),
    ],
    [
      'outputs',
      trace([f32(n, m), f32(count, m), f32()], (tokens, prototypes, temperature) => [
        forward({ tokens, prototypes, temperature }),
      ]),
    ],
    [
      'a Hessian product',
      trace([...pass, f32(count, m)], (tokens, weights, prototypes, temperature, direction) => [
        hessianProduct({ tokens, weights, prototypes, temperature }, direction),
      ]),
    ],
    [
      'the nearest',
      trace([f32(n, m), f32(count, m)], (tokens, prototypes) => [nearest({ tokens, prototypes }).indices]),
    ],
    [
      'sums over segments',
      trace([...pass, i32(n)], (tokens, weights, prototypes, temperature, ids) => {
        const { mass, sums } = segmentSums({ tokens, weights, prototypes, temperature, ids }, 4);
        return [mass, sums];
      }),
      4,
    ],
  ])('%s', async (_, program, below = 1) => {
    const inputs = inputsOf(program, below);
    for (const simd of [true, false]) {
      for (const fused of [true, false]) {
        const backend = cpuBackend({ simd, fused });
        setPieceWork(Infinity);
        const expected = await runOn(backend, program, inputs);
        for (const work of [1, 20, 333]) {
          setPieceWork(work);
          expect(await runOn(backend, program, inputs), `pieces of ${work}`).toEqual(expected);
        }
      }
    }
  });
});
