import { fit, tokensFromIterable } from '@ddcl/core/fit';
import { describe, expect, it } from 'vitest';
import { rejection } from '../../../core/test/support/run.ts';
import { cpuBackend } from '../../src/index.ts';
import { blobs } from './support.ts';

const [tokens, dimension] = [120, 3];
const data = blobs(tokens + 40, dimension, 5, 3, 1);

/** A source whose passes after the first have another number of tokens. */
const changing = (later: number) => {
  let passes = 0;
  return tokensFromIterable({
    dimension,
    async *open() {
      const rows = passes++ === 0 ? tokens : later;
      yield { data: data.subarray(0, rows * dimension), rows };
    },
  });
};

describe('a stream that gives other tokens than in its first pass is refused', () => {
  it.each([
    ['more', tokens + 30, 2],
    ['more', tokens + 1, 2],
    ['fewer', tokens - 30, 2],
    ['fewer', tokens - 1, 2],
    ['more', tokens + 1, 1],
  ] as const)('%s of them: %i, in an annealed epoch of %i', async (which, later, epochs) => {
    const options = { prototypes: 4, batch: 30, epochs, tokenMemory: 0 };
    const backend = cpuBackend();
    expect(await rejection(fit(backend, changing(later), options))).toMatchObject({
      code: 'data',
      message: `A pass over the tokens gave ${which} than the ${tokens} of the first one. Each pass must give the same tokens.`,
    });
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});
