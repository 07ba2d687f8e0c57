import {
  add,
  cast,
  concat,
  constant,
  detach,
  div,
  exp,
  less,
  log,
  matmul,
  maximum,
  mul,
  neg,
  reshape,
  select,
  slice,
  sub,
  sum,
  type Tensor,
} from '@ddcl/core';
import { straightThrough } from '../composite/straight-through.ts';
import { meanSquare } from './hard-losses.ts';
import type { Quantizer, Use } from './quantizer.ts';

/**
 * Lookup-free quantization (Yu et al., arXiv 2310.05737): the signs of log2 K components, +1 only where z > 0; the first component is the
 * most significant bit. The entropy loss `mean H(q_n) - diversity H(mean q)` over `q = softmax(2 beta z.c)` makes signs sure and codes equally
 * used; it may be negative.
 */
export const lfq: Quantizer = {
  tensors: () => [],
  quantize(use) {
    const { z, spec } = use;
    const { indices, values } = quantizeSigns(use);
    const { perToken, ofMean } = entropies(use);
    const terms = [mul(sub(perToken, mul(ofMean, spec.diversity)), spec.entropyWeight)];
    if (spec.commitment > 0) terms.push(mul(meanSquare(use, z, detach(values)), spec.commitment));
    return {
      indices,
      hard: values,
      base: z,
      loss: terms.reduce((all, each) => add(all, each)),
      reports: { quantization: detach(meanSquare(use, z, values)), tokenEntropy: perToken, codeEntropy: ofMean },
    };
  },
  estimate: straightThrough,
};

/** Residual levels have half the length of the one before. */
export const signScale = (level: number): number => 2 ** -level;

export function quantizeSigns({ z, level }: Pick<Use, 'z' | 'level'>): {
  readonly indices: Tensor;
  readonly values: Tensor;
} {
  const bits = Number(z.shape[1]);
  const isPositive = less(0, detach(z));
  const basis = Array.from({ length: bits }, (_, bit) => 2 ** (bits - 1 - bit));
  const indices = sum(mul(isPositive, constant(z, 'int32', [1, bits], basis)), [1]);
  const unit = signScale(level);
  return { indices, values: mul(sub(mul(cast(isPositive, z.dtype), 2), 1), unit) };
}

/** `log(1 + exp(x))` without overflow. */
const softplus = (x: Tensor): Tensor => add(maximum(x, 0), log(add(exp(neg(maximum(x, neg(x)))), 1)));

/**
 * Mean entropy of the tokens' q, and the entropy of their mean, in nats. A token's q is a product over bits with
 * `s_j = sigmoid(4 beta z_j)`, so its entropy is a sum over bits; the mean is a product of two matrices, one for each half of the bits.
 */
function entropies({ z, column, total, spec, level }: Use): { readonly perToken: Tensor; readonly ofMean: Tensor } {
  const [n, bits] = [z.shape[0]!, Number(z.shape[1])];
  const logits = mul(z, (4 * spec.inverseTemperature) / signScale(level));
  const share = exp(neg(softplus(neg(logits))));
  const own = sub(softplus(logits), mul(share, logits));
  const perToken = div(sum(mul(column, own)), total);

  const joined = (from: number, to: number): Tensor => {
    let table: Tensor | undefined;
    for (let bit = from; bit < to; bit++) {
      const on = slice(share, [0, bit], [n, 1]);
      const pair = concat([sub(1, on), on], 1);
      if (table === undefined) table = pair;
      else {
        const width = Number(table.shape[1]);
        table = reshape(mul(reshape(table, [n, width, 1]), reshape(pair, [n, 1, 2])), [n, width * 2]);
      }
    }
    return table!;
  };
  const split = Math.ceil(bits / 2);
  const first = div(mul(joined(0, split), column), total);
  const mean = bits === 1 ? sum(first, [0]) : matmul(first, joined(split, bits), { transposeA: true });
  const isUsed = less(1e-30, mean);
  const ofMean = neg(sum(mul(mean, log(select(isUsed, mean, 1)))));
  return { perToken, ofMean };
}
