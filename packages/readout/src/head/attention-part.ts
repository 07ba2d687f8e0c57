import { add, maskedSoftmax, matmul, mul, reshape, tanh, type FloatDType, type Tensor } from '@ddcl/core';
import type { TokenFrame } from '@ddcl/core/fit';
import type { PartParameter, SupervisedPart } from './supervised-part.ts';

/**
 * Attention pooling with a learned query per head, after Yang et al., *Hierarchical Attention Networks* (NAACL 2016). Scores of a
 * token x in the frame: `w_h . tanh(V x / sqrt(m) + b) / sqrt(D)`, or `w_h . x / sqrt(m)` without a hidden layer; a document's tokens get
 * the shares `a_n exp(score_n) / sum a exp(score)`. Plain data.
 */
export interface AttentionPooling {
  /** m. */
  readonly dimension: number;
  /** H. */
  readonly heads: number;
  /** D; 0 for none. */
  readonly hidden: number;
  readonly dtype: FloatDType;
  readonly frame: TokenFrame;
  /** w, [H, D] or, without a hidden layer, [H, m]. */
  readonly queries: Float64Array;
  /** V, [D, m]. */
  readonly projection: Float64Array;
  /** b, [D]. */
  readonly hiddenBias: Float64Array;
}

/** The pooled vectors of all heads, [B, H m], in the frame. */
export function attentionPooled(
  tokens: Tensor,
  weights: Tensor,
  queries: Tensor,
  layer?: { readonly projection: Tensor; readonly bias: Tensor },
): Tensor {
  const [rows, length, dimension] = tokens.shape as [number, number, number];
  const [heads, width] = queries.shape as [number, number];
  const flat = reshape(tokens, [rows * length, dimension]);
  let keys = flat;
  if (layer !== undefined) {
    const inner = mul(matmul(flat, layer.projection, { transposeB: true }), 1 / Math.sqrt(dimension));
    keys = tanh(add(inner, layer.bias));
  }
  const scores = mul(matmul(keys, queries, { transposeB: true }), 1 / Math.sqrt(width));
  const shares = maskedSoftmax(reshape(scores, [rows, length, heads]), reshape(weights, [rows, length, 1]), 1);
  return reshape(matmul(shares, tokens, { transposeA: true }), [rows, heads * dimension]);
}

/** An attention pooling as a {@link SupervisedPart}; all of its parameters are trained. */
export function attentionPart(pooling: AttentionPooling): SupervisedPart {
  const { dimension, heads, hidden, dtype, frame, queries, projection, hiddenBias } = pooling;
  const trained = (name: string, shape: readonly number[], values: Float64Array): PartParameter => {
    return { name, shape, values, isTrained: true };
  };
  const width = heads * dimension;
  // As for mean tokens: magnitudes of a document's features sum up to about sqrt(m).
  const scale = heads * Math.sqrt(dimension);
  return {
    name: 'attention pooling',
    dimension,
    dtype,
    frame,
    parameters: [
      trained('queries', [heads, hidden === 0 ? dimension : hidden], queries),
      ...(hidden === 0
        ? []
        : [trained('projection', [hidden, dimension], projection), trained('hiddenBias', [hidden], hiddenBias)]),
    ],
    penaltyWeight: 0,
    slope: new Float64Array(width).fill(scale * frame.scale),
    shift: Float64Array.from({ length: width }, (_, index) => frame.offset[index % dimension]!),
    compute(tokens, weights, [w, v, b]) {
      const layer = v === undefined ? undefined : { projection: v, bias: b! };
      return { features: mul(attentionPooled(tokens, weights, w!, layer), 1 / scale) };
    },
  };
}
