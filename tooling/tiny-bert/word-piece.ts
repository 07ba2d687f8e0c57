const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;
const letters = [...'abcdefghijklmnopqrstuvwxyz'];
const words = ['the', 'a', 'of', 'and', 'good', 'bad', 'film', 'music', 'river', 'stone', 'light', 'un', '.', ',', '!'];
const endings = ['##s', '##ing', '##ed', '##ly', '##ness', '##able'];

/** Every word of a-z has pieces; any other letter makes its word `[UNK]`. Ids are places in this list; padding is 0. */
export const vocabulary: readonly string[] = [
  ...new Set([...special, ...words, ...letters, ...endings, ...letters.map((letter) => `##${letter}`)]),
];

/** The tokenizer's files as they are published with a BERT (uncased WordPiece), by name. */
export function tokenizerFiles(maxPositions: number): Record<string, string> {
  const ids = Object.fromEntries(vocabulary.map((token, id) => [token, id]));
  const marker = (id: '[CLS]' | '[SEP]', type: number): object => ({ SpecialToken: { id, type_id: type } });
  const text = (id: 'A' | 'B', type: number): object => ({ Sequence: { id, type_id: type } });
  const names = {
    unk_token: '[UNK]',
    sep_token: '[SEP]',
    pad_token: '[PAD]',
    cls_token: '[CLS]',
    mask_token: '[MASK]',
  };
  const single = [marker('[CLS]', 0), text('A', 0), marker('[SEP]', 0)];
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map((content) => ({
      id: ids[content],
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single,
      pair: [...single, text('B', 1), marker('[SEP]', 1)],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((token) => [token, { id: token, ids: [ids[token]], tokens: [token] }]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: ids,
    },
  };
  const config = {
    ...names,
    do_lower_case: true,
    tokenize_chinese_chars: true,
    strip_accents: null,
    tokenizer_class: 'BertTokenizer',
    model_max_length: maxPositions,
  };
  return {
    'tokenizer.json': JSON.stringify(tokenizer),
    'tokenizer_config.json': JSON.stringify(config),
    'special_tokens_map.json': JSON.stringify(names),
  };
}
