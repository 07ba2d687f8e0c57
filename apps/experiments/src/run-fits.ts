import { encodeTokens, fit, tokensFromArray, tokensFromReader, type FitOptions } from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';

/** One annealed fit with default settings. */
export interface FitRun {
  readonly codes: Int32Array;
  readonly hard: number;
  readonly used: number;
  readonly distinct: number;
  /** Hard error of each restart. */
  readonly restarts: readonly number[];
}

/** Fits tokens (row-major) and codes them. */
export async function runFit(
  backend: Backend,
  data: Float64Array,
  dimension: number,
  options: FitOptions,
): Promise<FitRun> {
  const source = tokensFromReader(tokensFromArray(data, dimension));
  const { model, quantities, restartErrors } = await fit(backend, source, options);
  const codes = new Int32Array(data.length / dimension);
  let place = 0;
  for await (const block of encodeTokens(backend, model, source, 'codes')) {
    codes.set(block.data, place);
    place += block.rows;
  }
  return {
    codes,
    hard: quantities.loss.hard,
    used: quantities.used,
    distinct: quantities.distinct,
    restarts: restartErrors,
  };
}
