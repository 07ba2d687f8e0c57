import {
  argMax,
  crossEntropy,
  gelu,
  l2Normalize,
  layerNorm,
  logSumExp,
  maskedSoftmax,
  maximum,
  mul,
  softmax,
  sub,
} from '@ddcl/core';
import type { DType } from '@ddcl/core/backend';
import { testSizes } from '../data.ts';
import type { Variant } from '../variants.ts';

const dtypes: readonly DType[] = ['float32', 'float64'];
const notEmpty = testSizes.filter((n) => n > 0);

/** Composites that are not DDCL's, by versioned name. */
export const generalComposites: Readonly<Record<string, readonly Variant[]>> = {
  'softmax/1': [
    { dtypes, operands: (n, of) => [of(n, 5)], body: ([x]) => softmax(x!) },
    { dtypes, name: 'of one', operands: (n, of) => [of(n, 1)], body: ([x]) => softmax(x!) },
    { dtypes, sizes: notEmpty, range: [-9, 9], operands: (n, of) => [of(3, n)], body: ([x]) => softmax(x!) },
    { dtypes, name: 'along 1', sizes: notEmpty, operands: (n, of) => [of(2, n, 3)], body: ([x]) => softmax(x!, 1) },
  ],
  'logSumExp/1': [
    { dtypes, operands: (n, of) => [of(n, 5)], body: ([x]) => logSumExp(x!) },
    { dtypes, name: 'of one', operands: (n, of) => [of(n, 1)], body: ([x]) => logSumExp(x!) },
    { dtypes, sizes: notEmpty, range: [-9, 9], operands: (n, of) => [of(3, n)], body: ([x]) => logSumExp(x!) },
    { dtypes, name: 'along 1', sizes: notEmpty, operands: (n, of) => [of(2, n, 3)], body: ([x]) => logSumExp(x!, 1) },
  ],
  'layerNorm/1': [
    { dtypes, operands: (n, of) => [of(n, 5), of(5), of(5)], body: ([x, a, b]) => layerNorm(x!, a!, b!) },
    {
      dtypes,
      name: 'of one',
      operands: (n, of) => [of(n, 1), of(1), of(1)],
      body: ([x, a, b]) => layerNorm(x!, a!, b!),
    },
    {
      dtypes,
      fixed: true,
      sizes: notEmpty,
      name: 'epsilon 0.5',
      operands: (n, of) => [of(2, 3, n), of(n), of(n)],
      body: ([x, a, b]) => layerNorm(x!, a!, b!, 0.5),
    },
  ],
  'l2Normalize/1': [
    { dtypes, operands: (n, of) => [of(n, 5)], body: ([x]) => l2Normalize(x!) },
    { dtypes, name: 'along 1', sizes: notEmpty, operands: (n, of) => [of(2, n, 3)], body: ([x]) => l2Normalize(x!, 1) },
    {
      dtypes,
      name: 'below the floor',
      fixed: true,
      operands: (n, of) => [of(n, 4)],
      body: ([x]) => l2Normalize(x!, 1, 1000),
    },
  ],
  'gelu/1': [
    { dtypes, range: [-6, 6], operands: (n, of) => [of(n)], body: ([x]) => gelu(x!) },
    { dtypes, operands: (n, of) => [of(2, n, 3)], body: ([x]) => gelu(x!) },
  ],
  'crossEntropy/1': [
    { dtypes, operands: (n, of) => [of(n, 5), of(n, 5)], body: ([x, y]) => crossEntropy(x!, argMax(y!, 1)) },
    {
      dtypes,
      name: 'some rows without a label',
      range: [-9, 9],
      operands: (n, of) => [of(n, 3), of(n, 4)],
      body: ([x, y]) => crossEntropy(x!, sub(argMax(y!, 1), 1)),
    },
  ],
  'maskedSoftmax/1': [
    { dtypes, operands: (n, of) => [of(n, 5), of(n, 5)], body: ([x, y]) => maskedSoftmax(x!, mul(y!, y!)) },
    {
      dtypes,
      name: 'some of no weight, along 1',
      // Of one alone all may have none, which says nothing.
      sizes: notEmpty.filter((n) => n > 1),
      range: [-9, 9],
      operands: (n, of) => [of(2, n, 3), of(2, n, 1)],
      body: ([x, y]) => maskedSoftmax(x!, maximum(y!, 0), 1),
    },
  ],
};
