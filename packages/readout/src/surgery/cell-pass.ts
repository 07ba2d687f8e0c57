import {
  assign,
  DdclError,
  matmul,
  mul,
  reshape,
  sub,
  sum,
  tensorType,
  trace,
  type FloatDType,
  type Program,
  type TensorType,
} from '@ddcl/core';
import type { FitOptions, PrototypeState, TokenSource } from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';

/** Tokens of a block hold about this many numbers. */
const blockElements = 1 << 20;

interface Sizes {
  readonly rows: number;
  readonly count: number;
  readonly dimension: number;
  readonly dtype: FloatDType;
}

function operandTypes({ rows, count, dimension, dtype }: Sizes): TensorType[] {
  return [
    tensorType(dtype, [rows, dimension]),
    tensorType(dtype, [rows]),
    tensorType(dtype, [count, dimension]),
    tensorType(dtype, []),
  ];
}

/** (tokens, weights, prototypes, temperature) to `sum_n a_n q_nk` [K] and `sum_n a_n q_nk z_n` [K, m]. */
export function cellMomentsProgram(sizes: Sizes): Program {
  return trace(
    operandTypes(sizes),
    (tokens, weights, prototypes, temperature) => {
      const shared = mul(assign({ tokens, prototypes, temperature }), reshape(weights, [sizes.rows, 1]));
      return [sum(shared, [0]), matmul(shared, tokens, { transposeA: true })];
    },
    'cell moments',
  );
}

/**
 * (tokens, weights, prototypes, temperature, centroids c [K, m], directions v [K, m]) to
 * `sum_n a_n q_nk z_n ((z_n - c_k) . v_k)`, [K, m]: mass times covariance times direction, if c_k is the cell's centroid.
 */
export function cellProductsProgram(sizes: Sizes): Program {
  const matrix = tensorType(sizes.dtype, [sizes.count, sizes.dimension]);
  return trace(
    [...operandTypes(sizes), matrix, matrix],
    (...operands) => {
      const [tokens, weights, prototypes, temperature, centroids, directions] = operands as [
        (typeof operands)[0],
        (typeof operands)[0],
        (typeof operands)[0],
        (typeof operands)[0],
        (typeof operands)[0],
        (typeof operands)[0],
      ];
      const shared = mul(assign({ tokens, prototypes, temperature }), reshape(weights, [sizes.rows, 1]));
      const origin = reshape(sum(mul(centroids, directions), [1]), [1, sizes.count]);
      const along = mul(shared, sub(matmul(tokens, directions, { transposeB: true }), origin));
      return [matmul(along, tokens, { transposeA: true })];
    },
    'cell products',
  );
}

/** A program that is run on all tokens as often as wanted. */
export interface CellPass {
  /**
   * One pass in stored order; results are summed in float64.
   *
   * @param matrices further parameters [K, m], in the frame
   */
  run(matrices: readonly Float64Array[], signal: FitOptions['signal'] | undefined): Promise<Float64Array[]>;
  dispose(): void;
}

/** Compiles `makeProgram` for blocks of the source's tokens, in the frame of `state`. */
export async function createCellPass(
  backend: Backend,
  source: TokenSource,
  state: PrototypeState,
  makeProgram: (sizes: Sizes) => Program,
): Promise<CellPass> {
  const { count, dimension, dtype } = state;
  const width = Math.max(count, dimension);
  const most = Math.min(blockElements / width, backend.capabilities.maxBufferBytes / (8 * width));
  const rows = Math.max(1, Math.min(4096, source.tokens ?? 4096, Math.floor(most)));
  const executable = await backend.compile(makeProgram({ rows, count, dimension, dtype }));
  const toHost = (values: ArrayLike<number>): Float32Array | Float64Array =>
    dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
  return {
    async run(matrices, signal) {
      const shared = [
        ...state.upload(backend),
        ...matrices.map((matrix) => backend.upload({ dtype, shape: [count, dimension] }, toHost(matrix))),
      ];
      const totals: Float64Array[] = [];
      try {
        for await (const { tokens, weights } of framedBlocks(source, state, rows)) {
          if (signal?.aborted === true) {
            throw new DdclError('aborted', 'The work was stopped by its AbortSignal.', { cause: signal.reason });
          }
          const inputs = [
            backend.upload({ dtype, shape: [rows, dimension] }, tokens),
            backend.upload({ dtype, shape: [rows] }, weights),
            ...shared,
          ];
          const results = await executable.run(inputs, { donate: [0, 1] });
          for (const [index, result] of results.entries()) {
            const values = await backend.download(result);
            backend.free(result);
            const total = (totals[index] ??= new Float64Array(values.length));
            for (let element = 0; element < values.length; element++) total[element]! += values[element]!;
          }
        }
      } finally {
        for (const buffer of shared) backend.free(buffer);
      }
      return totals;
    },
    dispose: () => executable.dispose(),
  };
}

interface FramedBlock {
  readonly tokens: Float32Array | Float64Array;
  readonly weights: Float32Array | Float64Array;
}

/** Blocks of exactly `rows` tokens in the frame, filled up with zeros of weight 0; valid until the next one is asked for. */
async function* framedBlocks(
  source: TokenSource,
  { dimension, dtype, frame }: PrototypeState,
  rows: number,
): AsyncGenerator<FramedBlock> {
  const make = (length: number): Float32Array | Float64Array =>
    dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
  const [tokens, weights] = [make(rows * dimension), make(rows)];
  let filled = 0;
  let seen = 0;
  for await (const block of source.blocks('stored')) {
    for (let row = 0; row < block.rows; row++, seen++) {
      const own = block.weights?.[row] ?? 1;
      weights[filled] = own;
      for (let axis = 0; axis < dimension; axis++) {
        const value = block.data[row * dimension + axis]!;
        if (own > 0 && !Number.isFinite(value))
          throw new DdclError('data', `Token ${seen} holds ${value}. Give it weight 0 or mend it.`);
        tokens[filled * dimension + axis] = own === 0 ? 0 : (value - frame.offset[axis]!) / frame.scale;
      }
      if (++filled < rows) continue;
      yield { tokens, weights };
      filled = 0;
    }
  }
  if (filled === 0) return;
  tokens.fill(0, filled * dimension);
  weights.fill(0, filled);
  yield { tokens, weights };
}
