import { describe, expect, it } from 'vitest';
import { tokenizerFiles, vocabulary } from '../../../../tooling/tiny-bert/word-piece.ts';
import { TextTokenizer } from '../../src/encoder/tokenizer.ts';

const files = tokenizerFiles(64);
const published = JSON.parse(files['tokenizer.json']!) as Record<string, unknown>;
const config = JSON.parse(files['tokenizer_config.json']!) as object;
const make = (changes: object = {}, settings: object = {}): Promise<TextTokenizer> =>
  TextTokenizer.open({ ...published, ...changes }, { ...config, ...settings }, 'tokenizer.json');
const pieces = (tokenizer: TextTokenizer, text: string, most = 64): string[] =>
  Array.from(tokenizer.tokenize(text, most).ids, (id) => vocabulary[id]!);

describe('TextTokenizer', () => {
  it('splits words into pieces between the special tokens', async () => {
    const tokenizer = await make();
    expect(pieces(tokenizer, 'The FILMS, good!')).toEqual(['[CLS]', 'the', 'film', '##s', ',', 'good', '!', '[SEP]']);
    expect([...tokenizer.tokenize('good film', 64).special]).toEqual([1, 0, 0, 1]);
    expect(tokenizer.piece(vocabulary.indexOf('##ing'))).toBe('##ing');
  });

  it('cuts the text and keeps the special tokens at both ends', async () => {
    const tokenizer = await make();
    expect(pieces(tokenizer, 'a good bad film', 4)).toEqual(['[CLS]', 'a', 'good', '[SEP]']);
    expect(tokenizer.tokenize('a good bad film', 4).truncated).toBe(true);
    expect(tokenizer.tokenize('a good', 4).truncated).toBe(false);
  });

  it('keeps a text without anything as its special tokens', async () => {
    for (const text of ['', '  \n\t ', '\u0000']) {
      const { ids, empty, truncated } = (await make()).tokenize(text, 64);
      expect([...ids].map((id) => vocabulary[id])).toEqual(['[CLS]', '[SEP]']);
      expect([empty, truncated]).toEqual([true, false]);
    }
  });

  it('does not use the truncation and padding of the file', async () => {
    const settings = {
      truncation: { max_length: 3, stride: 0, strategy: 'LongestFirst', direction: 'Right' },
      padding: { strategy: { Fixed: 32 }, direction: 'Right', pad_id: 0, pad_type_id: 0, pad_token: '[PAD]' },
    };
    expect((await make(settings)).tokenize('a good bad film', 64).ids).toEqual(
      (await make()).tokenize('a good bad film', 64).ids,
    );
  });

  it('takes special tokens in the text for what they say, but does not count them as put around it', async () => {
    const { ids, special } = (await make()).tokenize('good [SEP] film', 64);
    expect([...ids].map((id) => vocabulary[id])).toEqual(['[CLS]', 'good', '[SEP]', 'film', '[SEP]']);
    expect([...special]).toEqual([1, 0, 0, 0, 1]);
  });

  it('works without special tokens', async () => {
    const plain = await make({ post_processor: null });
    expect(plain.special).toBe(0);
    expect(pieces(plain, 'good film', 1)).toEqual(['good']);
    expect(plain.tokenize('', 5)).toMatchObject({ ids: new Int32Array(0), empty: true });
  });

  it('keeps the end of a text where the settings say so', async () => {
    const left = await make({}, { truncation_side: 'left' });
    expect(pieces(left, 'a good bad film', 4)).toEqual(['[CLS]', 'bad', 'film', '[SEP]']);
    const file = { truncation: { max_length: 3, stride: 0, strategy: 'LongestFirst', direction: 'Left' } };
    expect(pieces(await make(file), 'a good bad film', 4)).toEqual(['[CLS]', 'bad', 'film', '[SEP]']);
    await expect(make({}, { truncation_side: 'middle' })).rejects.toThrow(
      'tokenizer.json is not a tokenizer that can be used: its truncation_side is "middle", expected "left" or "right".',
    );
  });

  it('follows settings beside the file as published tokenizers do', async () => {
    expect(pieces(await make({}, { do_lower_case: false }), 'Good film')).toEqual(['[CLS]', '[UNK]', 'film', '[SEP]']);
    await expect(make({}, { add_eos_token: false })).rejects.toThrow(
      'tokenizer.json is not a tokenizer that can be used: tokenizer_config.json has add_eos_token false, but its post_processor puts a token there: make them agree.',
    );
  });

  it('names the part that the reference does not know', async () => {
    const sequence = { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Reverse' }] };
    await expect(make({ normalizer: sequence })).rejects.toThrow(
      'tokenizer.json is not a tokenizer that can be used: its normalizer is "Reverse"; known are BertNormalizer, ByteLevel, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, Precompiled, Prepend, Replace, Sequence, Strip, StripAccents.',
    );
    await expect(make({ pre_tokenizer: { type: 'Split', pattern: { Regex: '(' } } })).rejects.toThrow(
      /not a tokenizer that can be used: /,
    );
    await expect(TextTokenizer.open({ model: {} }, {}, 'E/tokenizer.json')).rejects.toThrow(
      'E/tokenizer.json is not a tokenizer that can be used: its model is of no type; known are BPE, Unigram, WordLevel, WordPiece.',
    );
    // What was refused leaves the others as they are.
    expect(pieces(await make(), 'good film')).toEqual(['[CLS]', 'good', 'film', '[SEP]']);
  });

  it.each<[string, unknown]>([
    ['negative', -1],
    ['fractional', 0.5],
    ['text', '7'],
    ['beyond int32', 2 ** 31],
    ['null', null],
  ])('refuses ids that are none: %s', async (_, id) => {
    const model = published['model'] as { readonly vocab: object };
    const named = new RegExp(`format: .*the id of the token "odd" is ${JSON.stringify(id)}`);
    const inVocabulary = make({ model: { ...model, vocab: { ...model.vocab, odd: id } } });
    await expect(
      inVocabulary.catch((error: { code: string; message: string }) => `${error.code}: ${error.message}`),
    ).resolves.toMatch(named);
    const added = [...(published['added_tokens'] as object[]), { id, content: 'odd' }];
    await expect(make({ added_tokens: added })).rejects.toThrow('the id of one of its added_tokens is');
  });

  it('opens others as before after one that the reference could not use', async () => {
    const model = published['model'] as object;
    for (let times = 0; times < 12; times++)
      await expect(make({ model: { ...model, unk_token: 7 } })).rejects.toThrow();
    expect(pieces(await make(), 'good film')).toEqual(['[CLS]', 'good', 'film', '[SEP]']);
  });

  it('says what it has no ids for', async () => {
    const model = { type: 'WordLevel', vocab: { good: 0 }, unk_token: '<none>' };
    const words = await make({ model, post_processor: null, added_tokens: [] });
    expect([...words.tokenize('good', 8).ids]).toEqual([0]);
    expect(() => words.tokenize('film', 8)).toThrow(/^tokenizer\.json has no ids for the text "film": /);
  });
});
