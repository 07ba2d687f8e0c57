import type { Backend } from '../backend/contract.ts';
import { createCellAssigner, type Cells } from './cells.ts';
import { cellSplitter, type Split } from './split.ts';

/** Tokens that relocation looks at. */
export interface TokenSample {
  /** Row-major, tokens x dimension. */
  readonly rows: Float32Array | Float64Array;
  /** > 0, one per token. */
  readonly weights: Float64Array;
  readonly dimension: number;
}

/** One prototype that moved: `moved` and `split` share the cell that `split` had alone. */
export interface Move {
  readonly moved: number;
  readonly split: number;
}

/** Relocates the prototypes of a sample of tokens, again and again. */
export interface Relocator {
  /**
   * @param prototypes [K, m], in the sample's units; changed in place
   * @param rounds at most; each starts from a new assignment
   * @returns the moves, in order; deterministic where the backend is
   */
  relocate(prototypes: Float64Array, rounds: number): Promise<Move[]>;
  dispose(): void;
}

/**
 * Moves prototypes that are worth less where they are than elsewhere: as long as some prototype's removal
 * would cost less hard error than splitting another cell saves, it goes there, and the two take the
 * centroids of the halves.
 *
 * Annealing deals prototypes out while it is hot, by the mass of the branches it sees then, and they never cross over: a
 * branch that has only one cannot split when its own critical temperature comes, while another keeps
 * duplicates. All restarts make the same mistake. Relocation at the end of cooling repairs it
 * (docs/decisions/0020-fit-defaults.md has the measurements). Unused and merged prototypes are the case of cost 0.
 *
 * @param prototypes [K, m], in the sample's units; changed in place
 * @param rounds at most; each starts from a new assignment. Default 8
 * @returns the moves, in order; deterministic where the backend is
 * @throws DdclError `data` for tokens that are not finite; whatever the backend throws
 */
export async function relocate(
  backend: Backend,
  sample: TokenSample,
  prototypes: Float64Array,
  rounds = 8,
): Promise<Move[]> {
  const relocator = await createRelocator(backend, sample, prototypes.length / sample.dimension);
  try {
    return await relocator.relocate(prototypes, rounds);
  } finally {
    relocator.dispose();
  }
}

/** {@link relocate} with the tokens kept on the device between calls. */
export async function createRelocator(backend: Backend, sample: TokenSample, count: number): Promise<Relocator> {
  if (count < 2) return { relocate: async () => [], dispose: () => {} };
  const assigner = await createCellAssigner(backend, sample, count);
  return {
    async relocate(prototypes, rounds) {
      const moves: Move[] = [];
      // Most cells stay as they are from one round to the next, and are not split anew.
      const split = cellSplitter(sample, count);
      for (let round = 0; round < rounds; round++) {
        const cells = await assigner.assign(prototypes);
        const made = relocateOnce(prototypes, sample.dimension, cells, split(cells.codes));
        if (made.length === 0) break;
        moves.push(...made);
      }
      return moves;
    },
    dispose: () => assigner.dispose(),
  };
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
  const isUsed = new Set(codes);
  for (const moved of order) {
    if (locked.has(moved)) continue;
    // The heir's cell is about to grow by the moved one's tokens, so its split is priced wrongly; unless there are none.
    const grows = isUsed.has(moved);
    const split = bestSplit(splits, (k) => k !== moved && !(grows && k === heir[moved]) && !locked.has(k));
    // One that is next to its only worthwhile cell goes nowhere, and others may.
    if (split === undefined || splits[split]!.gain <= cost[moved]!) continue;
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
