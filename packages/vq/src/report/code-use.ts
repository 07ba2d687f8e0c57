import { perplexity } from '@ddcl/core/metrics';
import { requireList, requireObject, requireWhole } from '../checks/require.ts';
import { places, sliceCount } from '../spec/layout.ts';
import type { ResolvedSpec } from '../spec/resolve.ts';

/** How the codes of one level of one head (of all heads that share) are used. */
export interface PlaceUse {
  /** The head; 0 where heads share. */
  readonly slice: number;
  /** From 0. */
  readonly level: number;
  /** Share of the codes that at least one vector has. */
  readonly use: number;
  /** Of the codes' shares of weight: K where all are used alike. */
  readonly perplexity: number;
  /** Codes that no vector has. */
  readonly dead: readonly number[];
}

/** How codes are used by what was counted: an epoch, not a batch, or rare codes count as dead. */
export interface CodeUse {
  /** Mean over places. */
  readonly use: number;
  /** Mean over places. */
  readonly perplexity: number;
  /** Sum over places. */
  readonly deadCount: number;
  readonly places: readonly PlaceUse[];
}

/** Counts codes over as many batches as wanted. */
export interface CodeCounter {
  /** @param indices [n, H D]; @param weights one per vector, default all 1 */
  add(indices: ArrayLike<number>, weights?: ArrayLike<number>): void;
  report(): CodeUse;
}

/** Codes above which a list of all of them is not kept, nor reported as dead. */
const mostListed = 1 << 22;

/** @param spec of `resolveSpec` @throws DdclError `argument` for others */
export function createCodeCounter(spec: ResolvedSpec): CodeCounter {
  requireObject('The spec', spec, 'what resolveSpec makes');
  const { heads, depth, codes } = spec;
  for (const [name, size] of Object.entries({ heads, depth, codes })) requireWhole(name, size, 1);
  const slices = sliceCount(spec);
  const counts = places(spec).map(() => new Map<number, number>());
  return {
    add(indices, weights) {
      requireList('indices', indices);
      if (weights !== undefined) requireList('weights', weights);
      const perVector = heads * depth;
      for (let at = 0; at < indices.length; at++) {
        const weight = weights === undefined ? 1 : weights[Math.floor(at / perVector)]!;
        if (!(weight > 0)) continue;
        const head = Math.floor((at % perVector) / depth);
        const own = counts[(slices === 1 ? 0 : head) * depth + (at % depth)]!;
        own.set(indices[at]!, (own.get(indices[at]!) ?? 0) + weight);
      }
    },
    report() {
      const used = places(spec).map((place, index): PlaceUse => {
        const own = counts[index]!;
        const shares = Float64Array.from(own.values());
        const isListed = codes <= mostListed;
        return {
          ...place,
          use: own.size / codes,
          perplexity: shares.length === 0 ? 0 : perplexity(shares),
          dead: isListed ? Array.from({ length: codes }, (_, code) => code).filter((code) => !own.has(code)) : [],
        };
      });
      const mean = (of: (each: PlaceUse) => number): number =>
        used.reduce((sum, each) => sum + of(each), 0) / used.length;
      return {
        use: mean((each) => each.use),
        perplexity: mean((each) => each.perplexity),
        deadCount: counts.reduce((sum, own) => sum + codes - own.size, 0),
        places: used,
      };
    },
  };
}
