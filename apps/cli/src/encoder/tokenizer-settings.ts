type Json = Readonly<Record<string, unknown>>;

/** What a tokenizer is opened with. */
export interface TokenizerSettings {
  /** For the reference: without what is done here (special tokens around a text, cutting) and what is not done (padding, decoding). */
  readonly json: Json;
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Which end of a text is kept where it is too long. */
  readonly keeps: 'start' | 'end';
}

/** The parts that the reference knows, by the place where they stand. */
const known = {
  normalizer:
    'BertNormalizer ByteLevel Lowercase NFC NFD NFKC NFKD Nmt Precompiled Prepend Replace Sequence Strip StripAccents',
  pre_tokenizer:
    'BertPreTokenizer ByteLevel CharDelimiterSplit Digits FixedLength Metaspace Punctuation Sequence Split UnicodeScripts Whitespace WhitespaceSplit',
  model: 'BPE Unigram WordLevel WordPiece',
  post_processor: 'BertProcessing ByteLevel RobertaProcessing Sequence TemplateProcessing',
} as const;
type Place = keyof typeof known;

/** Where a Sequence has its members. */
const membersOf = {
  normalizer: 'normalizers',
  pre_tokenizer: 'pretokenizers',
  model: '',
  post_processor: 'processors',
};

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @throws Error that names the first part that the reference does not know */
function requireKnown(place: Place, part: unknown): void {
  if (part === null || part === undefined) {
    if (place === 'model') throw new Error('it has no model');
    return;
  }
  const type = isObject(part) ? part['type'] : part;
  // Files of old tell a model by what is in it.
  if (place === 'model' && isObject(part) && type === undefined && 'vocab' in part) return;
  const names = known[place].split(' ');
  if (typeof type !== 'string' || !names.includes(type)) {
    throw new Error(
      `its ${place} is ${type === undefined ? 'of no type' : shortJson(type)}; known are ${names.join(', ')}`,
    );
  }
  const members = (part as Json)[membersOf[place]];
  if (type === 'Sequence' && Array.isArray(members)) for (const member of members) requireKnown(place, member);
}

/** What fits the int32 that ids are kept in. */
const mostId = 2 ** 31 - 1;

const isId = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= mostId;

function requireId(value: unknown, of = 'a special token of its post_processor'): number {
  if (isId(value)) return value;
  throw new Error(`the id of ${of} is ${shortJson(value)}, expected a whole number from 0 to ${mostId}`);
}

const shortJson = (value: unknown): string => (JSON.stringify(value) ?? 'missing').slice(0, 60);

/** @throws Error for a vocabulary or added tokens with an id that is none: the reference takes such and gives other ids */
function requireIds({ model, added_tokens: added }: Json): void {
  const vocabulary = isObject(model) ? model['vocab'] : undefined;
  // Of Unigram it is a list, whose places are the ids.
  if (isObject(vocabulary))
    for (const [token, id] of Object.entries(vocabulary)) requireId(id, `the token ${shortJson(token)}`);
  else if (!Array.isArray(vocabulary)) throw new Error('its model has no vocab');
  if (added === undefined || added === null) return;
  if (!Array.isArray(added)) throw new Error('its added_tokens are no list');
  for (const token of added) requireId(isObject(token) ? token['id'] : undefined, 'one of its added_tokens');
}

/** Ids that a post-processor puts around a text. */
function around(part: unknown): { before: number[]; after: number[] } {
  if (!isObject(part)) return { before: [], after: [] };
  switch (part['type']) {
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const [cls, sep] = [part['cls'], part['sep']].map((pair) => requireId(Array.isArray(pair) ? pair[1] : undefined));
      return { before: [cls!], after: [sep!] };
    }
    case 'TemplateProcessing':
      return aroundTemplate(part);
    case 'Sequence': {
      const all = (Array.isArray(part['processors']) ? part['processors'] : []).map(around);
      // Each one goes around what those before it made.
      return { before: all.toReversed().flatMap(({ before }) => before), after: all.flatMap(({ after }) => after) };
    }
    default:
      return { before: [], after: [] };
  }
}

