import { lanczos } from '../linalg/lanczos.ts';
import { abortableEigenpairs } from '../linalg/symmetric-eigen.ts';
import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import type { Random } from '../random/random.ts';
import type { TokenSource } from '../tokens/token-source.ts';

export interface LargestVarianceInput {
  readonly mean: Float64Array;
  readonly weight: number;
  /** [m, m] where it was formed. */
  readonly covariance: Float64Array | undefined;
  readonly random: Random;
  readonly signal?: AbortSignalLike | undefined;
}

/** `lambda_max(C)`, from the covariance if there is one, else from products with the tokens (C is never formed). */
export async function largestVariance(
  source: TokenSource,
  { mean, weight, covariance, random, signal }: LargestVarianceInput,
): Promise<number> {
  const dimension = mean.length;
  if (covariance !== undefined) {
    const { values } = await abortableEigenpairs(covariance, dimension, { signal });
    return Math.max(0, values[0]!);
  }
  const product = async (vector: Float64Array): Promise<Float64Array> => {
    const result = new Float64Array(dimension);
    const centred = new Float64Array(dimension);
    for await (const { data, rows, weights } of source.blocks('stored')) {
      throwIfAborted(signal);
      for (let row = 0; row < rows; row++) {
        let along = 0;
        for (let axis = 0; axis < dimension; axis++) {
          centred[axis] = data[row * dimension + axis]! - mean[axis]!;
          along += centred[axis]! * vector[axis]!;
        }
        along *= (weights?.[row] ?? 1) / weight;
        for (let axis = 0; axis < dimension; axis++) result[axis]! += along * centred[axis]!;
      }
    }
    return result;
  };
  // An eigenvalue's error is about the square of the residual: 1e-4 leaves 1e-8.
  const { largest } = await lanczos(product, {
    size: dimension,
    random,
    want: 'largest',
    tolerance: 1e-4,
    maxIterations: 60,
  });
  return Math.max(0, largest);
}
