import { DdclError } from '../errors/ddcl-error.ts';
import { addOuterProducts, rowsAtOnce } from './outer-products.ts';
import { firstNonFinite } from '../numbers/first-non-finite.ts';
import { checkRows, type RowData } from './rows.ts';
import { addScaled } from './vector.ts';

/** Moments of weighted rows, per unit of weight (the C of docs/math.md section 5). */
export interface Moments {
  /** Sum of the weights, > 0. */
  readonly weight: number;
  /** Rows of positive weight. */
  readonly rows: number;
  /** m numbers. */
  readonly mean: Float64Array;
  /** m x m, symmetric, divided by the weight (no Bessel correction). `undefined` for m above the limit. */
  readonly covariance: Float64Array | undefined;
  /** Trace of the covariance: the total variance. */
  readonly trace: number;
}

/** Options of {@link createMomentAccumulator}. */
export interface MomentOptions {
  /**
   * Largest dimension for which the covariance matrix is kept (m^2 numbers; every row costs m^2 / 2); default
   * 2048. Above it only mean and trace are.
   */
  readonly maxCovarianceDimension?: number;
}

/** Sums over a stream of rows from which the moments follow. */
export interface MomentAccumulator {
  readonly dimension: number;
  /** Sum of the weights so far. */
  readonly weight: number;
  /**
   * Adds rows.
   *
   * @param data rows x dimension, row-major; any number of rows.
   * @param weights one per row, >= 0; default 1. Rows of weight 0 are skipped and may hold anything.
   * @throws DdclError `shape` when lengths do not fit, `data` when a weight is negative or a number is not finite.
   *   Then nothing was added.
   */
  addRows(data: RowData, weights?: RowData): void;
  /** @throws DdclError `data` while no row of positive weight came. */
  result(): Moments;
}

/**
 * An accumulator of weight, mean and covariance in float64, one pass.
 *
 * Rows are taken relative to the first one (T. Chan, G. Golub, R. LeVeque, *American Statistician* 37, 1983), so a
 * mean that is large against the spread does no harm. How the stream is cut into blocks changes last bits only.
 *
 * @param dimension m >= 1.
 * @throws DdclError `argument` unless `dimension` is an integer >= 1.
 */
export function createMomentAccumulator(dimension: number, options: MomentOptions = {}): MomentAccumulator {
  if (!Number.isSafeInteger(dimension) || dimension < 1) {
    throw new DdclError('argument', `Moments need a dimension >= 1, but ${dimension} came.`);
  }
  const keepsMatrix = dimension <= (options.maxCovarianceDimension ?? 2048);
  let shift: Float64Array | undefined;
  let rows = 0;
  let weight = 0;
  const first = new Float64Array(dimension);
  const second = new Float64Array(keepsMatrix ? dimension * dimension : 1);
  // Rows of a batch relative to the shift, and the same times their weights.
  const centred = Array.from({ length: rowsAtOnce }, () => new Float64Array(dimension));
  const weighted = Array.from({ length: rowsAtOnce }, () => new Float64Array(dimension));

  function addBatch(filled: number): void {
    for (let r = filled; r < rowsAtOnce; r += 1) {
      (centred[r] as Float64Array).fill(0);
      (weighted[r] as Float64Array).fill(0);
    }
    for (let r = 0; r < filled; r += 1) addScaled(first, 1, weighted[r] as Float64Array);
    addOuterProducts(second, dimension, weighted, centred);
  }

  return {
    dimension,
    get weight() {
      return weight;
    },
    addRows(data, weights) {
      const count = checkRows(data.length, dimension, weights);
      checkFinite(data, dimension, weights);
      if (!keepsMatrix) {
        for (let row = 0; row < count; row += 1) {
          const a = weights === undefined ? 1 : (weights[row] as number);
          if (a === 0) continue;
          shift ??= Float64Array.from(data.subarray(row * dimension, (row + 1) * dimension));
          second[0] = (second[0] as number) + addRow(first, shift, data, row * dimension, a);
          rows += 1;
          weight += a;
        }
        return;
      }
      let filled = 0;
      for (let row = 0; row < count; row += 1) {
        const a = weights === undefined ? 1 : (weights[row] as number);
        if (a === 0) continue;
        shift ??= Float64Array.from(data.subarray(row * dimension, (row + 1) * dimension));
        const z = centred[filled] as Float64Array;
        const az = weighted[filled] as Float64Array;
        for (let c = 0; c < dimension; c += 1) {
          const difference = (data[row * dimension + c] as number) - (shift[c] as number);
          z[c] = difference;
          az[c] = a * difference;
        }
        rows += 1;
        weight += a;
        filled += 1;
        if (filled === rowsAtOnce) {
          addBatch(filled);
          filled = 0;
        }
      }
      if (filled > 0) addBatch(filled);
    },
    result() {
      if (shift === undefined)
        throw new DdclError('data', 'Moments need at least one row of positive weight, but none came.');
      const drift = first.map((value) => value / weight);
      const mean = shift.map((value, c) => value + (drift[c] as number));
      if (!keepsMatrix) {
        const square = drift.reduce((sum, value) => sum + value * value, 0);
        return {
          weight,
          rows,
          mean,
          covariance: undefined,
          trace: Math.max(0, (second[0] as number) / weight - square),
        };
      }
      const covariance = covarianceOf(second, drift, weight);
      let trace = 0;
      for (let c = 0; c < dimension; c += 1) trace += covariance[c * (dimension + 1)] as number;
      return { weight, rows, mean, covariance, trace };
    },
  };
}

/** Adds `a (z - shift)` to a sum; returns `a |z - shift|^2`. */
function addRow(sum: Float64Array, shift: Float64Array, data: RowData, start: number, a: number): number {
  const dimension = sum.length;
  let [even, odd] = [0, 0];
  const end = dimension - (dimension % 2);
  for (let c = 0; c < end; c += 2) {
    const one = (data[start + c] as number) - (shift[c] as number);
    const two = (data[start + c + 1] as number) - (shift[c + 1] as number);
    sum[c] = (sum[c] as number) + a * one;
    sum[c + 1] = (sum[c + 1] as number) + a * two;
    even += one * one;
    odd += two * two;
  }
  if (end < dimension) {
    const last = (data[start + end] as number) - (shift[end] as number);
    sum[end] = (sum[end] as number) + a * last;
    even += last * last;
  }
  return a * (even + odd);
}

function covarianceOf(second: Float64Array, drift: Float64Array, weight: number): Float64Array {
  const m = drift.length;
  const covariance = new Float64Array(m * m);
  for (let i = 0; i < m; i += 1) {
    for (let j = i; j < m; j += 1) {
      const value = (second[i * m + j] as number) / weight - (drift[i] as number) * (drift[j] as number);
      // A constant column may come out as a negative rounding error.
      covariance[i * m + j] = i === j ? Math.max(0, value) : value;
      covariance[j * m + i] = covariance[i * m + j] as number;
    }
  }
  return covariance;
}

function checkFinite(data: RowData, dimension: number, weights: RowData | undefined): void {
  const first = firstNonFinite(data);
  if (first < 0) return;
  for (let i = first; i < data.length; i += 1) {
    if (Number.isFinite(data[i])) continue;
    const row = Math.floor(i / dimension);
    if (weights !== undefined && weights[row] === 0) continue;
    throw new DdclError(
      'data',
      `Rows must be finite, but row ${row} of the block holds ${data[i]}. Give it weight 0 or mend it.`,
    );
  }
}
