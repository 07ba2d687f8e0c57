import type { Backend } from '../backend/contract.ts';
import type { PrototypeState } from '../measure/prototype-state.ts';
import type { AbortSignalLike } from '../abort/abort-signal.ts';
import { tokenPass } from '../pass/token-pass.ts';
import type { Random } from '../random/random.ts';
import { tokensFromArray } from '../tokens/from-array.ts';
import { tokensFromReader } from '../tokens/from-reader.ts';
import type { TokenStatistics } from '../statistics/statistics.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import { hessianStability, type Stability } from './stability.ts';

/** Most tokens that a fit's certificate is measured on. */
export const maxStabilityTokens: number = 65_536;

/** Numbers (tokens x K x m) that one Hessian product may go over in a fit, so that the certificate stays a small part of it. */
const productBudget = 1 << 27;

export interface MeasureStabilityOptions {
  readonly random: Random;
  /**
   * D > 0, [K m]: the eigenvalues of `D^-1/2 H D^-1/2` instead, which decide about rates where an optimiser divides gradients by D
   * (docs/math.md section 4). They have the unit of 1 / D then.
   */
  readonly divisor?: Float64Array | undefined;
  readonly signal?: AbortSignalLike | undefined;
  readonly onIteration?: ((iteration: number) => void) | undefined;
}

/** The certificate on a sample of the tokens: at most 65,536 of them, fewer where K m is large (at least 1,024). */
export function measureStability(
  backend: Backend,
  { sample }: Pick<TokenStatistics, 'sample'>,
  state: PrototypeState,
  options: MeasureStabilityOptions,
): Promise<Stability & { readonly tokens: number }> {
  const affordable = Math.max(1024, Math.floor(productBudget / (state.count * state.dimension)));
  const most = Math.min(maxStabilityTokens, affordable, sample.count);
  const rows = evenRows(sample.rows, state.dimension, sample.count, most);
  const weights = evenRows(sample.weights, 1, sample.count, most);
  return measureStabilityOn(
    backend,
    tokensFromReader(tokensFromArray(rows, state.dimension, weights)),
    most,
    state,
    options,
  );
}

/** `most` rows out of `count`, evenly spread, so that any part of a sample is a sample. */
export function evenRows(rows: Float64Array, dimension: number, count: number, most: number): Float64Array {
  if (most >= count) return rows;
  const picked = new Float64Array(most * dimension);
  for (let index = 0; index < most; index++) {
    const from = Math.floor((index * count) / most);
    picked.set(rows.subarray(from * dimension, (from + 1) * dimension), index * dimension);
  }
  return picked;
}

/** The certificate on all tokens of a source. */
export async function measureStabilityOn(
  backend: Backend,
  source: TokenSource,
  tokens: number,
  state: PrototypeState,
  options: MeasureStabilityOptions,
): Promise<Stability & { readonly tokens: number }> {
  const { dtype, frame, count } = state;
  const pass = tokenPass(backend, source, { dtype, frame, width: count, tokens, repeated: true });
  try {
    return { ...(await hessianStability(pass, state.within(pass.frame), options)), tokens };
  } finally {
    pass.dispose();
  }
}
