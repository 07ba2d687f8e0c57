import { describe, expect, it } from 'vitest';
import { joinPieces } from '../../src/explain/words.ts';

describe('joinPieces', () => {
  it('joins WordPiece, special tokens alone', () => {
    const { words, wordOf, texts, joined } = joinPieces(
      ['[CLS]', 'un', '##like', '##ly', 'film', '[SEP]'],
      [1, 0, 0, 0, 0, 1],
    );
    expect(words).toEqual(['[CLS]', 'unlikely', 'film', '[SEP]']);
    expect([...wordOf]).toEqual([0, 1, 1, 1, 2, 3]);
    expect(texts).toEqual(['[CLS]', 'un', 'like', 'ly', 'film', '[SEP]']);
    expect(joined).toEqual([false, false, true, true, false, false]);
  });

  it('joins pieces whose words begin with a mark', () => {
    for (const mark of ['\u2581', '\u0120']) {
      const { words, texts } = joinPieces(['<s>', `${mark}a`, `${mark}go`, 'od', '!', '</s>'], [1, 0, 0, 0, 0, 1]);
      expect(words).toEqual(['<s>', 'a', 'good!', '</s>']);
      expect(texts).toEqual(['<s>', 'a', 'go', 'od', '!', '</s>']);
    }
  });

  it('has words of its own for a text that begins in the middle of one', () => {
    expect(joinPieces(['[CLS]', '##ing'], [1, 0]).words).toEqual(['[CLS]', 'ing']);
    expect(joinPieces([], []).words).toEqual([]);
  });
});
