import { broadcastTo, concat, gather, reshape, segmentSum, slice, transpose } from '@ddcl/core';
import { tensorType } from '@ddcl/core/backend';
import { scattered, testSizes } from '../data.ts';
import type { VariantsOf } from '../variants.ts';

const ascending = (a: number, b: number): number => a - b;

/** Ops that move elements, choose rows, or add up rows. */
export const layoutVariants: VariantsOf<
  'reshape' | 'transpose' | 'broadcastTo' | 'slice' | 'concat' | 'gather' | 'segmentSum'
> = {
  reshape: [
    { operands: (n, of) => [of(n, 6)], body: ([x], n) => reshape(x!, [2, n, 3]) },
    {
      name: 'to a scalar and back',
      fixed: true,
      sizes: [1],
      operands: (n, of) => [of(n)],
      body: ([x]) => [reshape(x!, []), reshape(x!, [1, 1, 1])],
    },
  ],
  transpose: [
    { operands: (n, of) => [of(n, 3)], body: ([x]) => transpose(x!) },
    { name: 'by 1,2,0', operands: (n, of) => [of(2, n, 3)], body: ([x]) => transpose(x!, [1, 2, 0]) },
    { name: 'by 0,2,1', operands: (n, of) => [of(2, n, 3)], body: ([x]) => transpose(x!, [0, 2, 1]) },
  ],
  broadcastTo: [
    {
      operands: (_n, of) => [of(3, 1)],
      name: (n) => `to <2,3,${n}>`,
      sizes: [0, 1, 3, 64, 65],
      fixed: true,
      body: ([x], n) => [broadcastTo(x!, [2, 3, n])],
    },
    { operands: (n, of) => [of(n)], body: ([x], n) => broadcastTo(x!, [3, n]) },
    { name: 'along the last axis', operands: (n, of) => [of(n, 1)], body: ([x], n) => broadcastTo(x!, [n, 4]) },
    { name: 'along the first axis', operands: (n, of) => [of(1, n)], body: ([x], n) => broadcastTo(x!, [5, n]) },
  ],
  slice: [
    { name: 'of rows', operands: (n, of) => [of(4, n)], body: ([x], n) => slice(x!, [1, 0], [2, n]) },
    {
      name: 'from the middle',
      fixed: true,
      operands: (n, of) => [of(4, (n as number) + 3)],
      body: ([x], n) => slice(x!, [1, 2], [2, n]),
    },
    {
      name: 'from the end',
      fixed: true,
      operands: (n, of) => [of((n as number) + 5, 2)],
      body: ([x], n) => slice(x!, [5, 1], [n, 1]),
    },
  ],
  concat: [
    { fixed: true, operands: (n, of) => [of(n, 2), of(3, 2), of(n, 2)], body: ([a, b, c]) => concat([a!, b!, c!], 0) },
    { operands: (n, of) => [of(2, n, 2), of(2, n, 1)], body: ([a, b]) => concat([a!, b!], 2) },
    { name: 'one operand twice', operands: (n, of) => [of(1, n), of(2, n)], body: ([a, b]) => concat([a!, b!, a!], 0) },
  ],
  gather: [
    {
      operands: (n, of) => [of(5, 3), tensorType('int32', [n])],
      body: ([x, rows]) => gather(x!, rows!),
      given: (n) => ({ 1: scattered(n, 5) }),
    },
    {
      name: 'first and last row',
      sizes: testSizes.filter((n) => n > 0),
      operands: (n, of) => [of(n, 2), tensorType('int32', [2, 2])],
      body: ([x, rows]) => gather(x!, rows!),
      given: (n) => ({ 1: [n - 1, 0, n >> 1, n - 1] }),
    },
    {
      name: 'of one row and of numbers',
      sizes: testSizes.filter((n) => n > 0),
      operands: (n, of) => [of(n), tensorType('int32', [])],
      body: ([x, row]) => gather(x!, row!),
      given: (n) => ({ 1: [n - 1] }),
    },
  ],
  segmentSum: [
    {
      name: 'last segment empty',
      operands: (n, of) => [of(n, 2), tensorType('int32', [n])],
      body: ([x, ids]) => segmentSum(x!, ids!, { segments: 6 }),
      given: (n) => ({ 1: scattered(n, 5) }),
    },
    {
      name: 'sorted',
      operands: (n, of) => [of(n), tensorType('int32', [n])],
      body: ([x, ids]) => segmentSum(x!, ids!, { segments: 3, sorted: true }),
      given: (n) => ({ 1: scattered(n, 3).sort(ascending) }),
    },
    {
      name: 'as many segments as rows',
      operands: (n, of) => [of(n, 2, 2), tensorType('int32', [n])],
      body: ([x, ids], n) => segmentSum(x!, ids!, { segments: n }),
      given: (n) => ({ 1: scattered(n, Math.max(1, n)) }),
    },
  ],
};
