import type { DdclModel } from '@ddcl/core/fit';

/** A model at a temperature as the numbers of {@link encodeProgram}, in float64. */
export interface TokenTerms {
  /** Whether the offset has to come off the tokens first. */
  readonly framed: boolean;
  /** `2 (p_k - o) / T`, [K, m]. */
  readonly keys: Float64Array;
  /** `-|p_k - o|^2 / T`, and `- 2 o.(p_k - o) / T` where the tokens keep the offset o, [K]. */
  readonly bias: Float64Array;
}

/**
 * The logits `-|z - p_k|^2 / T` less what is equal for all k, written as one product with the tokens. Differences to the offset keep the
 * products small (docs/math.md section 2); where the offset is no longer than the tokens' spread around it, it is as good, and
 * saves a pass over the tokens, to leave the tokens as they are and put the offset into the bias.
 */
export function tokenTerms(model: DdclModel, temperature: number): TokenTerms {
  const { count, dimension, prototypes, offset, totalVariance } = model;
  const framed = offset.reduce((sum, value) => sum + value * value, 0) > totalVariance;
  const keys = new Float64Array(count * dimension);
  const bias = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    let square = 0;
    let inner = 0;
    for (let axis = 0; axis < dimension; axis++) {
      const difference = prototypes[k * dimension + axis]! - offset[axis]!;
      keys[k * dimension + axis] = (2 * difference) / temperature;
      square += difference * difference;
      inner += difference * offset[axis]!;
    }
    bias[k] = -(square + (framed ? 0 : 2 * inner)) / temperature;
  }
  return { framed, keys, bias };
}
