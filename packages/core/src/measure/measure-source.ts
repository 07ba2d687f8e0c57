import type { AbortSignalLike } from '../abort/abort-signal.ts';
import type { Backend } from '../backend/contract.ts';
import { tokenPass, type TokenPass } from '../pass/token-pass.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import { measureProgram, quantitiesFromTotals, type MeasuredQuantities } from './measure.ts';
import type { PrototypeState } from './prototype-state.ts';

export interface MeasureSourceOptions extends MeasurePassOptions {
  /** Number of tokens, for the size of blocks. */
  readonly tokens: number;
}

export interface MeasurePassOptions {
  /** Trace of the tokens' covariance, in their own units. */
  readonly totalVariance: number;
  readonly signal?: AbortSignalLike | undefined;
  /** Called with the tokens measured so far. */
  readonly onProgress?: ((tokens: number) => void) | undefined;
  /**
   * Called with the nearest prototype of each token (ties go to the lowest), some tokens at a time, in stored order. A token of weight 0
   * may get any.
   */
  readonly onCodes?: ((codes: Int32Array) => void) | undefined;
}

/**
 * All quantities of docs/math.md section 2 for given prototypes at a given temperature, in one pass over the tokens
 * in stored order. Memory is that of two blocks.
 *
 * @throws DdclError `data` if no token has a positive weight or a token is not finite
 */
export async function measureSource(
  backend: Backend,
  source: TokenSource,
  given: PrototypeState,
  { tokens, ...options }: MeasureSourceOptions,
): Promise<MeasuredQuantities> {
  const pass = tokenPass(backend, source, { dtype: given.dtype, frame: given.frame, width: given.count, tokens });
  try {
    return await measurePass(pass, given, options);
  } finally {
    pass.dispose();
  }
}

/** {@link measureSource} over tokens that are on their way already; codes come in the order of the pass. */
export async function measurePass(
  pass: TokenPass,
  given: PrototypeState,
  { totalVariance, signal, onProgress, onCodes }: MeasurePassOptions,
): Promise<MeasuredQuantities> {
  const state = given.within(pass.frame);
  const measure = await pass.compile(measureProgram(state, onCodes !== undefined));
  const onRows = onCodes && ((codes: unknown) => onCodes(codes as Int32Array));
  const totals = await measure.sum(state.inputs(), { signal, onProgress, onRows });
  return quantitiesFromTotals(totals, state, totalVariance);
}