function aroundTemplate({ single, special_tokens: tokens }: Json): { before: number[]; after: number[] } {
  const pieces = Array.isArray(single) ? (single as readonly unknown[]) : [];
  const texts = pieces.filter((piece) => isObject(piece) && 'Sequence' in piece);
  if (texts.length !== 1) throw new Error(`the template of its post_processor has the text ${texts.length} times`);
  const idsOf = (piece: unknown): number[] => {
    const named = isObject(piece) && isObject(piece['SpecialToken']) ? piece['SpecialToken']['id'] : undefined;
    const entry = isObject(tokens) && typeof named === 'string' && Object.hasOwn(tokens, named) ? tokens[named] : {};
    const { ids } = isObject(entry) ? entry : {};
    if (!Array.isArray(ids)) throw new Error(`the template of its post_processor names no ids for ${shortJson(named)}`);
    return ids.map((id) => requireId(id));
  };
  const at = pieces.indexOf(texts[0]);
  return { before: pieces.slice(0, at).flatMap(idsOf), after: pieces.slice(at + 1).flatMap(idsOf) };
}

/** Settings of a tokenizer_config.json that say otherwise than the part of that type, as transformers' own tokenizers take them. */
const overrides: readonly { place: Place; type: string; key: string; setting: string }[] = [
  { place: 'normalizer', type: 'BertNormalizer', key: 'lowercase', setting: 'do_lower_case' },
  { place: 'normalizer', type: 'BertNormalizer', key: 'strip_accents', setting: 'strip_accents' },
  { place: 'normalizer', type: 'BertNormalizer', key: 'handle_chinese_chars', setting: 'tokenize_chinese_chars' },
  { place: 'pre_tokenizer', type: 'ByteLevel', key: 'add_prefix_space', setting: 'add_prefix_space' },
];

function overridden(json: Json, config: Json): Json {
  return overrides.reduce((changed, { place, type, key, setting }) => {
    const part = changed[place];
    const value = config[setting];
    if (!isObject(part) || part['type'] !== type || value === undefined) return changed;
    if (typeof value !== 'boolean' && value !== null)
      throw new Error(`tokenizer_config.json has ${setting} ${shortJson(value)}, expected true, false or null`);
    return { ...changed, [place]: { ...part, [key]: value } };
  }, json);
}

function endThatIsKept(json: Json, config: Json): TokenizerSettings['keeps'] {
  const { truncation } = json;
  const side = config['truncation_side'] ?? (isObject(truncation) ? truncation['direction'] : undefined) ?? 'right';
  const name = typeof side === 'string' ? side.toLowerCase() : '';
  if (name !== 'left' && name !== 'right')
    throw new Error(`its truncation_side is ${shortJson(side)}, expected "left" or "right"`);
  return name === 'left' ? 'end' : 'start';
}

/**
 * What tokenizer.json and tokenizer_config.json say together.
 *
 * @throws Error that names the part or setting that cannot be followed
 */
export function tokenizerSettings(tokenizer: object, tokenizerConfig: object): TokenizerSettings {
  const [json, config] = [tokenizer as Json, tokenizerConfig as Json];
  for (const place of Object.keys(known) as Place[]) requireKnown(place, json[place]);
  requireIds(json);
  const { before, after } = around(json['post_processor']);
  for (const [setting, ids] of [
    ['add_bos_token', before],
    ['add_eos_token', after],
  ] as const) {
    const asked = config[setting];
    if (typeof asked === 'boolean' && asked !== ids.length > 0) {
      const has = ids.length > 0 ? 'puts a' : 'puts no';
      throw new Error(
        `tokenizer_config.json has ${setting} ${asked}, but its post_processor ${has} token there: make them agree`,
      );
    }
  }
  return {
    json: { ...overridden(json, config), truncation: null, padding: null, post_processor: null, decoder: null },
    before,
    after,
    keeps: endThatIsKept(json, config),
  };
}
