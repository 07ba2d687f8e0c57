import { TextTokenizer } from '@ddcl/cli/dist/encoder/tokenizer.js';
import { readEncoderJson } from '@ddcl/cli/dist/encoder/encoder-files.js';
import { readEncoderConfig, readTokenizerConfig } from '@ddcl/cli/dist/encoder/encoder-config.js';
import { encoderTokenLimit, resolveMaxTokens } from '@ddcl/cli/dist/encoder/token-limit.js';
import { mutateJson } from '../inputs/mutate-json.ts';
import { ReadsDifferently, type Reader } from './reader.ts';
import { seedFiles } from './seed-files.ts';
import { temporaryFile } from './temporary-file.ts';

const texts = ['Hello, world of tokens!', 'a', '', 'İ ﬁ 你好 ' + String.fromCodePoint(0x1f600)];

/** Ids that the file gives to anything. */
function idsOf(json: Readonly<Record<string, unknown>>): Set<unknown> {
  const ids = new Set<unknown>();
  const {
    model,
    added_tokens: added,
    post_processor: around,
  } = json as { model?: { vocab?: unknown }; added_tokens?: unknown; post_processor?: unknown };
  const vocabulary = model?.vocab;
  if (Array.isArray(vocabulary)) vocabulary.forEach((_, index) => ids.add(index));
  else for (const id of Object.values(vocabulary ?? {})) ids.add(id);
  for (const token of Array.isArray(added) ? added : []) ids.add((token as { id?: unknown } | null)?.id);
  JSON.stringify(around, (_key, value: unknown) => {
    if (typeof value === 'number') ids.add(value);
    return value;
  });
  return ids;
}

const readers: Reader[] = [
  {
    name: 'tokenizer.json',
    seeds: () => seedFiles('tokenizer'),
    mutations: [mutateJson, mutateJson],
    async read(bytes) {
      const path = temporaryFile('tokenizer.json', bytes);
      const json = await readEncoderJson(path);
      const tokenizer = await TextTokenizer.open(json, {}, path);
      const known = idsOf(json);
      for (const text of texts) {
        const { ids } = tokenizer.tokenize(text, 512);
        const stray = ids.find((id) => !known.has(id) || id < 0);
        if (stray !== undefined)
          throw new ReadsDifferently(`the id ${stray} of ${JSON.stringify(text)} is no number of the file`);
      }
    },
  },
  {
    name: 'encoder-config',
    seeds: () => [
      new TextEncoder().encode(
        '{"max_position_embeddings": 512, "model_type": "bert", "hidden_size": 4, "pad_token_id": 0, "model_max_length": 512}',
      ),
    ],
    mutations: [mutateJson],
    async read(bytes) {
      const path = temporaryFile('config.json', bytes);
      const config = await readEncoderConfig(path);
      const tokens = resolveMaxTokens(undefined, encoderTokenLimit(config, await readTokenizerConfig(path)), 2);
      const { hidden_size: width, pad_token_id: padding } = config;
      const isWhole = [tokens, width ?? 1, padding ?? 0].every(Number.isSafeInteger);
      if (!isWhole || tokens < 3 || (width ?? 1) < 1)
        throw new ReadsDifferently(`${tokens} tokens of width ${width}, padding ${padding}`);
    },
  },
];
export default readers;
