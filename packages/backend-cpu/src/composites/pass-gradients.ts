import type { TypedArray } from '@ddcl/core/backend';
import type { Block } from '../arithmetic/arithmetic.ts';
import { chunkRows, readRows, type TokenChunk } from './token-chunks.ts';
import type { PassContext, PassPart } from './token-pass.ts';
import { createTokenSum, prototypeMatrix } from './token-sum.ts';

/** dL_q/dP and its mass with `w_nk = q_nk (1 - (d_nk - l_n) / T)` (docs/math.md section 3). */
export function lossAndGradientPart({ data, operands, wanted }: PassContext): PassPart | undefined {
  if (!wanted.has('gradient') && !wanted.has('gradientMass')) return undefined;
  const { scratch, prototypes, temperature, count, width } = data;
  const weights = operands.weights!;
  const pulls = new Float64Array(count);
  const tokenSum = createTokenSum(data);
  const block = scratch.take(chunkRows * width);
  return {
    visit(chunk) {
      const { start, rows, tokens, distances, errors } = chunk;
      const [q, coefficients] = [chunk.q.data, block.data];
      for (let row = 0; row < rows; row++) {
        const weight = weights[start + row]!;
        const error = errors[row]!;
        for (let k = 0; k < count; k++) {
          const index = row * width + k;
          const w = weight * q[index]! * (1 - (distances[index]! - error) / temperature);
          coefficients[index] = w;
          pulls[k]! += w;
        }
      }
      tokenSum.add(block, tokens, rows);
    },
    results: () => ({
      gradient: prototypeMatrix(data, (k, axis, index) => 2 * (pulls[k]! * prototypes[index]! - tokenSum.at(k, axis))),
      gradientMass: pulls,
    }),
  };
}

