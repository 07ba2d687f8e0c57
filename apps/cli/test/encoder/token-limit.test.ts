import { describe, expect, it } from 'vitest';
import { encoderTokenLimit, resolveMaxTokens } from '../../src/encoder/token-limit.ts';

describe('encoderTokenLimit', () => {
  it('is the smaller of positions and model_max_length, and passes over an insane one', () => {
    expect(encoderTokenLimit({ max_position_embeddings: 512 }, {})).toBe(512);
    expect(encoderTokenLimit({ max_position_embeddings: 512 }, { model_max_length: 128 })).toBe(128);
    expect(encoderTokenLimit({ max_position_embeddings: 512 }, { model_max_length: 1e30 })).toBe(512);
    expect(encoderTokenLimit({}, { model_max_length: 256 })).toBe(256);
    expect(encoderTokenLimit({}, { model_max_length: 1e30 })).toBeUndefined();
  });

  it('knows encoders whose positions start after the padding', () => {
    const roberta = { model_type: 'xlm-roberta', max_position_embeddings: 514, pad_token_id: 1 };
    expect(encoderTokenLimit(roberta, {})).toBe(512);
  });
});

describe('resolveMaxTokens', () => {
  it('takes what is asked for within the limits', () => {
    expect(resolveMaxTokens(undefined, 512, 2)).toBe(512);
    expect(resolveMaxTokens(3, 512, 2)).toBe(3);
    expect(resolveMaxTokens(700, undefined, 2)).toBe(700);
  });

  it('refuses the rest', () => {
    expect(() => resolveMaxTokens(513, 512, 2)).toThrow(/at most 512 tokens, but --max-tokens is 513/);
    expect(() => resolveMaxTokens(2, 512, 2)).toThrow(/leaves no room.*at least 3/);
    expect(() => resolveMaxTokens(undefined, 2, 2)).toThrow(/say that it takes 2 tokens, which leaves no room/);
    expect(() => resolveMaxTokens(undefined, undefined, 2)).toThrow(/Give --max-tokens N/);
  });
});
