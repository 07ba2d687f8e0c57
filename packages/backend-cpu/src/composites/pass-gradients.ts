import type { TypedArray } from '@ddcl/core/backend';
import { multiplyPacked, pack } from '../kernels/matmul.ts';
import { chunkRows, createTokenSum, type TokenChunk } from './token-chunks.ts';
import type { PassContext, PassPart } from './token-pass.ts';

/** dL_q/dP with `w_nk = q_nk (1 - (d_nk - l_n) / T)` (docs/math.md section 3). */
export function lossAndGradientPart({ data, operands, wanted }: PassContext): PassPart | undefined {
  if (!wanted.has('gradient')) return undefined;
  const { prototypes, temperature, count, dimension } = data;
  const weights = operands.weights!;
  const pulls = new Float64Array(count);
  const tokenSum = createTokenSum(count, dimension);
  const coefficients = new Float64Array(chunkRows * count);
  return {
    visit(chunk) {
      const { start, rows, q, distances, errors } = chunk;
      for (let row = 0; row < rows; row++) {
        const weight = weights[start + row]!;
        const error = errors[row]!;
        for (let k = 0; k < count; k++) {
          const index = row * count + k;
          const w = weight * q[index]! * (1 - (distances[index]! - error) / temperature);
          coefficients[index] = w;
          pulls[k]! += w;
        }
      }
      tokenSum.add(coefficients, chunk);
    },
    results: () => ({
      gradient: tokenSum.sums.map(
        (sum, index) => 2 * (pulls[Math.floor(index / dimension)]! * prototypes[index]! - sum),
      ),
    }),
  };
}

/** What flows back from L_q, L_OLS and V to the operands of the loss. */
export function lossGradientPart(context: PassContext): PassPart | undefined {
  const { data, operands, wanted, outputs } = context;
  const { weights, onLq, onLols, onV } = operands;
  const number = (cotangent: TypedArray | undefined): number => cotangent?.[0] ?? 0;
  const scales = { lq: number(onLq) + number(onV), lols: number(onLols) - number(onV) };
  const { dimension } = data;
  const forWeights = wanted.has('lossByWeights') ? new Float64Array(data.rows) : undefined;
  const onOutputs = new Float64Array(chunkRows * dimension);
  const withResidual = onLols !== undefined || onV !== undefined;

  const addWeights = ({ start, rows, tokens, errors }: TokenChunk, y: Float64Array | undefined): void => {
    for (let row = 0; row < rows; row++) {
      let residual = 0;
      for (let axis = row * dimension; y !== undefined && axis < (row + 1) * dimension; axis++)
        residual += (tokens[axis]! - y[axis]!) ** 2;
      forWeights![start + row] = scales.lq * errors[row]! + scales.lols * residual;
    }
  };
  const pull = pullBack(context, {
    byTokens: wanted.has('lossByTokens'),
    byPrototypes: wanted.has('lossByPrototypes'),
    byTemperature: wanted.has('lossByTemperature'),
    /** `c_q a_n`: how much L_q's own term counts. */
    direct: (token) => scales.lq * weights![token]!,
    // L_OLS holds the token itself too.
    tokenShare: -1,
    onOutputs: (chunk) => {
      if (!withResidual) return undefined;
      const y = outputs(chunk);
      for (let row = 0; row < chunk.rows; row++) {
        const factor = -2 * scales.lols * weights![chunk.start + row]!;
        for (let axis = row * dimension; axis < (row + 1) * dimension; axis++)
          onOutputs[axis] = factor * (chunk.tokens[axis]! - y[axis]!);
      }
      return onOutputs;
    },
  });
  if (pull === undefined && forWeights === undefined) return undefined;
  return {
    visit(chunk) {
      if (forWeights !== undefined) addWeights(chunk, withResidual ? outputs(chunk) : undefined);
      pull?.visit(chunk);
    },
    results() {
      const { byTokens, byPrototypes, byTemperature } = pull?.results() ?? {};
      return {
        ...(byTokens && { lossByTokens: byTokens }),
        ...(forWeights && { lossByWeights: forWeights }),
        ...(byPrototypes && { lossByPrototypes: byPrototypes }),
        ...(byTemperature && { lossByTemperature: byTemperature }),
      };
    },
  };
}

