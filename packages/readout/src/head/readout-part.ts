import { div } from '@ddcl/core';
import type { DdclModel } from '@ddcl/core/fit';
import {
  documentSums,
  headWidth,
  quantizationLoss,
  readoutFeatures,
  trainingScale,
  type HeadOutput,
} from './readout-features.ts';
import type { SupervisedPart } from './supervised-part.ts';

/** How prototypes take part in training. */
export interface ReadoutPartOptions {
  readonly trainPrototypes: boolean;
  /** Weight of L_q per token, in units of the tokens' total variance. */
  readonly lambda: number;
}

/** Features of a model as a {@link SupervisedPart}: parameters are prototypes [K, m] and the temperature, which is fixed. */
export function readoutPart(
  model: DdclModel,
  outputs: readonly HeadOutput[],
  { trainPrototypes, lambda }: ReadoutPartOptions = { trainPrototypes: false, lambda: 0 },
): SupervisedPart {
  const { count, dimension, dtype, offset, scale, totalVariance, temperature } = model;
  // The tokens' total variance in the frame, which lambda's unit is; tokens that are all equal have none.
  const variance = totalVariance / scale ** 2;
  const framed = model.prototypes.map((value, index) => (value - offset[index % dimension]!) / scale);
  // A mean has no prototypes, so there are none to train.
  const isUsed = outputs.some((output) => output !== 'mean');
  const hasLoss = isUsed && trainPrototypes && lambda > 0;
  const slope: number[] = [];
  const shift: number[] = [];
  for (const output of outputs) {
    const isPosition = output === 'mean' || output === 'pooled';
    const each = trainingScale(output, count, dimension) * (isPosition ? scale : 1);
    for (let at = 0; at < headWidth(output, model); at++) {
      slope.push(each);
      shift.push(isPosition ? offset[at]! : 0);
    }
  }
  return {
    name: `readout ${outputs.join('+')}`,
    dimension,
    dtype,
    frame: { offset, scale },
    parameters: [
      { name: 'prototypes', shape: [count, dimension], values: framed, isTrained: trainPrototypes && isUsed },
      { name: 'temperature', shape: [], values: Float64Array.of(temperature / scale ** 2), isTrained: false },
    ],
    penaltyWeight: hasLoss ? lambda : 0,
    slope: Float64Array.from(slope),
    shift: Float64Array.from(shift),
    compute(tokens, weights, [prototypes, ownTemperature]) {
      const operands = { tokens, weights, prototypes: prototypes!, temperature: ownTemperature! };
      const documents = isUsed ? documentSums(operands) : undefined;
      const made = readoutFeatures(outputs, operands, documents, Math.sqrt(variance));
      // Tokens are an input here, so L_q's gradient ends at them and both losses share the sums.
      if (!hasLoss) return { features: made };
      return { features: made, penalty: div(quantizationLoss(operands, documents!), variance > 0 ? variance : 1) };
    },
  };
}
