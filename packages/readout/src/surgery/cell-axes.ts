import { createRandom, DdclError } from '@ddcl/core';
import {
  lanczos,
  modelState,
  tokenPass,
  type DdclModel,
  type FitOptions,
  type PassNumbers,
  type TokenSource,
} from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';
import { cellMomentsProgram, cellProductsProgram } from './cell-programs.ts';
import { runInLockstep } from './lockstep.ts';

/** The cells of all prototypes: tokens weighted by `a_n q_nk`. */
export interface CellAxes {
  /** Share of the token weight of each cell, [K]. */
  readonly shares: Float64Array;
  /** Largest eigenvalue of each cell's covariance, [K], in the tokens' units squared; 0 for an empty cell. */
  readonly variances: Float64Array;
  /** Unit eigenvectors, [K, m], largest component positive; zeros for an empty cell. */
  readonly axes: Float64Array;
}

export interface CellAxesOptions {
  readonly temperature: number;
  /** Residual of an eigenpair as a share of its eigenvalue; the eigenvalue's error is about its square. */
  readonly tolerance: number;
  /** Most passes over the tokens. */
  readonly passes: number;
  readonly seed: number;
  readonly signal: FitOptions['signal'] | undefined;
}

/** A cell with less than this share of the weight is empty: float32 sums hold nothing of it. */
const emptyShare = 1e-7;

/**
 * Leading eigenpairs of the covariances of all cells, by Lanczos on products: none is formed. One pass over the tokens makes the
 * masses and centroids, and each further pass the next product of all cells at once, as three matrix products per block
 * on the backend. Memory is that of two blocks and of K m numbers per pass.
 *
 * @throws DdclError `data` if no token has a positive weight
 */
export async function cellAxes(
  backend: Backend,
  model: DdclModel,
  source: TokenSource,
  { temperature, tolerance, passes, seed, signal }: CellAxesOptions,
): Promise<CellAxes> {
  const { count, dimension, dtype, offset, scale } = model;
  const pass = tokenPass(backend, source, { dtype, frame: { offset, scale }, width: count, repeated: true });
  try {
    const state = modelState(model, temperature).within(pass.frame);
    const moments = await pass.compile(cellMomentsProgram(state));
    const [mass, first] = (await moments.sum(state.inputs(), { signal })).sums as [Float64Array, Float64Array];
    const total = mass.reduce((sum, own) => sum + own, 0);
    if (!(total > 0)) {
      throw new DdclError('data', 'No token has a positive weight, so there are no cells. Give at least one.');
    }
    const shares = mass.map((own) => own / total);
    const centroids = first.map((sum, index) => {
      const k = Math.floor(index / dimension);
      return shares[k]! > emptyShare ? sum / mass[k]! : 0;
    });

    const occupied = Array.from(shares.keys()).filter((k) => shares[k]! > emptyShare);
    const products = await pass.compile(cellProductsProgram(state));
    const matrix = (values: Float64Array): PassNumbers => [
      { dtype, shape: [count, dimension] },
      dtype === 'float32' ? Float32Array.from(values) : values,
    ];
    const fixed = [...state.inputs(), matrix(centroids)];
    const random = createRandom(seed).fork('cell axes');
    const found = await runInLockstep<Float64Array, Float64Array, { value: number; vector: Float64Array }>(
      occupied.map((k) => async (ask) => {
        const { largest, vectors } = await lanczos(ask, {
          size: dimension,
          random: random.fork(k),
          want: 'largest',
          tolerance,
          maxIterations: passes,
          vectors: true,
        });
        return { value: Math.max(0, largest), vector: vectors!.largest };
      }),
      async (questions) => {
        const directions = new Float64Array(count * dimension);
        for (const [index, vector] of questions) directions.set(vector, occupied[index]! * dimension);
        const { sums } = await products.sum([...fixed, matrix(directions)], { signal });
        return new Map(
          [...questions.keys()].map((index) => {
            const k = occupied[index]!;
            return [index, sums[0]!.slice(k * dimension, (k + 1) * dimension).map((value) => value / mass[k]!)];
          }),
        );
      },
    );
    const variances = new Float64Array(count);
    const axes = new Float64Array(count * dimension);
    found.forEach(({ value, vector }, index) => {
      variances[occupied[index]!] = value * state.frame.scale ** 2;
      axes.set(withPositivePeak(vector), occupied[index]! * dimension);
    });
    return { shares, variances, axes };
  } finally {
    pass.dispose();
  }
}

function withPositivePeak(vector: Float64Array): Float64Array {
  const peak = vector.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  return peak < 0 ? vector.map((value) => -value) : vector;
}