/** What flows back from y. */
export function outputsGradientPart(context: PassContext): PassPart | undefined {
  const { data, operands, wanted } = context;
  const { dimension } = data;
  const packed = new Float64Array(chunkRows * dimension);
  const pull = pullBack(context, {
    byTokens: wanted.has('outputsByTokens'),
    byPrototypes: wanted.has('outputsByPrototypes'),
    byTemperature: wanted.has('outputsByTemperature'),
    direct: () => 0,
    tokenShare: 0,
    onOutputs: ({ start, rows }) => pack(operands.onOutputs!, start * dimension, rows, dimension, true, packed),
  });
  return (
    pull && {
      visit: (chunk) => pull.visit(chunk),
      results() {
        const { byTokens, byPrototypes, byTemperature } = pull.results();
        return {
          ...(byTokens && { outputsByTokens: byTokens }),
          ...(byPrototypes && { outputsByPrototypes: byPrototypes }),
          ...(byTemperature && { outputsByTemperature: byTemperature }),
        };
      },
    }
  );
}

interface PullBackOptions {
  readonly byTokens: boolean;
  readonly byPrototypes: boolean;
  readonly byTemperature: boolean;
  readonly direct: (token: number) => number;
  /** Cotangent F of y, [rows, m]; undefined for none. */
  readonly onOutputs: (chunk: TokenChunk) => Float64Array | undefined;
  /** How often F flows to the tokens as it is. */
  readonly tokenShare: number;
}

interface PullBack {
  visit(chunk: TokenChunk): void;
  results(): {
    readonly byTokens?: Float64Array | undefined;
    readonly byPrototypes?: Float64Array | undefined;
    readonly byTemperature?: readonly number[] | undefined;
  };
}

/**
 * With `h_k = c_q a d_k + F.p_k` the derivative by d_nk is `D = c_q a q - s / T` with `s = q (h - sum_k q h)`. Then
 * `dz = 2 (sum_k D z - D P)`, `dp = 2 (sum_n D p - D^T Z) + q^T F`, `dT = sum s d / T^2`.
 */
function pullBack({ data, byAxis }: PassContext, options: PullBackOptions): PullBack | undefined {
  const { direct, onOutputs, tokenShare } = options;
  const { prototypes, temperature, count, dimension } = data;
  if (!options.byTokens && !options.byPrototypes && !options.byTemperature) return undefined;
  const byTokens = options.byTokens ? new Float64Array(data.rows * dimension) : undefined;
  const sums = options.byPrototypes ? [createTokenSum(count, dimension), createTokenSum(count, dimension)] : undefined;
  const along = new Float64Array(chunkRows * count);
  const coefficients = new Float64Array(chunkRows * count);
  const mixed = new Float64Array(chunkRows * dimension);
  const totals = new Float64Array(chunkRows);
  const pulls = new Float64Array(count);
  let forTemperature = 0;

  const addTokens = (into: Float64Array, { start, rows, tokens }: TokenChunk, f: Float64Array | undefined): void => {
    multiplyPacked(coefficients, byAxis(), mixed, 0, rows, dimension, count);
    for (let row = 0; row < rows; row++) {
      for (let axis = row * dimension; axis < (row + 1) * dimension; axis++)
        into[start * dimension + axis] =
          2 * (totals[row]! * tokens[axis]! - mixed[axis]!) + tokenShare * (f?.[axis] ?? 0);
    }
  };

  return {
    visit(chunk) {
      const { start, rows, q, distances, errors } = chunk;
      const f = onOutputs(chunk);
      if (f !== undefined) multiplyPacked(f, prototypes, along, 0, rows, count, dimension);
      for (let row = 0; row < rows; row++) {
        const first = row * count;
        const own = direct(start + row);
        let mean = own * errors[row]!;
        if (f !== undefined) for (let k = first; k < first + count; k++) mean += q[k]! * along[k]!;
        let total = 0;
        for (let k = 0; k < count; k++) {
          const index = first + k;
          const distance = distances[index]!;
          const slope = q[index]! * (own * distance + along[index]! - mean);
          const coefficient = own * q[index]! - slope / temperature;
          coefficients[index] = coefficient;
          pulls[k]! += coefficient;
          total += coefficient;
          forTemperature += slope * distance;
        }
        totals[row] = total;
      }
      if (byTokens !== undefined) addTokens(byTokens, chunk, f);
      sums?.[0]!.add(coefficients, chunk);
      if (f !== undefined) sums?.[1]!.add(q, { rows, tokens: f });
    },
    results: () => ({
      byTokens,
      byPrototypes: sums?.[0]!.sums.map(
        (sum, index) => 2 * (pulls[Math.floor(index / dimension)]! * prototypes[index]! - sum) + sums[1]!.sums[index]!,
      ),
      byTemperature: options.byTemperature ? [forTemperature / temperature ** 2] : undefined,
    }),
  };
}
