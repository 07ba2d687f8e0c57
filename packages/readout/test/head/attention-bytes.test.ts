import { isDdclError } from '@ddcl/core';
import { writeSafetensors, type SafetensorsTensor } from '@ddcl/core/safetensors';
import { describe, expect, it } from 'vitest';
import { attentionFromBytes, attentionToBytes } from '../../src/head/attention-bytes.ts';
import type { AttentionPooling } from '../../src/head/attention-part.ts';

const numbers = (length: number): Float64Array => Float64Array.from({ length }, (_, index) => 1 / (index + 3));

const pooling = (hidden: number): AttentionPooling => ({
  dimension: 3,
  heads: 2,
  hidden,
  dtype: 'float32',
  frame: { offset: numbers(3), scale: 0.1 },
  queries: numbers(2 * (hidden === 0 ? 3 : hidden)),
  projection: numbers(hidden * 3),
  hiddenBias: numbers(hidden),
});

describe('the file of an attention pooling', () => {
  it.each([0, 4])('reads back exactly, hidden %d', (hidden) => {
    expect(attentionFromBytes(attentionToBytes(pooling(hidden)))).toEqual(pooling(hidden));
  });

  const right = {
    format: 'ddcl.attention',
    formatVersion: '1',
    dimension: '3',
    heads: '2',
    hidden: '0',
    dtype: 'float32',
    scale: '1',
  };
  const tensors = (): Map<string, SafetensorsTensor> =>
    new Map<string, SafetensorsTensor>([
      ['queries', { dtype: 'F64', shape: [2, 3], data: numbers(6) }],
      ['offset', { dtype: 'F64', shape: [3], data: numbers(3) }],
    ]);

  it('is read from any writer', () => {
    expect(attentionFromBytes(writeSafetensors(tensors(), right)).queries).toEqual(numbers(6));
  });

  it.each([
    ['another format', { format: 'ddcl.head' }],
    ['another version', { formatVersion: '2' }],
    ['half a head', { heads: '0.5' }],
    ['other shapes', { heads: '3' }],
    ['a missing tensor', { hidden: '3' }],
    ['a scale of 0', { scale: '0' }],
    ['an unknown dtype', { dtype: 'int8' }],
  ])('is refused with %s', (_, wrong) => {
    let error: unknown;
    try {
      attentionFromBytes(writeSafetensors(tensors(), { ...right, ...wrong }));
    } catch (reason) {
      error = reason;
    }
    expect(isDdclError(error, 'format'), String(error)).toBe(true);
  });
});
