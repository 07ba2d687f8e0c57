import type { Backend } from '../backend/contract.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { prototypeState } from '../measure/prototype-state.ts';
import { createRandom } from '../random/random.ts';
import { measureStabilityOn } from '../stability/measure-stability.ts';
import { tokensFromArray } from '../tokens/from-array.ts';
import { tokensFromReader } from '../tokens/from-reader.ts';
import type { Definition } from './definition.ts';
import type { Numbers, TrainerState } from './state.ts';

/** The two timescales of joint training, measured (docs/math.md section 4). */
export interface Timescale {
  /** The prototypes' rate. */
  readonly learningRate: number;
  /** Largest rate of the other groups over the prototypes' rate: epsilon as it was set; 0 where nothing else is trained. */
  readonly epsilon: number;
  /** The same as it was in the last step, of the lengths that parameters moved, relative to their own; undefined where no report says. */
  readonly movementEpsilon: number | undefined;
  /** Smallest eigenvalue of the Hessian of the mean L_q with respect to the prototypes; > 0 on the slow manifold. */
  readonly lambdaMin: number;
  /** Largest eigenvalue. */
  readonly lambdaMax: number;
  /**
   * Prototypes are stable below this rate: `2 / lambda_max`, of the Hessian or of the preconditioned one. It is that of L_q alone per unit of weight: where
   * the loss has a multiple of it, divide. Momentum allows more.
   */
  readonly maxLearningRate: number;
  /** Whose eigenvalue that is: `preconditioned` where the optimiser divides gradients, as Adam does. */
  readonly hessian: 'plain' | 'preconditioned';
  /** Conditions that are broken, with the remedy. */
  readonly warnings: readonly string[];
}

export interface TimescaleInput {
  /** The tracked tokens, [n, m]. */
  readonly tokens: Numbers;
  /** [n]. */
  readonly weights: Numbers;
  readonly temperature: number;
  readonly state: TrainerState<Numbers>;
  /** Of all groups. */
  readonly rates: readonly number[];
  readonly movementEpsilon: number | undefined;
}

/** Above it the encoder no longer stands still while prototypes settle. */
const largestEpsilon = 0.5;

export async function measureTimescale(
  backend: Backend,
  { dtype, trained, groups, tracking }: Definition,
  { tokens, weights, temperature, state, rates, movementEpsilon }: TimescaleInput,
  onWarning: ((warning: string) => void) | undefined,
): Promise<Timescale> {
  const { prototypes: name, dimension } = tracking!;
  const { group } = trained.find((each) => each.name === name)!;
  const { optimizer } = groups[group]!;
  if (optimizer.divisor !== undefined && state.step === 0)
    throw new DdclError(
      'argument',
      `The largest rate of ${optimizer.name} depends on its state, and there is none before the first step. Make a step first.`,
    );
  const frame = { offset: new Float64Array(dimension), scale: 1 };
  const place = prototypeState(Float64Array.from(state.parameters[name]!), dimension, temperature, frame, dtype);
  const source = tokensFromReader(tokensFromArray(tokens, dimension, weights));
  const divisor = optimizer.divisor?.(state.optimizer[name]!, state.step, state.parameters[name]!.length);
  const { lambdaMin, lambdaMax, maxLearningRate } = await measureStabilityOn(backend, source, weights.length, place, {
    random: createRandom(0),
    divisor,
  });

  const learningRate = rates[group]!;
  const others = new Set(trained.flatMap((each) => (each.name === name || each.group === group ? [] : [each.group])));
  const epsilon = others.size === 0 ? 0 : Math.max(...[...others].map((index) => rates[index]!)) / learningRate;
  const short = (value: number): string => String(Number(value.toPrecision(3)));
  const warnings = [
    lambdaMin > 0
      ? undefined
      : `The Hessian of the prototypes has the eigenvalue ${short(lambdaMin)}: they are not on the slow manifold, where all are > 0 (docs/math.md section 4). Let them settle: train them longer before the encoder, or lower the temperature.`,
    learningRate <= maxLearningRate
      ? undefined
      : `The prototypes' rate ${short(learningRate)} is above ${short(maxLearningRate)}, the largest that is stable (docs/math.md section 4). Lower it, or raise the temperature.`,
    epsilon <= largestEpsilon
      ? undefined
      : `The timescales do not separate: epsilon = ${short(epsilon)}, the largest rate of the other groups over that of the prototypes, should be well under 1 (docs/math.md section 4). Lower the other rates, or raise the prototypes'.`,
  ].filter((warning) => warning !== undefined);
  if (onWarning !== undefined) for (const warning of warnings) onWarning(warning);
  return {
    learningRate,
    epsilon,
    movementEpsilon,
    lambdaMin,
    lambdaMax,
    maxLearningRate,
    hessian: divisor === undefined ? 'plain' : 'preconditioned',
    warnings,
  };
}
