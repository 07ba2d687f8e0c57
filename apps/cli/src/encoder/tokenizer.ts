import { DdclError } from '@ddcl/core';
import { messageOf } from '../output/message-of.ts';
import { openReferenceTokenizer, type ReferenceTokenizer } from './load-tokenizers.ts';
import { tokenizerSettings, type TokenizerSettings } from './tokenizer-settings.ts';

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

/**
 * Texts to ids by a published `tokenizer.json`, as Hugging Face's own implementation makes them. Truncation and padding of the file are not
 * used: the text is cut here, to its first (or last) `maxTokens` less the special ones.
 */
export class TextTokenizer {
  readonly #tokenizer: ReferenceTokenizer;
  readonly #settings: TokenizerSettings;
  readonly #path: string;

  private constructor(tokenizer: ReferenceTokenizer, settings: TokenizerSettings, path: string) {
    this.#tokenizer = tokenizer;
    this.#settings = settings;
    this.#path = path;
  }

  /**
   * @param tokenizer the content of tokenizer.json
   * @param config the content of tokenizer_config.json, whose settings go before those of the former
   * @param path names the file in messages
   * @throws DdclError `format` for a tokenizer that cannot be used exactly as it was published, naming the part
   */
  static async open(tokenizer: object, config: object, path: string): Promise<TextTokenizer> {
    try {
      const settings = tokenizerSettings(tokenizer, config);
      return new TextTokenizer(await openReferenceTokenizer(settings.json), settings, path);
    } catch (cause) {
      const reason = messageOf(cause);
      throw new DdclError('format', `${path} is not a tokenizer that can be used: ${reason}.`, { cause });
    }
  }

  /** Special tokens around each text. */
  get special(): number {
    return this.#settings.before.length + this.#settings.after.length;
  }

  /**
   * @param maxTokens > {@link special}
   * @throws DdclError `format` for text that the tokenizer has no ids for
   */
  tokenize(text: string, maxTokens: number): TokenizedText {
    const { before, after, keeps } = this.#settings;
    const body = this.#encode(text);
    const kept = Math.min(body.length, maxTokens - this.special);
    const ids = new Int32Array(kept + this.special);
    const special = new Uint8Array(ids.length).fill(1);
    ids.set(before);
    ids.set(keeps === 'start' ? body.subarray(0, kept) : body.subarray(body.length - kept), before.length);
    ids.set(after, before.length + kept);
    special.fill(0, before.length, before.length + kept);
    return { ids, special, truncated: kept < body.length, empty: body.length === 0 };
  }

  /** What a token stands for in the vocabulary. */
  piece(id: number): string {
    return this.#tokenizer.idToToken(id) || `[${id}]`;
  }

  #encode(text: string): Int32Array {
    try {
      return this.#tokenizer.encode(text);
    } catch (cause) {
      const start = JSON.stringify(text.slice(0, 40));
      throw new DdclError('format', `${this.#path} has no ids for the text ${start}: ${messageOf(cause)}.`, { cause });
    }
  }
}
