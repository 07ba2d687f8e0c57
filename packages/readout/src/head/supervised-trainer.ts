import { adam, tensorType, type TensorType } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import { createTrainer, type ParameterDefinition, type Trainer } from '@ddcl/core/train';
import { headNames, supervisedLoss, type SupervisedLoss } from './supervised-loss.ts';
import type { SupervisedPart } from './supervised-part.ts';

type SupervisedInputs = Readonly<Record<'tokens' | 'weights' | 'labels', TensorType>>;

/** A part and a head in training. */
export type SupervisedTrainer = Trainer<
  Readonly<Record<string, ParameterDefinition>>,
  SupervisedInputs,
  'headRate' | 'partRate' | 'weightDecay',
  SupervisedLoss
>;

/** Padded documents with their classes: one program is compiled for each length. */
function inputsOf({ dtype, dimension }: SupervisedPart, rows: number): SupervisedInputs {
  return {
    tokens: tensorType(dtype, [rows, 'length', dimension]),
    weights: tensorType(dtype, [rows, 'length']),
    labels: tensorType('int32', [rows]),
  };
}

/** Adam for the head and for the part's trained parameters, each at its own rate; weight decay is AdamW's, of the head's weights alone. */
export function supervisedTrainer(
  backend: Backend,
  part: SupervisedPart,
  rows: number,
  classes: number,
): Promise<SupervisedTrainer> {
  const width = part.slope.length;
  // Zeros: cross entropy is convex in the head, and equal classes are the honest start.
  const parameters: Record<string, ParameterDefinition> = {
    [headNames.weights]: { shape: [classes, width], data: new Float64Array(classes * width) },
    [headNames.bias]: { shape: [classes], data: new Float64Array(classes) },
  };
  for (const { name, shape, values, isTrained } of part.parameters)
    parameters[name] = { shape, data: values, frozen: !isTrained };
  const isTrained = part.parameters.some((parameter) => parameter.isTrained);
  const head = {
    match: 'head.*',
    noWeightDecay: headNames.bias,
    learningRate: 'headRate',
    weightDecay: 'weightDecay',
  } as const;
  return createTrainer(backend, {
    parameters,
    inputs: inputsOf(part, rows),
    controls: ['headRate', 'partRate', 'weightDecay'],
    groups: [
      { ...head, optimizer: adam() },
      ...(isTrained ? [{ match: '*', optimizer: adam(), learningRate: 'partRate' } as const] : []),
    ],
    dtype: part.dtype,
    loss: (tensors, batch) => supervisedLoss(part, tensors, batch),
  });
}
