import {
  add,
  div,
  matmul,
  maximum,
  mul,
  reshape,
  scalar,
  softmax,
  sub,
  sum,
  tensorType,
  trace,
  type FloatDType,
  type Program,
  type Tensor,
} from '@ddcl/core';

/** What one run over padded sequences returns, in this order. */
export const runResults = ['occupancy', 'pooled', 'sums', 'outputs', 'assignments'] as const;

/** One of {@link runResults}: `sums` is `sum_n a_n q_nk z_n`. */
export type RunResult = (typeof runResults)[number];

export interface EncodeProgramSizes {
  readonly rows: number;
  readonly length: number;
  readonly count: number;
  readonly dimension: number;
  readonly dtype: FloatDType;
  /** Take the offset off the tokens before the product; needed where the tokens lie far from 0 (see `tokenTerms`). */
  readonly framed: boolean;
  readonly results: readonly RunResult[];
}

/**
 * The readout of [rows, length, m] tokens in one pass (docs/math.md section 6): (tokens, weights [rows, length], keys [K, m], bias [K],
 * prototypes [K, m], offset [m]) to the results that are asked for:
 * occupancy [rows, K], pooled [rows, m], sums [rows, K, m] (of tokens less the offset where framed), outputs [rows, length, m],
 * assignments [rows, length, K]. Logits are `z . key_k + bias_k`.
 */
export function encodeProgram({ rows, length, count, dimension, dtype, framed, results }: EncodeProgramSizes): Program {
  const tokens = rows * length;
  return trace(
    [
      tensorType(dtype, [rows, length, dimension]),
      tensorType(dtype, [rows, length]),
      tensorType(dtype, [count, dimension]),
      tensorType(dtype, [count]),
      tensorType(dtype, [count, dimension]),
      tensorType(dtype, [dimension]),
    ],
    (z, weights, keys, bias, prototypes, offset) => {
      const flat = reshape(z, [tokens, dimension]);
      const shifted = framed ? sub(flat, offset) : flat;
      const q = softmax(add(matmul(shifted, keys, { transposeB: true }), bias), 1);
      const byRow = reshape(q, [rows, length, count]);
      const mass = reshape(matmul(reshape(weights, [rows, 1, length]), byRow), [rows, count]);
      // A row of no weight has no mass, and 0 divided by anything is 0.
      const total = maximum(sum(weights, [1], { keepDims: true }), scalar(weights, 1e-30));
      const occupancy = div(mass, total);
      const make: Record<RunResult, () => Tensor> = {
        occupancy: () => occupancy,
        pooled: () => matmul(occupancy, prototypes),
        sums: () =>
          matmul(mul(byRow, reshape(weights, [rows, length, 1])), reshape(shifted, [rows, length, dimension]), {
            transposeA: true,
          }),
        outputs: () => reshape(matmul(q, prototypes), [rows, length, dimension]),
        assignments: () => byRow,
      };
      return results.map((result) => make[result]());
    },
    `readout ${results.join('+')}`,
  );
}
