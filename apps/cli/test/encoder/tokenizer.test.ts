import { describe, expect, it } from 'vitest';
import { tokenizerFiles, vocabulary } from '../../../../tooling/tiny-bert/word-piece.ts';
import { TextTokenizer } from '../../src/encoder/tokenizer.ts';

const files = tokenizerFiles(64);
const published = JSON.parse(files['tokenizer.json']!) as Record<string, unknown>;
const config = JSON.parse(files['tokenizer_config.json']!) as object;
const make = (changes: object = {}): TextTokenizer =>
  new TextTokenizer({ ...published, ...changes }, config, 'tokenizer.json');
const pieces = (tokenizer: TextTokenizer, text: string, most = 64): string[] =>
  Array.from(tokenizer.tokenize(text, most).ids, (id) => vocabulary[id]!);

describe('TextTokenizer', () => {
  it('splits words into pieces between the special tokens', () => {
    const tokenizer = make();
    expect(pieces(tokenizer, 'The FILMS, good!')).toEqual(['[CLS]', 'the', 'film', '##s', ',', 'good', '!', '[SEP]']);
    expect([...tokenizer.tokenize('good film', 64).special]).toEqual([1, 0, 0, 1]);
    expect(tokenizer.piece(vocabulary.indexOf('##ing'))).toBe('##ing');
  });

  it('cuts the text and keeps the special tokens at both ends', () => {
    const tokenizer = make();
    expect(pieces(tokenizer, 'a good bad film', 4)).toEqual(['[CLS]', 'a', 'good', '[SEP]']);
    expect(tokenizer.tokenize('a good bad film', 4).truncated).toBe(true);
    expect(tokenizer.tokenize('a good', 4).truncated).toBe(false);
  });

  it('keeps a text without anything as its special tokens', () => {
    for (const text of ['', '  \n\t ', '\u0000']) {
      const { ids, empty, truncated } = make().tokenize(text, 64);
      expect([...ids].map((id) => vocabulary[id])).toEqual(['[CLS]', '[SEP]']);
      expect([empty, truncated]).toEqual([true, false]);
    }
  });

  it('does not use the truncation and padding of the file', () => {
    const settings = {
      truncation: { max_length: 3, stride: 0, strategy: 'LongestFirst', direction: 'Right' },
      padding: { strategy: { Fixed: 32 }, direction: 'Right', pad_id: 0, pad_type_id: 0, pad_token: '[PAD]' },
    };
    expect(make(settings).tokenize('a good bad film', 64).ids).toEqual(make().tokenize('a good bad film', 64).ids);
  });

  it('takes special tokens in the text for what they say, but does not count them as put around it', () => {
    const { ids, special } = make().tokenize('good [SEP] film', 64);
    expect([...ids].map((id) => vocabulary[id])).toEqual(['[CLS]', 'good', '[SEP]', 'film', '[SEP]']);
    expect([...special]).toEqual([1, 0, 0, 0, 1]);
  });

  it('works without special tokens', () => {
    const plain = make({ post_processor: null });
    expect(plain.special).toBe(0);
    expect(pieces(plain, 'good film', 1)).toEqual(['good']);
    expect(plain.tokenize('', 5)).toMatchObject({ ids: new Int32Array(0), empty: true });
  });

  it('refuses what is no tokenizer', () => {
    expect(() => new TextTokenizer({ model: {} }, {}, 'E/tokenizer.json')).toThrow(
      /E\/tokenizer\.json is not a tokenizer/,
    );
    expect(() => make({ model: { type: 'Nothing' } })).toThrow(/not a tokenizer that can be used/);
  });
});
