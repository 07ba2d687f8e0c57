import { cellAssigner, type Cells } from './cells.ts';
import { cellSplitter, type Split } from './split.ts';

/** Tokens that relocation looks at. */
export interface TokenSample {
  /** Row-major, tokens x dimension. */
  readonly rows: Float64Array;
  /** > 0, one per token. */
  readonly weights: Float64Array;
  readonly dimension: number;
}

/** One prototype that moved: `moved` and `split` share the cell that `split` had alone. */
export interface Move {
  readonly moved: number;
  readonly split: number;
}

/** Most rounds; each starts from a new assignment. */
const mostRounds = 8;

/**
 * Moves prototypes that are worth less where they are than elsewhere: as long as some prototype's removal
 * would cost less hard error than splitting another cell saves, it goes there, and the two take the
 * centroids of the halves.
 *
 * Annealing deals prototypes out while it is hot, by the mass of the branches it sees then, and they never cross over: a
 * branch that has only one cannot split when its own critical temperature comes, while another keeps
 * duplicates. All restarts make the same mistake. One relocation at the end of cooling repairs it
 * (docs/decisions/0020-fit-defaults.md has the measurements). Unused and merged prototypes are the case of cost 0.
 *
 * @param prototypes [K, m], in the sample's units; changed in place
 * @returns the moves, in order; deterministic
 */
export function relocate(sample: TokenSample, prototypes: Float64Array): Move[] {
  const count = prototypes.length / sample.dimension;
  const moves: Move[] = [];
  // Most cells stay as they are from one round to the next: both remember what they know of those.
  const assign = cellAssigner(sample, prototypes);
  const split = cellSplitter(sample, count);
  let moved: number[] = [];
  for (let round = 0; round < mostRounds && count > 1; round++) {
    const cells = assign(moved);
    const made = relocateOnce(prototypes, sample.dimension, cells, split(cells.codes));
    if (made.length === 0) break;
    moves.push(...made);
    moved = made.flatMap((move) => [move.moved, move.split]);
  }
  return moves;
}

function relocateOnce(
  prototypes: Float64Array,
  dimension: number,
  { codes, cost, heir }: Cells,
  splits: readonly (Split | undefined)[],
): Move[] {
  const count = cost.length;
  const order = Array.from({ length: count }, (_, k) => k).sort((a, b) => cost[a]! - cost[b]!);
  // A cell whose neighbourhood has changed is priced anew in the next round.
  const locked = new Set<number>();
  const moves: Move[] = [];
  for (const moved of order) {
    if (locked.has(moved)) continue;
    // The heir's cell is about to grow by the moved one's tokens, so its split is priced wrongly; unless there are none.
    const grows = codes.includes(moved);
    const split = bestSplit(splits, (k) => k !== moved && !(grows && k === heir[moved]) && !locked.has(k));
    if (split === undefined || splits[split]!.gain <= cost[moved]!) break;
    prototypes.set(splits[split]!.first, moved * dimension);
    prototypes.set(splits[split]!.second, split * dimension);
    for (const k of [moved, split, heir[moved]!]) locked.add(k);
    moves.push({ moved, split });
  }
  return moves;
}

function bestSplit(splits: readonly (Split | undefined)[], allowed: (k: number) => boolean): number | undefined {
  let best: number | undefined;
  splits.forEach((split, k) => {
    if (split !== undefined && allowed(k) && (best === undefined || split.gain > splits[best]!.gain)) best = k;
  });
  return best;
}
