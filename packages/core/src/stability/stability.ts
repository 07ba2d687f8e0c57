import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import { hessianProduct } from '../ddcl/hessian-product.ts';
import { lanczos } from '../linalg/lanczos.ts';
import type { PrototypeState } from '../measure/prototype-state.ts';
import { asDType } from '../numbers/as-dtype.ts';
import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import { sumOverBlocks, type ResidentBlock } from '../measure/sum-blocks.ts';
import type { FloatDType } from '../program/dtype.ts';
import type { Program } from '../program/program.ts';
import { tensorType } from '../program/tensor-type.ts';
import { trace } from '../program/trace.ts';
import type { Random } from '../random/random.ts';

/** The stability of prototypes at their place (docs/math.md section 4), per unit of token weight. */
export interface Stability {
  /** Smallest eigenvalue of the Hessian of the mean L_q; > 0 at a stable stationary point. */
  readonly lambdaMin: number;
  /** Largest eigenvalue. */
  readonly lambdaMax: number;
  /** `2 / lambdaMax`: plain gradient descent on the mean loss is stable below it and not above. */
  readonly maxLearningRate: number;
  /** Hessian products that were made. */
  readonly iterations: number;
  /** Whether both ends are within the tolerance. */
  readonly converged: boolean;
}

export interface StabilityOptions {
  readonly random: Random;
  /** Sum of the token weights of all blocks. */
  readonly weight: number;
  /** Residual as a share of the largest eigenvalue; the error of an eigenvalue is about its square. Default 1e-4. */
  readonly tolerance?: number;
  /** Most Hessian products. Default 100. */
  readonly maxIterations?: number;
  readonly signal?: AbortSignalLike | undefined;
  readonly onIteration?: ((iteration: number) => void) | undefined;
}

/** The program of one Hessian product on a block of fixed size. */
export function hessianProgram(rows: number, count: number, dimension: number, dtype: FloatDType): Program {
  const matrix = tensorType(dtype, [count, dimension]);
  return trace(
    [tensorType(dtype, [rows, dimension]), tensorType(dtype, [rows]), matrix, tensorType(dtype, []), matrix],
    (tokens, weights, prototypes, temperature, direction) => [
      hessianProduct({ tokens, weights, prototypes, temperature }, direction),
    ],
    'hessianProduct',
  );
}

/**
 * Smallest and largest eigenvalue of the Hessian of the mean L_q with respect to the prototypes, by Lanczos on Hessian-vector
 * products; no Hessian is formed. The eigenvalues have no unit: they do not change with the tokens' scale.
 *
 * @param blocks gives one pass over the tokens, each time it is called; the blocks stay the caller's if `keepBlocks`
 */
export async function hessianStability(
  backend: Backend,
  blocks: () => AsyncIterable<ResidentBlock> | Iterable<ResidentBlock>,
  rows: number,
  state: PrototypeState,
  options: StabilityOptions & { readonly keepBlocks: boolean },
): Promise<Stability> {
  const { random, weight, signal, onIteration, keepBlocks } = options;
  const { count, dimension, dtype } = state;
  const executable = await backend.compile(hessianProgram(rows, count, dimension, dtype));
  const shared = state.upload(backend);
  let iteration = 0;
  const apply = async (vector: Float64Array): Promise<Float64Array> => {
    throwIfAborted(signal);
    const direction: DeviceBuffer = backend.upload({ dtype, shape: [count, dimension] }, asDType(vector, dtype));
    try {
      const [sum] = await sumOverBlocks(backend, executable, blocks(), [...shared, direction], { signal, keepBlocks });
      onIteration?.(++iteration);
      return sum!.map((value) => value / weight);
    } finally {
      backend.free(direction);
    }
  };
  try {
    const result = await lanczos(apply, {
      size: count * dimension,
      random,
      maxIterations: options.maxIterations ?? 100,
      tolerance: options.tolerance ?? 1e-4,
      want: 'both',
    });
    return {
      lambdaMin: result.smallest,
      lambdaMax: result.largest,
      maxLearningRate: 2 / result.largest,
      iterations: result.iterations,
      converged: result.converged,
    };
  } finally {
    for (const buffer of shared) backend.free(buffer);
    executable.dispose();
  }
}
