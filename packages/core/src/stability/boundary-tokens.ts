import type { AbortSignalLike } from '../abort/abort-signal.ts';
import type { PrototypeState } from '../measure/prototype-state.ts';
import type { TokenPass } from '../pass/token-pass.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import { keepRows, pairsOf, type Pairs } from './pairs.ts';
import { measureSlope, type Slope } from './slope.ts';

/** Numbers (boundary tokens x m) that are kept, at most: 128 MiB in float32. */
const keptNumbers = 2 ** 25;
/** Numbers (pairs x m) that one product goes over, at most: about half a second. */
const productNumbers = 2 ** 27;
/** The same where the backend could do it as well, since most pairs count. */
const softNumbers = 2 ** 21;

/**
 * All that the Hessian needs of the tokens where most belong to one prototype alone. Such a token adds `2 a u_k` to its prototype's row
 * and nothing else, so a sum of weights stands for them; those near a boundary are kept, with the prototypes that share them.
 */
export interface BoundaryTokens extends Pairs {
  /** [boundary tokens, m], in the frame. */
  readonly vectors: Float32Array | Float64Array;
  /** [boundary tokens]. */
  readonly weights: Float64Array;
  /** `sum_n a_n` of the other tokens, by the prototype that they belong to, [K]. */
  readonly sole: Float64Array;
  /** Of the same pass over all tokens. */
  readonly slope: Slope;
}

/**
 * Finds the boundary tokens: one pass on the backend for who is near whom, and one over the source to keep their vectors. A
 * pair counts where q is above the rounding of 1 (2^-24 in float32), below which the products of a backend cannot see it either.
 *
 * @param state in the frame of the pass
 * @returns undefined where that is too much: assignments so soft that more than a quarter of all pairs count, and these too many to make
 *   products with in a moment, or to keep
 */
export async function findBoundaryTokens(
  pass: TokenPass,
  source: TokenSource,
  state: PrototypeState,
  signal: AbortSignalLike | undefined,
): Promise<BoundaryTokens | undefined> {
  const { count, dimension } = state;
  const least = state.dtype === 'float32' ? 2 ** -24 : 2 ** -53;
  const sole = new Float64Array(count);
  const tokens: number[] = [];
  const weights: number[] = [];
  const prototypes: number[] = [];
  const starts = [0];
  const slope = await measureSlope(pass, state, signal, ({ first, rows, tokenWeights }, assignments) => {
    for (let row = 0; row < rows; row++) {
      const own = tokenWeights[row]!;
      if (own === 0) continue;
      const end = (row + 1) * count;
      for (let at = end - count; at < end; at++) if (assignments[at]! > least) prototypes.push(at - end + count);
      const only = prototypes.length === starts.at(-1)! + 1 ? prototypes.pop() : undefined;
      if (only === undefined) {
        tokens.push(first + row);
        weights.push(own);
        starts.push(prototypes.length);
      } else sole[only]! += own;
    }
    const numbers = prototypes.length * dimension;
    const isSoft = 4 * prototypes.length > (first + rows) * count && numbers > softNumbers;
    return !isSoft && numbers <= productNumbers && tokens.length * dimension <= keptNumbers;
  });
  if (slope === undefined) return undefined;
  const vectors = await keepRows(source, state, tokens, signal);
  const pairs = pairsOf(state, vectors, Uint32Array.from(starts), Uint32Array.from(prototypes));
  return { ...pairs, vectors, weights: Float64Array.from(weights), sole, slope };
}
