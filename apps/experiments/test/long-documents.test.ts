import { cpuBackend } from '@ddcl/backend-cpu';
import { createRandom } from '@ddcl/core';
import { describe, expect, it } from 'vitest';
import { longDocuments, longDocumentsPage, stretchMeans } from '../src/long-documents.ts';
import type { LongText } from '../src/long-texts.ts';
import { pieceSpans } from '../src/piece-spans.ts';

it('pieces are found in their text', () => {
  const text = 'The \u00c9lan: don\u2019t \u4eca stop!';
  const pieces = ['the', 'el', '##an', ':', 'don', '\u2019', 't', '[UNK]', 'stop', '!'];
  const found = pieceSpans(text, pieces).map(({ start, end }) => text.slice(start, end));
  expect(found).toEqual(['The', '\u00c9l', 'an', ':', 'don', '\u2019', 't', '', 'stop', '!']);
});

describe('long documents', () => {
  /** Each document's tokens lie around its own two directions; its sentences are some of them. */
  const texts = Array.from({ length: 5 }, (_, document): LongText => {
    const random = createRandom(document);
    const tokens = new Float32Array(40 * 12);
    for (let row = 0; row < 40; row++)
      for (let axis = 0; axis < 12; axis++)
        tokens[row * 12 + axis] = (axis === 2 * document + (row % 2) ? 1 : 0) + 0.05 * random.normal();
    return {
      subject: `document ${document}`,
      text: 'a '.repeat(40),
      tokens,
      dimension: 12,
      spans: Array.from({ length: 40 }, (__, token) => ({ start: 2 * token, end: 2 * token + 1 })),
      queries: tokens.subarray(0, 6 * 12),
      offsets: [0, 2, 6],
    };
  });
  it('are found by their sentences, and the page has a table for each number of documents', async () => {
    const results = await longDocuments(cpuBackend(), texts, { budgets: [2], seeds: 1 }, () => {});
    expect(results.outcomes).toHaveLength(10);
    expect(results.outcomes.map(({ recall }) => recall)).toEqual(new Array(10).fill(1));
    const [four, all] = results.outcomes.slice(4, 6);
    expect([four!.queries, all!.queries]).toEqual([8, 10]);
    expect(four!.lost).toBeLessThan(0.06);
    expect(results.map).toContain('document 0: 40 tokens as 2 vectors');
    const page = longDocumentsPage(results, 'x');
    expect(page).toContain('## 4 documents, 8 sentences');
    expect(page).toContain('| Ward pooling | 2 | 100.00 % |');
  });
  it('have stretches of equal length', () => {
    expect(
      [...stretchMeans(Float32Array.of(2, 0, 0, 3, 1, 0, 5, 0), 2, 2)].map((value) => Math.round(1e6 * value) / 1e6),
    ).toEqual([...[Math.SQRT1_2, Math.SQRT1_2].map((value) => Math.round(1e6 * value) / 1e6), 1, 0]);
  });
});
