import { describe, expect, it } from 'vitest';
import { abortableSource } from '../../src/tokens/abortable-source.ts';
import { tokensFromArray } from '../../src/tokens/from-array.ts';
import type { TokenSource } from '../../src/tokens/token-source.ts';
import { errorOf, rejection } from '../support/run.ts';

const block = { data: Float32Array.of(1, 2), rows: 1 };

/** A source that waits for nothing and does not end. */
const endless: TokenSource = {
  dimension: 2,
  tokens: undefined,
  async *blocks() {
    for (;;) yield block;
  },
};

async function pass(source: TokenSource): Promise<number> {
  let blocks = 0;
  for await (const { rows } of source.blocks('stored')) blocks += rows;
  return blocks;
}

describe('an abortable source', () => {
  it('lets a timer end a pass that waits for nothing', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    setTimeout(() => controller.abort(reason), 1);
    const error = await rejection(pass(abortableSource(endless, controller.signal)));
    expect(error).toMatchObject({ code: 'aborted', cause: reason });
  });

  it('has the same blocks, in half precision only where the source has', async () => {
    const few: TokenSource = {
      ...endless,
      async *blocks() {
        yield* [block, block];
      },
    };
    const own = abortableSource(few, undefined);
    expect(await pass(own)).toBe(2);
    expect([own.dimension, own.halfBlocks]).toEqual([2, undefined]);
  });

  it('is no way around the refusal of a reader', () => {
    const reader = tokensFromArray(block.data, 2) as unknown as TokenSource;
    expect(errorOf(() => abortableSource(reader, undefined)).code).toBe('argument');
  });
});
