/** A part of a sequence that becomes one row of a padded batch. */
export interface Piece {
  readonly sequence: number;
  /** Its tokens: from the layout's `places[start]`, `count` of them, >= 1. */
  readonly start: number;
  readonly count: number;
}

/** Rows that run together: `pieces.length <= rows`, each of at most `length` tokens. */
export interface RowPlan {
  /** Whether the pieces are whole sequences; the others are parts of longer ones, whose sums add up. */
  readonly isWhole: boolean;
  readonly rows: number;
  readonly length: number;
  readonly pieces: readonly Piece[];
}

/**
 * Lengths that rows are padded to: few, so that few programs are compiled; close together, so that little is computed
 * for nothing. Longer sequences are cut into pieces, whose sums add up.
 */
const lengths = [8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512];

/** The largest piece. */
export const longestRow: number = lengths.at(-1)!;

/** Share of rows that may be empty before a group is run in two. */
const emptyShare = 0.25;

/**
 * Groups sequences by length under a budget of tokens per run. Rows come in powers of two, lengths from a short list.
 *
 * @param offsets tokens of sequence s are `offsets[s]` to `offsets[s + 1] - 1`
 * @param budget most tokens per run, padding included; one row may have more
 */
export function planRows(offsets: Int32Array, budget: number): RowPlan[] {
  const whole: Piece[] = [];
  const parts: Piece[] = [];
  for (let sequence = 0; sequence + 1 < offsets.length; sequence++) {
    const pieces = offsets[sequence + 1]! - offsets[sequence]! > longestRow ? parts : whole;
    for (let start = offsets[sequence]!; start < offsets[sequence + 1]!; start += longestRow) {
      pieces.push({ sequence, start, count: Math.min(longestRow, offsets[sequence + 1]! - start) });
    }
  }
  return [...planPieces(whole, true, budget), ...planPieces(parts, false, budget)];
}

function planPieces(pieces: Piece[], isWhole: boolean, budget: number): RowPlan[] {
  // Stable, so the plan depends on lengths alone.
  pieces.sort((a, b) => b.count - a.count);
  const plans: RowPlan[] = [];
  for (let first = 0; first < pieces.length;) {
    const length = lengths.find((candidate) => candidate >= pieces[first]!.count)!;
    const left = pieces.length - first;
    const most = 2 ** Math.floor(Math.log2(Math.max(1, budget / length)));
    const above = 2 ** Math.ceil(Math.log2(left));
    const fitting = (above - left) / above <= emptyShare ? above : above / 2;
    const rows = Math.max(1, Math.min(most, fitting));
    plans.push({ isWhole, rows, length, pieces: pieces.slice(first, first + rows) });
    first += rows;
  }
  return plans;
}
