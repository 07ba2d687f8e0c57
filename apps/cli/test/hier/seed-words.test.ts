import { expect, it } from 'vitest';
import { guidedStart } from '../../src/hier/seed-words.ts';
import type { OpenedText } from '../../src/text/open-text.ts';

it('starts a topic at the documents that have tokens and its word', async () => {
  const words = ['moon', 'the moon', 'sun'];
  async function* texts(): AsyncGenerator<{ text: string; place: string }> {
    for (const text of words) yield { text, place: text };
  }
  // The first has its word cut off, or its tokens left out: its vector is nothing.
  async function* documents(): AsyncGenerator<{ id: string; tokens: number; vector: Float64Array }> {
    yield { id: '0', tokens: 0, vector: Float64Array.of(0, 0) };
    yield { id: '1', tokens: 3, vector: Float64Array.of(2, 4) };
    yield { id: '2', tokens: 1, vector: Float64Array.of(-6, 8) };
  }
  const start = guidedStart([['moon']], { documents: texts, count: 3 } as OpenedText, { count: 2, width: 2, seed: 0 });
  expect([...(await start(documents()))]).toEqual([2, 4, -6, 8]);
});
