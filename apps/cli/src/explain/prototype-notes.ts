import type { Passage, PrototypeExplanation, WordEntry } from './explanation.ts';
import type { Words } from './words.ts';

/** Words shown on each side of a passage's token. */
const windowWords = 9;

/** Words whose distance is kept, before the nearest are taken. */
const keptWords = 64;

interface KeptPassage extends Passage {
  readonly distance: number;
  readonly document: number;
}

/** What was seen of one prototype so far: counts of words, and the nearest tokens. */
export class PrototypeNotes {
  #mass = 0;
  readonly #counts = new Map<string, number>();
  /** Word to its smallest distance. */
  #nearest = new Map<string, number>();
  #passages: KeptPassage[] = [];
  /** Document and word of the last token: the pieces of a word are one occurrence. */
  #last: readonly [document: number, word: number] = [-1, -1];
  readonly #most: number;

  /** @param passages how many to keep */
  constructor(passages: number) {
    this.#most = passages;
  }

  /** A token of any assignment to this prototype. */
  addMass(assignment: number): void {
    this.#mass += assignment;
  }

  /** A token whose most probable prototype this is. */
  add(words: Words, token: number, assignment: number, distance: number, document: number, place: string): void {
    const at = words.wordOf[token]!;
    const word = words.words[at]!;
    if (this.#last[0] !== document || this.#last[1] !== at) this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1);
    this.#last = [document, at];
    const before = this.#nearest.get(word);
    if (before === undefined || distance < before) this.#nearest.set(word, distance);
    if (this.#nearest.size > 4 * keptWords) this.#nearest = new Map(this.#sorted().slice(0, keptWords));
    this.#addPassage(words, at, assignment, distance, document, place);
  }

  #sorted(): [string, number][] {
    return [...this.#nearest].sort(([a, one], [b, two]) => one - two || (a < b ? -1 : 1));
  }

  /** Keeps the nearest tokens, one of each document. */
  #addPassage(
    { words }: Words,
    at: number,
    assignment: number,
    distance: number,
    document: number,
    place: string,
  ): void {
    const same = this.#passages.findIndex((passage) => passage.document === document);
    if (same >= 0 && this.#passages[same]!.distance <= distance) return;
    if (same < 0 && this.#passages.length >= this.#most && this.#passages.at(-1)!.distance <= distance) return;
    if (same >= 0) this.#passages.splice(same, 1);
    this.#passages.push({
      before: words.slice(Math.max(0, at - windowWords), at).join(' '),
      word: words[at]!,
      after: words.slice(at + 1, at + 1 + windowWords).join(' '),
      place,
      assignment,
      distance,
      document,
    });
    this.#passages.sort((a, b) => a.distance - b.distance);
    this.#passages.length = Math.min(this.#passages.length, this.#most);
  }

  /** Sum of assignments. */
  get mass(): number {
    return this.#mass;
  }

  explain(prototype: number, tokens: number, mostWords: number): PrototypeExplanation {
    const frequent = [...this.#counts]
      .map(([word, count]): WordEntry => ({ word, count }))
      .sort((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1));
    return {
      prototype,
      share: this.#mass / tokens,
      frequent: frequent.slice(0, mostWords),
      nearest: this.#sorted()
        .slice(0, mostWords)
        .map(([word]) => word),
      passages: this.#passages.map(({ distance: _distance, document: _document, ...passage }) => passage),
    };
  }
}
