import { requirePlainModel, type DdclModel } from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';
import type { SequenceReader } from '../sequences/sequence-reader.ts';
import { requireNumber, resolveHeadOptions, type HeadEpoch, type HeadTrainingOptions } from './head-options.ts';
import type { LinearHead } from './linear-head.ts';
import { outputList, type HeadOutput, type HeadOutputs } from './readout-features.ts';
import { readoutPart } from './readout-part.ts';
import { trainPart } from './train-part.ts';

export interface TrainHeadOptions extends HeadTrainingOptions {
  /** A fitted model: where the prototypes start, its temperature and frame. */
  readonly model: DdclModel;
  /** What the head is put on, such as `'mean+residuals'`. Default `residuals`. */
  readonly outputs?: HeadOutputs;
  /** Train the prototypes together with the head. Default true; without effect on `mean` alone. */
  readonly trainPrototypes?: boolean;
  /**
   * Weight of L_q in the loss, >= 0. L_q is per token and divided by the tokens' total variance, so lambda has no unit: L_q is at most
   * about 1, and 0 where the prototypes explain everything. It keeps trained prototypes among the tokens. Default 0.1.
   */
  readonly lambda?: number;
  /** Adam's rate for the prototypes, > 0, in units of the tokens' root-mean-square deviation per component. Default 0.003. */
  readonly prototypeRate?: number;
}

/** A linear head on a readout. Plain data. */
export interface ReadoutClassifier {
  readonly kind: 'readout';
  readonly outputs: readonly HeadOutput[];
  /** With the trained prototypes, exact in its dtype. */
  readonly model: DdclModel;
  /**
   * On the outputs side by side, as `Readout.encode` gives them (`normalize` for residuals), and mean tokens in the tokens'
   * units. A document without tokens has the offset as its mean and pooled vector.
   */
  readonly head: LinearHead;
}

export interface TrainHeadResult extends ReadoutClassifier {
  readonly history: readonly HeadEpoch[];
  /** What was kept: the run and its epoch, from 1. */
  readonly weightDecay: number;
  readonly epoch: number;
}

/**
 * Trains a linear head on a readout of frozen token vectors by cross entropy + lambda * L_q, the prototypes together with it.
 *
 * @param labels the class of each document of the reader
 * @throws DdclError `argument` for options out of range or labels that are not one per document; `data` for one class only or
 *   tokens that are not finite; `shape` for tokens of another dimension than the model's; `unsupported` for a model with preprocessing; `limit`; `aborted`
 */
export async function trainHead(
  backend: Backend,
  reader: SequenceReader,
  labels: readonly string[],
  options: TrainHeadOptions,
): Promise<TrainHeadResult> {
  const { model, trainPrototypes = true, lambda = 0.1, prototypeRate = 0.003 } = options;
  requirePlainModel(model);
  const outputs = outputList(options.outputs ?? 'residuals');
  requireNumber('lambda', lambda, lambda >= 0 && lambda < Infinity, () => 'a number >= 0');
  const resolved = resolveHeadOptions(options, { name: 'prototypeRate', value: prototypeRate });
  const part = readoutPart(model, outputs, { trainPrototypes, lambda });
  const { head, parameters, ...rest } = await trainPart(backend, reader, labels, part, resolved);
  const prototypes = part.parameters[0]!.isTrained ? fromFrame(parameters[0]!, model) : model.prototypes;
  return { kind: 'readout', outputs, model: { ...model, prototypes }, head, ...rest };
}

/** Prototypes in the tokens' units, rounded to the model's dtype. */
function fromFrame(framed: Float64Array, { offset, scale, dimension, dtype }: DdclModel): Float64Array {
  const exact = framed.map((value, index) => value * scale + offset[index % dimension]!);
  return dtype === 'float32' ? exact.map(Math.fround) : exact;
}
