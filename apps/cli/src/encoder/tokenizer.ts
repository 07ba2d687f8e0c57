import { DdclError } from '@ddcl/core';
import { Tokenizer } from '@huggingface/tokenizers';
import { messageOf } from '../output/message-of.ts';

/** A text as an encoder takes it. */
export interface TokenizedText {
  /** Special tokens included. */
  readonly ids: Int32Array;
  /** 1 for tokens that the tokenizer put around the text. */
  readonly special: Uint8Array;
  /** Whether the text was cut. */
  readonly truncated: boolean;
  /** Whether there is nothing between the special tokens. */
  readonly empty: boolean;
}

/** The text of tokens, one for each. */
export interface TextPieces {
  readonly ids: Int32Array;
  /** As in the vocabulary: `##ing`, `[CLS]`. */
  readonly pieces: readonly string[];
  readonly special: Uint8Array;
  readonly truncated: boolean;
}

/** What is used of the library, whose own types need a bundler's module resolution. */
interface PublishedTokenizer {
  encode(text: string, options?: { add_special_tokens?: boolean }): { readonly ids: readonly (number | undefined)[] };
  id_to_token(id: number): string | undefined;
}

/** A text that every vocabulary has something for. */
const probe = 'a';

/**
 * Texts to ids by a published `tokenizer.json`. Its own truncation and padding are not used: the text is cut here, after the first
 * `maxTokens` less the special ones, as Hugging Face's tokenizers do.
 */
export class TextTokenizer {
  readonly #tokenizer: PublishedTokenizer;
  readonly #before: readonly number[];
  readonly #after: readonly number[];
  readonly #path: string;

  /**
   * @param path names the file in messages
   * @throws DdclError `format` for a tokenizer that cannot be used
   */
  constructor(tokenizer: object, config: object, path: string) {
    this.#path = path;
    try {
      this.#tokenizer = new Tokenizer(tokenizer, config) as unknown as PublishedTokenizer;
      const body = this.#tokenizer.encode(probe, { add_special_tokens: false }).ids;
      const whole = this.#tokenizer.encode(probe).ids as readonly number[];
      const start = whole.findIndex((_, index) => body.every((id, offset) => whole[index + offset] === id));
      if (body.length === 0 || start < 0) throw new Error('its special tokens are not at the ends of a text');
      this.#before = whole.slice(0, start);
      this.#after = whole.slice(start + body.length);
    } catch (cause) {
      const reason = messageOf(cause);
      throw new DdclError('format', `${path} is not a tokenizer that can be used: ${reason}.`, { cause });
    }
  }

  /** Special tokens around each text. */
  get special(): number {
    return this.#before.length + this.#after.length;
  }

  /**
   * @param maxTokens > {@link special}
   * @throws DdclError `format` for text that the vocabulary has no id for
   */
  tokenize(text: string, maxTokens: number): TokenizedText {
    const body = this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
    const kept = Math.min(body.length, maxTokens - this.special);
    const [before, after] = [this.#before, this.#after];
    const ids = new Int32Array(kept + this.special);
    const special = new Uint8Array(ids.length).fill(1);
    ids.set(before);
    for (let index = 0; index < kept; index++) {
      const id = body[index];
      if (id === undefined)
        throw new DdclError('format', `${this.#path} has no id for a part of ${JSON.stringify(text.slice(0, 40))}.`);
      ids[before.length + index] = id;
    }
    ids.set(after, before.length + kept);
    special.fill(0, before.length, before.length + kept);
    return { ids, special, truncated: kept < body.length, empty: body.length === 0 };
  }

  /** What a token stands for in the vocabulary. */
  piece(id: number): string {
    return this.#tokenizer.id_to_token(id) ?? `[${id}]`;
  }
}
