import {
  add,
  argMax,
  cast,
  crossEntropy,
  div,
  equal,
  matmul,
  maximum,
  mul,
  oneHot,
  sum,
  type Tensor,
} from '@ddcl/core';
import type { SupervisedPart } from './supervised-part.ts';

/** A batch of documents as a loss takes it. */
export interface SupervisedBatch {
  /** [B, L, m], in the part's frame. */
  readonly tokens: Tensor;
  /** [B, L]. */
  readonly weights: Tensor;
  /** Class of each document, int32 [B]; -1 for a row without a document. */
  readonly labels: Tensor;
}

/** Scalars of a batch. */
export interface SupervisedLoss {
  /** Cross entropy per document, and the part's penalty per unit of token weight. */
  readonly loss: Tensor;
  /** Summed over documents, in nats. */
  readonly crossEntropy: Tensor;
  /** Summed over tokens; 0 where the part has none. */
  readonly penalty: Tensor;
  /** Documents that are right. */
  readonly correct: Tensor;
}

/** The name of the head's weights [C, F] and bias [C] among parameters; the part's have their own. */
export const headNames = { weights: 'head.weights', bias: 'head.bias' } as const;

/** Features of a part under a linear head: logits [B, C], and the part's penalty. */
export function supervisedLogits(
  part: SupervisedPart,
  parameters: Readonly<Record<string, Tensor>>,
  { tokens, weights }: Omit<SupervisedBatch, 'labels'>,
): { readonly logits: Tensor; readonly penalty: Tensor | undefined } {
  const own = part.parameters.map(({ name }) => parameters[name]!);
  const { features, penalty } = part.compute(tokens, weights, own);
  const products = matmul(features, parameters[headNames.weights]!, { transposeB: true });
  return { logits: add(products, parameters[headNames.bias]!), penalty };
}

/** What a part and its head are trained with. */
export function supervisedLoss(
  part: SupervisedPart,
  parameters: Readonly<Record<string, Tensor>>,
  batch: SupervisedBatch,
): SupervisedLoss {
  const { logits, penalty } = supervisedLogits(part, parameters, batch);
  const { labels, weights } = batch;
  const total = sum(crossEntropy(logits, labels));
  const documents = sum(oneHot(labels, logits.shape[1]!, part.dtype));
  const perDocument = div(total, maximum(documents, 1));
  const own = penalty ?? mul(total, 0);
  const perToken = div(own, maximum(sum(weights), 1e-20));
  return {
    loss: penalty === undefined ? perDocument : add(perDocument, mul(perToken, part.penaltyWeight)),
    crossEntropy: total,
    penalty: own,
    correct: sum(cast(equal(argMax(logits, 1), labels), part.dtype)),
  };
}
