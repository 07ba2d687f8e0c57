import { nearest } from '../ddcl/nearest.ts';
import { tokenSums } from '../ddcl/token-sums.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { joinedGroups } from '../metrics/distinct.ts';
import { forEachPair, type PairVisitor } from '../metrics/pairwise.ts';
import { perplexity } from '../metrics/perplexity.ts';
import { separationSums } from '../metrics/separation.ts';
import type { PassTotals } from '../pass/pass-program.ts';
import { tokenProgram, type TokenProgram } from '../pass/token-program.ts';
import { tensorType } from '../program/tensor-type.ts';
import type { PrototypeState } from './prototype-state.ts';
import type { Quantities } from './quantities.ts';

/**
 * The sums of a measurement, of (prototypes, temperature).
 *
 * @param withCodes whether the nearest prototype of each token is wanted too
 */
export function measureProgram(
  { count, dimension, dtype }: Pick<PrototypeState, 'count' | 'dimension' | 'dtype'>,
  withCodes = false,
): TokenProgram {
  return tokenProgram(
    'tokenSums',
    [tensorType(dtype, [count, dimension]), tensorType(dtype, [])],
    (tokens, weights, prototypes, temperature) => {
      const operands = { tokens, prototypes, temperature };
      const { lq, lols, v, hard, entropy, mass, wins } = tokenSums({ ...operands, weights });
      return {
        sums: [lq, lols, v, hard, entropy, mass, wins],
        perToken: withCodes ? [nearest(operands).indices] : [],
      };
    },
  );
}

/** What {@link quantitiesFromTotals} adds: how the token mass spreads over prototypes. */
export interface MeasuredQuantities extends Quantities {
  /** Sum of token weights. */
  readonly weight: number;
  /** Share of the token weight that each prototype is nearest to, [K]. */
  readonly shares: Float64Array;
}

/**
 * All quantities of docs/math.md section 2 from one pass of {@link measureProgram}.
 *
 * @param totalVariance trace of the tokens' covariance, in the tokens' own units; `distinct` joins below 5 % of its root
 * @param pairs visits all pairs of prototypes with their distance; default: computed here, in float64
 * @throws DdclError `data` if no token has a positive weight
 */
export function quantitiesFromTotals(
  { sums, weight }: PassTotals,
  state: Pick<PrototypeState, 'absolute' | 'count' | 'dimension' | 'frame'>,
  totalVariance: number,
  pairs: (visit: PairVisitor) => void = (visit) => forEachPair(state.absolute, state.count, state.dimension, visit),
): MeasuredQuantities {
  if (!(weight > 0)) {
    throw new DdclError(
      'data',
      'No token has a positive weight, so there is nothing to measure. Give at least one token with a weight > 0.',
    );
  }
  type One = Float64Array;
  const [lqSum, lolsSum, vSum, hardSum, entropySum, mass, wins] = sums as readonly [One, One, One, One, One, One, One];
  const { count } = state;
  const unit = state.frame.scale ** 2 / weight;
  const [lq, lols, v] = [lqSum[0]! * unit, lolsSum[0]! * unit, vSum[0]! * unit];
  const joining = 0.05 * Math.sqrt(totalVariance);
  const apart = separationSums(count);
  const groups = joinedGroups(count, joining);
  // One pass for both: for many prototypes it is most of a measurement on a sample.
  pairs((i, j, distance) => {
    apart.add(distance);
    groups.add(i, j, distance);
  });
  return {
    loss: { lq, lols, v, hard: hardSum[0]! * unit, defect: lq === 0 ? 0 : Math.abs(lq - lols - v) / lq },
    separation: apart.result(),
    entropy: Math.max(0, entropySum[0]! / weight),
    used: wins.filter((share) => share > 0).length / count,
    distinct: joining > 0 ? groups.left() : 1,
    perplexity: perplexity(mass.map((share) => Math.max(0, share))),
    weight,
    shares: wins.map((share) => share / weight),
  };
}
