import { DdclError } from '../errors/ddcl-error.ts';

/**
 * Entropy `-sum_k p_k log p_k` in nats, 0..log K; a zero contributes 0.
 *
 * @param weights finite, >= 0, not all 0; divided by their sum first, so float32 rounding does no harm.
 * @throws DdclError `data` for other weights.
 */
export function entropy(weights: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < weights.length; k += 1) {
    const weight = weights[k] as number;
    if (!(weight >= 0)) throw new DdclError('data', `Shares must be >= 0, but share ${k} is ${weight}.`);
    sum += weight;
  }
  if (!(sum > 0 && sum < Infinity))
    throw new DdclError('data', `Shares must have a finite sum > 0, but their sum is ${sum}.`);
  let total = 0;
  for (let k = 0; k < weights.length; k += 1) {
    const share = (weights[k] as number) / sum;
    if (share > 0) total -= share * Math.log(share);
  }
  // One share of 1 would leave -0.
  return Math.max(0, total);
}

/**
 * Perplexity of the mean assignment, `exp(-sum_k qbar_k log qbar_k)`, 1..K (docs/math.md section 2): the number of
 * prototypes in use, counting a rarely used one as less than one.
 *
 * @param meanAssignment K shares of the tokens' weight.
 * @throws DdclError `data` as {@link entropy}.
 */
export function perplexity(meanAssignment: ArrayLike<number>): number {
  return Math.exp(entropy(meanAssignment));
}
