import type { DdclModel } from '../model/model.ts';
import { requirePlainModel } from '../model/preprocessing.ts';
import { requireTemperature } from '../model/require-temperature.ts';
import type { FloatDType } from '../program/dtype.ts';

/** A model at a temperature as the numbers of a program that applies it, in float64. */
export interface ReadoutTerms {
  /** Whether the offset has to come off the tokens first. */
  readonly isFramed: boolean;
  /** `2 (p_k - o) / T` as columns, [m, K]. */
  readonly keys: Float64Array;
  /** `-|p_k - o|^2 / T`, and `- 2 o.(p_k - o) / T` where the tokens keep the offset o, [K]. */
  readonly bias: Float64Array;
  /** What comes off the tokens, [m]; zeros where nothing has to. */
  readonly offset: Float64Array;
  /** Prototypes less that, [K, m]. */
  readonly prototypes: Float64Array;
}

/**
 * The logits `-|z - p_k|^2 / T` less what is equal for all k, written as one product with the tokens. Differences to the offset keep the
 * products small (docs/math.md section 2); where the offset is no longer than the tokens' spread around it, it is as good, and
 * saves a pass over the tokens, to leave the tokens as they are and put the offset into the bias.
 *
 * @param dtype in which the program computes
 * @throws DdclError `temperature` for one that is not > 0, or so low that logits leave the dtype's range; `unsupported` for a model with preprocessing
 */
export function readoutTerms(model: DdclModel, temperature: number, dtype: FloatDType = model.dtype): ReadoutTerms {
  requirePlainModel(model);
  requireTemperature(model, temperature, dtype);
  const { count, dimension, offset: own, totalVariance } = model;
  const isFramed = own.reduce((sum, value) => sum + value * value, 0) > totalVariance;
  const keys = new Float64Array(count * dimension);
  const bias = new Float64Array(count);
  model.prototypes.forEach((value, index) => {
    const k = Math.floor(index / dimension);
    const axis = index % dimension;
    const difference = value - own[axis]!;
    keys[axis * count + k] = (2 * difference) / temperature;
    bias[k]! -= (difference * difference + (isFramed ? 0 : 2 * difference * own[axis]!)) / temperature;
  });
  const offset = isFramed ? own : new Float64Array(dimension);
  const prototypes = model.prototypes.map((value, index) => value - offset[index % dimension]!);
  return { isFramed, keys, bias, offset, prototypes };
}
