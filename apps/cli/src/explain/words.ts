/** A token's place in the words of a text. */
export interface Words {
  /** Whole words, as they are shown. */
  readonly words: readonly string[];
  /** Word of each token. */
  readonly wordOf: Int32Array;
  /** Text of each token, without the mark of a piece that goes on. */
  readonly texts: readonly string[];
  /** Whether a token goes on with the word of the one before. */
  readonly joined: readonly boolean[];
}

/** Marks of word pieces: WordPiece's `##` goes on; SentencePiece's and byte-level BPE's first character begins a word. */
const goesOn = '##';
const begins = ['\u2581', '\u0120'];

/** Joins the pieces of a vocabulary to words. Special tokens are words of their own. */
export function joinPieces(pieces: readonly string[], special: ArrayLike<number>): Words {
  const marksStarts = pieces.some(
    (piece, index) => special[index] === 0 && begins.some((mark) => piece.startsWith(mark)),
  );
  const words: string[] = [];
  const wordOf = new Int32Array(pieces.length);
  const texts: string[] = [];
  const joined: boolean[] = [];
  pieces.forEach((piece, index) => {
    const isSpecial = special[index] !== 0;
    const mark = begins.find((start) => piece.startsWith(start));
    const afterWord = index > 0 && special[index - 1] === 0;
    const isJoined = !isSpecial && afterWord && (marksStarts ? mark === undefined : piece.startsWith(goesOn));
    const text = isSpecial ? piece : piece.slice(mark?.length ?? (piece.startsWith(goesOn) ? goesOn.length : 0));
    if (isJoined) words[words.length - 1] += text;
    else words.push(text);
    wordOf[index] = words.length - 1;
    texts.push(text);
    joined.push(isJoined);
  });
  return { words, wordOf, texts, joined };
}
