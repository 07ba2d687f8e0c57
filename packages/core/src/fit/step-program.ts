import { lossAndGradient } from '../ddcl/loss.ts';
import type { Optimizer, StepControls } from '../optimise/optimizer.ts';
import type { FloatDType } from '../program/dtype.ts';
import { add, mul } from '../program/ops/elementwise.ts';
import { reshape, slice } from '../program/ops/layout.ts';
import type { Program } from '../program/program.ts';
import { tensorType, type TensorType } from '../program/tensor-type.ts';
import { trace, type Tensor } from '../program/trace.ts';
import { frameParameters, framedTokens, type TokenDType } from '../tokens/token-feed.ts';

/** Sizes of a training step. */
export interface StepSizes {
  /** Tokens in a block. */
  readonly rows: number;
  /** Number of prototypes K. */
  readonly count: number;
  readonly dimension: number;
  readonly dtype: FloatDType;
  /** In which the tokens come. Default: `dtype`, in the frame. */
  readonly tokenDtype?: TokenDType;
}

/**
 * Everything that changes from step to step, in one small tensor, so that a fit compiles each program once:
 * temperature, 1 / sum of token weights, learning rate, number of the step from 1.
 */
export const controlCount = 4;

function readControls(controls: Tensor): { temperature: Tensor; inverseWeight: Tensor; step: StepControls } {
  const at = (index: number): Tensor => reshape(slice(controls, [index], [1]), []);
  return { temperature: at(0), inverseWeight: at(1), step: { learningRate: at(2), step: at(3) } };
}

function types(
  { rows, count, dimension, dtype, tokenDtype = dtype }: StepSizes,
  slots: number,
): {
  tokens: TensorType;
  weights: TensorType;
  matrix: TensorType;
  controls: TensorType;
  state: TensorType[];
  frame: TensorType[];
} {
  const matrix = tensorType(dtype, [count, dimension]);
  return {
    tokens: tensorType(tokenDtype, [rows, dimension]),
    weights: tensorType(dtype, [rows]),
    matrix,
    controls: tensorType(dtype, [controlCount]),
    state: Array.from({ length: slots }, () => matrix),
    frame: frameParameters(tokenDtype, dimension),
  };
}

/**
 * A whole step in one program, for batches that fit one block: (tokens, weights, controls, prototypes, ...state, ...frame) to
 * (prototypes, ...state), all after the step.
 */
export function stepProgram(sizes: StepSizes, optimizer: Optimizer): Program {
  const { tokens, weights, matrix, controls, state, frame } = types(sizes, optimizer.slots);
  return trace(
    [tokens, weights, controls, matrix, ...state, ...frame],
    (...inputs) => {
      const [z, a, settings, p, ...others] = inputs as [Tensor, Tensor, Tensor, Tensor, ...Tensor[]];
      const [slots, place] = [others.slice(0, state.length), others.slice(state.length)];
      const { temperature, inverseWeight, step } = readControls(settings);
      const operands = { tokens: framedTokens(z, place), weights: a, prototypes: p, temperature };
      const { gradient } = lossAndGradient(operands);
      const updated = optimizer.update(p, mul(gradient, inverseWeight), slots, step);
      return [updated.parameter, ...updated.state];
    },
    `${optimizer.name} step`,
  );
}

/** The gradient of one block added to a running sum: (tokens, weights, controls, prototypes, sum, ...frame) to (sum). */
export function accumulateProgram(sizes: StepSizes): Program {
  const { tokens, weights, matrix, controls, frame } = types(sizes, 0);
  return trace(
    [tokens, weights, controls, matrix, matrix, ...frame],
    (...inputs) => {
      const [z, a, settings, p, sum, ...place] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor, ...Tensor[]];
      const { temperature } = readControls(settings);
      const operands = { tokens: framedTokens(z, place), weights: a, prototypes: p, temperature };
      return [add(sum, lossAndGradient(operands).gradient)];
    },
    'accumulate gradient',
  );
}

/** The step after the last block: (gradient sum, controls, prototypes, ...state) to (prototypes, ...state). */
export function updateProgram(sizes: StepSizes, optimizer: Optimizer): Program {
  const { matrix, controls, state } = types(sizes, optimizer.slots);
  return trace(
    [matrix, controls, matrix, ...state],
    (...inputs) => {
      const [gradient, settings, p, ...slots] = inputs as [Tensor, Tensor, Tensor, ...Tensor[]];
      const { inverseWeight, step } = readControls(settings);
      const updated = optimizer.update(p, mul(gradient, inverseWeight), slots, step);
      return [updated.parameter, ...updated.state];
    },
    `${optimizer.name} update`,
  );
}
