import type { Span } from '@ddcl/hier';

/** How far a piece may lie beyond the one before: white space, and what the vocabulary has no piece for. */
const reach = 200;

/**
 * Where the pieces of an uncased WordPiece vocabulary stand in the text that they were made of. A piece that is not found, such as `[UNK]`, is an empty span after the one before.
 *
 * @param pieces as in the vocabulary: `word`, `##ing`
 */
export function pieceSpans(text: string, pieces: readonly string[]): Span[] {
  let folded = '';
  const places: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const plain = text[at]!.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
    for (let index = 0; index < plain.length; index++) places.push(at);
    folded += plain;
  }
  let cursor = 0;
  return pieces.map((piece) => {
    const plain = piece.replace(/^##(?=.)/, '');
    const found = folded.indexOf(plain, cursor);
    const after = places[cursor - 1] === undefined ? 0 : places[cursor - 1]! + 1;
    if (found < 0 || found > cursor + reach) return { start: after, end: after };
    cursor = found + plain.length;
    return { start: Math.max(after, places[found]!), end: places[cursor - 1]! + 1 };
  });
}
