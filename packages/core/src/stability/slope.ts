import type { AbortSignalLike } from '../abort/abort-signal.ts';
import { assign } from '../ddcl/assign.ts';
import { lossAndGradient } from '../ddcl/loss.ts';
import type { PrototypeState } from '../measure/prototype-state.ts';
import type { BlockResults } from '../pass/pass-program.ts';
import type { TokenPass } from '../pass/token-pass.ts';
import { tokenProgram } from '../pass/token-program.ts';
import { reshape } from '../program/ops/layout.ts';
import { matmul } from '../program/ops/matmul.ts';
import { tensorType } from '../program/tensor-type.ts';

/** What scales the Hessian, and how far prototypes are from where they would rest. */
export interface Slope {
  /** Tokens with a weight > 0. */
  readonly tokens: number;
  /** `sum_n a_n`. */
  readonly weight: number;
  /** `sum_n a_n q_nk / sum_n a_n`, [K]. */
  readonly mass: Float64Array;
  /** `L_q` and its gradient [K, m], in the frame, summed over tokens. */
  readonly loss: number;
  readonly gradient: Float64Array;
  /** What a step of each prototype to `p - gradient / (2 mass)` would take off L_q, to first order, as a share of L_q. */
  readonly decrease: number;
}

/**
 * One pass.
 *
 * @param state in the frame of the pass
 * @param onAssignments called with each block and its q, [rows, K], in stored order; the pass ends early where it returns false, and so
 *   this returns undefined
 */
export async function measureSlope(
  pass: TokenPass,
  state: PrototypeState,
  signal: AbortSignalLike | undefined,
  onAssignments?: (block: BlockResults, assignments: ArrayLike<number>) => boolean,
): Promise<Slope | undefined> {
  const { count, dimension, dtype } = state;
  const program = await pass.compile(
    tokenProgram(
      'slope',
      [tensorType(dtype, [count, dimension]), tensorType(dtype, [])],
      (tokens, weights, prototypes, temperature) => {
        const { lq, gradient } = lossAndGradient({ tokens, weights, prototypes, temperature });
        const q = assign({ tokens, prototypes, temperature });
        const mass = matmul(reshape(weights, [1, weights.shape[0]!]), q);
        return { sums: [lq, gradient, reshape(mass, [count])], perToken: onAssignments === undefined ? [] : [q] };
      },
    ),
  );
  const [mass, gradient] = [new Float64Array(count), new Float64Array(count * dimension)];
  let [tokens, weight, loss] = [0, 0, 0];
  for await (const block of program.blocks(state.inputs(), { signal })) {
    const [lq, slope, masses] = block.sums;
    loss += lq![0]!;
    for (let index = 0; index < gradient.length; index++) gradient[index]! += slope![index]!;
    for (let k = 0; k < count; k++) mass[k]! += masses![k]!;
    for (const own of block.tokenWeights) if (own > 0) tokens++;
    weight += block.weight;
    if (onAssignments?.(block, block.perToken[0] as Float32Array | Float64Array) === false) return undefined;
  }
  // A prototype without tokens has neither mass nor gradient.
  for (let k = 0; k < count; k++) mass[k] = Math.max(mass[k]!, 1e-12 * weight);
  const decrease = relativeDecrease(gradient, mass, loss);
  return { tokens, weight, mass: mass.map((own) => own / weight), loss, gradient, decrease };
}

/** `sum_k |gradient_k|^2 / (4 mass_k) / loss`, of sums over the same tokens. */
export function relativeDecrease(gradient: Float64Array, mass: Float64Array, loss: number): number {
  if (!(loss > 0)) return 0;
  const dimension = gradient.length / mass.length;
  let decrease = 0;
  for (let index = 0; index < gradient.length; index++)
    decrease += gradient[index]! ** 2 / (4 * mass[Math.floor(index / dimension)]!);
  return decrease / loss;
}
