import type { Pieces, TypedArray } from '@ddcl/core/backend';
import type { Block } from '../arithmetic/arithmetic.ts';
import { copyWork, done } from '../arithmetic/pieces.ts';
import { multiplied } from '../arithmetic/product-ranges.ts';
import { readRows, type ChunkStep, type TokenChunk } from './token-chunks.ts';
import type { PassContext, PassPart } from './token-pass.ts';
import { createTokenSum, prototypeMatrix } from './token-sum.ts';

/** What the loops over a token's prototypes take for each, in multiply-adds. */
const loopWork = 8;

/** dL_q/dP and its mass with `w_nk = q_nk (1 - (d_nk - l_n) / T)` (docs/math.md section 3). */
export function lossAndGradientPart({ data, operands, wanted }: PassContext): PassPart | undefined {
  if (!wanted.has('gradient') && !wanted.has('gradientMass')) return undefined;
  const { scratch, pace, prototypes, temperature, count, width, chunkRows } = data;
  const weights = operands.weights!;
  const pulls = new Float64Array(count);
  const tokenSum = createTokenSum(data);
  const block = scratch.take(chunkRows * width);
  const addCoefficients: ChunkStep = ({ start, rows, q: { data: q }, distances, errors }) => {
    const coefficients = block.data;
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
    pace.add(loopWork * rows * count);
    return undefined;
  };
  return {
    steps: [addCoefficients, ({ tokens, rows }) => tokenSum.add(block, tokens, rows)],
    *results() {
      const value = (k: number, axis: number, index: number): number =>
        2 * (pulls[k]! * prototypes[index]! - tokenSum.at(k, axis));
      return { gradient: yield* done(prototypeMatrix(data, value)), gradientMass: pulls };
    },
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
  const { scratch, pace, stride, chunkRows } = data;
  const forWeights = wanted.has('lossByWeights') ? new Float64Array(data.rows) : undefined;
  const outputs = onLols !== undefined || onV !== undefined ? context.outputs() : undefined;
  const onOutputs = scratch.take(outputs === undefined ? 0 : chunkRows * stride);

  const addWeights: ChunkStep = ({ start, rows, tokens: { data: tokens }, errors }) => {
    const y = outputs?.data;
    for (let row = 0; row < rows; row++) {
      let residual = 0;
      for (let axis = row * stride; y !== undefined && axis < (row + 1) * stride; axis++)
        residual += (tokens[axis]! - y[axis]!) ** 2;
      forWeights![start + row] = scales.lq * errors[row]! + scales.lols * residual;
    }
    pace.add(copyWork * rows * stride);
    return undefined;
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
        const [tokens, y, f] = [chunk.tokens.data, outputs.data, onOutputs.data];
        for (let row = 0; row < chunk.rows; row++) {
          const factor = -2 * scales.lols * weights![chunk.start + row]!;
          for (let axis = row * stride; axis < (row + 1) * stride; axis++)
            f[axis] = factor * (tokens[axis]! - y[axis]!);
        }
        return onOutputs;
      }),
  });
  return {
    steps: [...(forWeights === undefined ? [] : [addWeights]), ...(pull?.steps ?? [])],
    *results() {
      const { byTokens, byPrototypes, byTemperature } = pull ? yield* pull.results() : {};
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
  const { scratch, dimension, stride, chunkRows } = data;
  const block = scratch.take(chunkRows * stride);
  const pull = pullBack(context, {
    byTokens: wanted.has('outputsByTokens'),
    byPrototypes: wanted.has('outputsByPrototypes'),
    byTemperature: wanted.has('outputsByTemperature'),
    direct: () => 0,
    tokenShare: 0,
    onOutputs({ start, rows }) {
      readRows(onOutputs, start, rows, dimension, block.data);
      return block;
    },
  });
  return (
    pull && {
      steps: pull.steps,
      *results() {
        const { byTokens, byPrototypes, byTemperature } = yield* pull.results();
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
  readonly steps: readonly ChunkStep[];
  results(): Pieces<{
    readonly byTokens?: Float64Array | undefined;
    readonly byPrototypes?: Float64Array | undefined;
    readonly byTemperature?: readonly number[] | undefined;
  }>;
}

/**
 * With `h_k = c_q a d_k + F.p_k` the derivative by d_nk is `D = c_q a q - s / T` with `s = q (h - sum_k q h)`. Then
 * `dz = 2 (sum_k D z - D P)`, `dp = 2 (sum_n D p - D^T Z) + q^T F`, `dT = sum s d / T^2`.
 */
function pullBack({ data, ...context }: PassContext, options: PullBackOptions): PullBack | undefined {
  const { direct, onOutputs, tokenShare } = options;
  const { scratch, pace, prototypes, keys, temperature, count, dimension, width, stride, chunkRows } = data;
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
  /** F of the chunk. */
  let cotangents: Block | undefined;

  const addTokens: ChunkStep = ({ start, rows, tokens: { data: tokens } }) => {
    const [into, mixture, f] = [byTokens!, mixed.data, cotangents?.data];
    for (let row = 0; row < rows; row++) {
      for (let axis = 0; axis < dimension; axis++) {
        const place = row * stride + axis;
        const own = 2 * (totals[row]! * tokens[place]! - mixture[place]!);
        into[(start + row) * dimension + axis] = own + tokenShare * (f?.[place] ?? 0);
      }
    }
    pace.add(copyWork * rows * stride);
    return undefined;
  };
  /** D of a chunk, and what is summed of it. */
  const addCoefficients: ChunkStep = (chunk) => {
    const { start, rows, distances, errors } = chunk;
    const withOutputs = onOutputs !== undefined;
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
    pace.add(loopWork * rows * count);
    return undefined;
  };

  const steps: ChunkStep[] = [addCoefficients];
  if (onOutputs !== undefined)
    steps.unshift((chunk) => {
      cotangents = onOutputs(chunk);
      const { rows } = chunk;
      pace.add(copyWork * rows * stride);
      const [a, c] = [cotangents, along];
      return multiplied(
        scratch,
        { a, rowA: stride, stepA: 1, b: keys, c, rows, columns: width, inner: dimension },
        pace,
      );
    });
  if (byTokens !== undefined) {
    const mix: ChunkStep = ({ rows }) => {
      const [a, b] = [coefficients, values!];
      const product = { a, rowA: width, stepA: 1, b, c: mixed, rows, columns: stride, inner: count };
      return multiplied(scratch, product, pace);
    };
    steps.push(mix, addTokens);
  }
  if (sums !== undefined) steps.push(({ tokens, rows }) => sums.add(coefficients, tokens, rows));
  if (outputSums !== undefined) steps.push(({ q, rows }) => outputSums.add(q, cotangents!, rows));
  return {
    steps,
    *results() {
      const value = (k: number, axis: number, index: number): number =>
        2 * (pulls[k]! * prototypes[index]! - sums!.at(k, axis)) + (outputSums?.at(k, axis) ?? 0);
      return {
        byTokens,
        byPrototypes: sums && (yield* done(prototypeMatrix(data, value))),
        byTemperature: options.byTemperature ? [forTemperature / temperature ** 2] : undefined,
      };
    },
  };
}
