import {
  adam,
  add,
  argMax,
  cast,
  concat,
  div,
  equal,
  grad,
  iota,
  logSumExp,
  matmul,
  maximum,
  mul,
  reshape,
  slice,
  sub,
  sum,
  tensorType,
  trace,
  updateGroups,
  zerosLike,
  type Program,
  type Tensor,
  type TensorType,
} from '@ddcl/core';
import type { SupervisedPart } from './supervised-part.ts';

/** Sizes of one program: documents, padded length, classes C. */
export interface SupervisedSizes {
  readonly rows: number;
  readonly length: number;
  readonly classes: number;
}

/**
 * What changes from step to step, in one small tensor: rate of the head, rate of the part, weight decay of the head, number of
 * the step from 1.
 */
export const supervisedControls = 4;

interface ParameterTypes {
  readonly tokens: TensorType;
  readonly weights: TensorType;
  /** Class of each document, int32 [B]; -1 for a row without a document. */
  readonly labels: TensorType;
  readonly controls: TensorType;
  /** Head's weights [C, F] and bias [C]. */
  readonly head: readonly TensorType[];
  readonly part: readonly TensorType[];
}

function typesOf({ dtype, dimension, slope, parameters }: SupervisedPart, sizes: SupervisedSizes): ParameterTypes {
  const { rows, length, classes } = sizes;
  return {
    tokens: tensorType(dtype, [rows, length, dimension]),
    weights: tensorType(dtype, [rows, length]),
    labels: tensorType('int32', [rows]),
    controls: tensorType(dtype, [supervisedControls]),
    head: [tensorType(dtype, [classes, slope.length]), tensorType(dtype, [classes])],
    part: parameters.map(({ shape }) => tensorType(dtype, shape)),
  };
}

interface LossTensors {
  readonly loss: Tensor;
  /** Sums over the batch: cross entropy over documents, penalty over tokens, documents that are right. */
  readonly crossEntropy: Tensor;
  readonly penalty: Tensor;
  readonly correct: Tensor;
}

function lossOf(
  part: SupervisedPart,
  { rows, classes }: SupervisedSizes,
  [tokens, weights, labels, head, bias, ...parameters]: readonly Tensor[],
): LossTensors {
  const { features, penalty } = part.compute(tokens!, weights!, parameters);
  const logits = add(matmul(features, head!, { transposeB: true }), bias!);
  const own = cast(equal(reshape(labels!, [rows, 1]), iota(labels!, 'int32', [rows, classes], 1)), part.dtype);
  // 1 for a document, 0 for a row that fills up: -1 equals no class.
  const isDocument = sum(own, [1]);
  const crossEntropy = sum(sub(mul(isDocument, logSumExp(logits, 1)), sum(mul(own, logits), [1])));
  const correct = sum(cast(equal(argMax(logits, 1), labels!), part.dtype));
  const perDocument = div(crossEntropy, maximum(sum(isDocument), 1));
  if (penalty === undefined) return { loss: perDocument, crossEntropy, correct, penalty: zerosLike(crossEntropy) };
  const perToken = div(penalty, maximum(sum(weights!), 1e-20));
  return { loss: add(perDocument, mul(perToken, part.penaltyWeight)), crossEntropy, penalty, correct };
}

/**
 * The loss of a batch, for `valueAndGrad`: (tokens, weights, labels, head weights [C, F], head bias [C], ...the part's parameters) to
 * (cross entropy per document + penalty per unit of token weight), a scalar.
 */
export function supervisedLossProgram(part: SupervisedPart, sizes: SupervisedSizes): Program {
  const types = typesOf(part, sizes);
  return trace(
    [types.tokens, types.weights, types.labels, ...types.head, ...types.part],
    (...inputs) => [lossOf(part, sizes, inputs as readonly Tensor[]).loss],
    `${part.name} loss`,
  );
}

/**
 * A whole training step: (tokens, weights, labels, controls, ...fixed parameters, head weights, head bias, ...trained
 * parameters, ...two of Adam's tensors for each trained one) to (sums [3]: cross entropy, penalty, correct; then all trained ones and their state).
 * Weight decay is AdamW's, of the head's weights alone: taken off before Adam's step, which does not look at the parameter.
 */
export function supervisedStepProgram(part: SupervisedPart, sizes: SupervisedSizes): Program {
  const types = typesOf(part, sizes);
  const fixed = types.part.filter((_, index) => !part.parameters[index]!.isTrained);
  const trained = [...types.head, ...types.part.filter((_, index) => part.parameters[index]!.isTrained)];
  const optimizer = adam();
  const state = trained.flatMap((type) => Array.from({ length: optimizer.slots }, () => type));
  return trace(
    [types.tokens, types.weights, types.labels, types.controls, ...fixed, ...trained, ...state],
    (...inputs) => {
      const [tokens, weights, labels, controls, ...rest] = inputs as [Tensor, Tensor, Tensor, Tensor, ...Tensor[]];
      const constants = rest.slice(0, fixed.length);
      const variables = rest.slice(fixed.length, fixed.length + trained.length);
      const slots = rest.slice(fixed.length + trained.length);
      const [headWeights, headBias, ...moving] = variables as [Tensor, Tensor, ...Tensor[]];
      let atFixed = 0;
      let atMoving = 0;
      const parameters = part.parameters.map(({ isTrained }) =>
        isTrained ? moving[atMoving++]! : constants[atFixed++]!,
      );
      const { loss, crossEntropy, penalty, correct } = lossOf(part, sizes, [
        tokens,
        weights,
        labels,
        headWeights,
        headBias,
        ...parameters,
      ]);
      const gradients = grad(loss, variables);
      const at = (index: number): Tensor => reshape(slice(controls, [index], [1]), []);
      const [headRate, partRate, decay, step] = [at(0), at(1), at(2), at(3)];
      const decayed = sub(headWeights, mul(headWeights, mul(decay, headRate)));
      const stateOf = (index: number): Tensor[] => slots.slice(index * optimizer.slots, (index + 1) * optimizer.slots);
      const groups = updateGroups(optimizer, [
        {
          parameters: [decayed, headBias],
          gradients: gradients.slice(0, 2),
          state: [stateOf(0), stateOf(1)],
          controls: { learningRate: headRate, step },
        },
        {
          parameters: moving,
          gradients: gradients.slice(2),
          state: moving.map((_, index) => stateOf(index + 2)),
          controls: { learningRate: partRate, step },
        },
      ]);
      const updated = groups.flat();
      const sums = concat(
        [crossEntropy, penalty, correct].map((value) => reshape(value, [1])),
        0,
      );
      return [sums, ...updated.map(({ parameter }) => parameter), ...updated.flatMap((each) => each.state)];
    },
    `${part.name} step`,
  );
}

/** (tokens, weights, head weights, head bias, ...the part's parameters) to (logits [B, C]). */
export function logitsProgram(part: SupervisedPart, sizes: SupervisedSizes): Program {
  const types = typesOf(part, sizes);
  return trace(
    [types.tokens, types.weights, ...types.head, ...types.part],
    (...inputs) => {
      const [tokens, weights, head, bias, ...parameters] = inputs as unknown as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        ...Tensor[],
      ];
      const { features } = part.compute(tokens, weights, parameters);
      return [add(matmul(features, head, { transposeB: true }), bias)];
    },
    `${part.name} logits`,
  );
}