/** What flows back from L_q, L_OLS and V to the operands of the loss. */
export function lossGradientPart(context: PassContext): PassPart | undefined {
  const { data, operands, wanted } = context;
  const asked = ['lossByTokens', 'lossByWeights', 'lossByPrototypes', 'lossByTemperature'] as const;
  if (!asked.some((quantity) => wanted.has(quantity))) return undefined;
  const { weights, onLq, onLols, onV } = operands;
  const number = (cotangent: TypedArray | undefined): number => cotangent?.[0] ?? 0;
  const scales = { lq: number(onLq) + number(onV), lols: number(onLols) - number(onV) };
  const { scratch, stride } = data;
  const forWeights = wanted.has('lossByWeights') ? new Float64Array(data.rows) : undefined;
  const outputs = onLols !== undefined || onV !== undefined ? context.outputs() : undefined;
  const onOutputs = scratch.take(outputs === undefined ? 0 : chunkRows * stride);

  const addWeights = (
    { start, rows, tokens: { data: tokens }, errors }: TokenChunk,
    y: Float64Array | undefined,
  ): void => {
    for (let row = 0; row < rows; row++) {
      let residual = 0;
      for (let axis = row * stride; y !== undefined && axis < (row + 1) * stride; axis++)
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
    onOutputs:
      outputs &&
      ((chunk) => {
        const [tokens, y, f] = [chunk.tokens.data, outputs(chunk).data, onOutputs.data];
        for (let row = 0; row < chunk.rows; row++) {
          const factor = -2 * scales.lols * weights![chunk.start + row]!;
          for (let axis = row * stride; axis < (row + 1) * stride; axis++)
            f[axis] = factor * (tokens[axis]! - y[axis]!);
        }
        return onOutputs;
      }),
  });
  return {
    visit(chunk) {
      if (forWeights !== undefined) addWeights(chunk, outputs?.(chunk).data);
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
  if (operands.onOutputs === undefined) return undefined;
  const { onOutputs } = operands;
  const { scratch, dimension, stride } = data;
  const block = scratch.take(chunkRows * stride);
  const pull = pullBack(context, {
    byTokens: wanted.has('outputsByTokens'),
    byPrototypes: wanted.has('outputsByPrototypes'),
    byTemperature: wanted.has('outputsByTemperature'),
    direct: () => 0,
    tokenShare: 0,
    onOutputs: ({ start, rows }) => {
      readRows(onOutputs, start, rows, dimension, block.data);
      return block;
    },
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
  /** Cotangent F of y, [rows, stride]; undefined for none. */
  readonly onOutputs: ((chunk: TokenChunk) => Block) | undefined;
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
function pullBack({ data, ...context }: PassContext, options: PullBackOptions): PullBack | undefined {
  const { direct, onOutputs, tokenShare } = options;
  const { scratch, prototypes, keys, temperature, count, dimension, width, stride } = data;
  if (!options.byTokens && !options.byPrototypes && !options.byTemperature) return undefined;
  const byTokens = options.byTokens ? new Float64Array(data.rows * dimension) : undefined;
  const sums = options.byPrototypes ? createTokenSum(data) : undefined;
  const outputSums = options.byPrototypes && onOutputs !== undefined ? createTokenSum(data) : undefined;
  const along = scratch.take(chunkRows * width);
  const coefficients = scratch.take(chunkRows * width);
  const values = byTokens && context.values();
  const mixed = scratch.take(byTokens === undefined ? 0 : chunkRows * stride);
  const totals = new Float64Array(chunkRows);
  const pulls = new Float64Array(count);
  let forTemperature = 0;

  const addTokens = (into: Float64Array, chunk: TokenChunk, f: Float64Array | undefined): void => {
    const { start, rows } = chunk;
    const a = { a: coefficients, rowA: width, stepA: 1 };
    scratch.multiply({ ...a, b: values!, c: mixed, rows, columns: stride, inner: count });
    const [tokens, mixture] = [chunk.tokens.data, mixed.data];
    for (let row = 0; row < rows; row++) {
      for (let axis = 0; axis < dimension; axis++) {
        const place = row * stride + axis;
        const own = 2 * (totals[row]! * tokens[place]! - mixture[place]!);
        into[(start + row) * dimension + axis] = own + tokenShare * (f?.[place] ?? 0);
      }
    }
  };
  /** D of a chunk, and what is summed of it. */
  const addCoefficients = (chunk: TokenChunk, withOutputs: boolean): void => {
    const { start, rows, distances, errors } = chunk;
    const [q, h, into] = [chunk.q.data, along.data, coefficients.data];
    for (let row = 0; row < rows; row++) {
      const first = row * width;
      const own = direct(start + row);
      let mean = own * errors[row]!;
      if (withOutputs) for (let k = first; k < first + count; k++) mean += q[k]! * h[k]!;
      let total = 0;
      for (let k = 0; k < count; k++) {
        const index = first + k;
        const distance = distances[index]!;
        const slope = q[index]! * (own * distance + h[index]! - mean);
        const coefficient = own * q[index]! - slope / temperature;
        into[index] = coefficient;
        pulls[k]! += coefficient;
        total += coefficient;
        forTemperature += slope * distance;
      }
      totals[row] = total;
    }
  };

  return {
    visit(chunk) {
      const { rows, tokens, q } = chunk;
      const f = onOutputs?.(chunk);
      if (f !== undefined) {
        const a = { a: f, rowA: stride, stepA: 1 };
        scratch.multiply({ ...a, b: keys, c: along, rows, columns: width, inner: dimension });
      }
      addCoefficients(chunk, f !== undefined);
      if (byTokens !== undefined) addTokens(byTokens, chunk, f?.data);
      sums?.add(coefficients, tokens, rows);
      if (f !== undefined) outputSums?.add(q, f, rows);
    },
    results: () => ({
      byTokens,
      byPrototypes:
        sums &&
        prototypeMatrix(
          data,
          (k, axis, index) => 2 * (pulls[k]! * prototypes[index]! - sums.at(k, axis)) + (outputSums?.at(k, axis) ?? 0),
        ),
      byTemperature: options.byTemperature ? [forTemperature / temperature ** 2] : undefined,
    }),
  };
}
