import { createRandom, type FloatDType } from '@ddcl/core';
import { createMomentAccumulator, requireFloats, type TokenFrame } from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';
import type { SequenceReader } from '../sequences/sequence-reader.ts';
import { attentionPart, type AttentionPooling } from './attention-part.ts';
import { requireNumber, resolveHeadOptions, type HeadEpoch, type HeadTrainingOptions } from './head-options.ts';
import type { LinearHead } from './linear-head.ts';
import { trainPart } from './train-part.ts';

export interface AttentionPoolingOptions extends HeadTrainingOptions {
  /** Learned queries, each with a pooled vector of its own, >= 1. Default 1. */
  readonly heads?: number;
  /** Width D of a tanh layer before the queries; 0 for none. Default 0. */
  readonly hidden?: number;
  /** Adam's rate for the attention's parameters, > 0; they start with deviation 1 (the hidden bias at 0). Default 0.01. */
  readonly attentionRate?: number;
  /** What is taken off tokens and what they are divided by (a `DdclModel` has both). Default: measured in one pass, mean and deviation per component. */
  readonly frame?: TokenFrame;
  /** Default `float32`. */
  readonly dtype?: FloatDType;
}

/** A linear head on an attention pooling. Plain data. */
export interface AttentionClassifier {
  readonly kind: 'attention';
  readonly pooling: AttentionPooling;
  /** On the pooled vectors [H m], in the tokens' units. */
  readonly head: LinearHead;
}

export interface TrainAttentionResult extends AttentionClassifier {
  readonly history: readonly HeadEpoch[];
  /** What was kept: the run and its epoch, from 1. */
  readonly weightDecay: number;
  readonly epoch: number;
}

/**
 * Trains an attention pooling and a linear head on it: the usual alternative to a readout of prototypes, by the same trainer.
 *
 * @param labels the class of each document of the reader
 * @throws DdclError as `trainHead`
 */
export async function trainAttentionPooling(
  backend: Backend,
  reader: SequenceReader,
  labels: readonly string[],
  options: AttentionPoolingOptions = {},
): Promise<TrainAttentionResult> {
  const { heads = 1, hidden = 0, attentionRate = 0.01, dtype = 'float32' } = options;
  requireNumber('heads', heads, Number.isSafeInteger(heads) && heads >= 1, () => 'a whole number >= 1');
  requireNumber('hidden', hidden, Number.isSafeInteger(hidden) && hidden >= 0, () => 'a whole number >= 0');
  const resolved = resolveHeadOptions(options, { name: 'attentionRate', value: attentionRate });
  const { dimension } = reader;
  const { offset, scale } = options.frame ?? (await measureFrame(reader));
  const random = createRandom(resolved.seed).fork('attention');
  const normals = (length: number): Float64Array => Float64Array.from({ length }, () => random.normal());
  const start: AttentionPooling = {
    dimension,
    heads,
    hidden,
    dtype,
    frame: { offset, scale },
    queries: normals(heads * (hidden === 0 ? dimension : hidden)),
    projection: normals(hidden * dimension),
    hiddenBias: new Float64Array(hidden),
  };
  const { head, parameters, ...rest } = await trainPart(backend, reader, labels, attentionPart(start), resolved);
  const [queries, projection, hiddenBias] = parameters;
  const pooling = {
    ...start,
    queries: queries!,
    projection: projection ?? start.projection,
    hiddenBias: hiddenBias ?? start.hiddenBias,
  };
  return { kind: 'attention', pooling, head, ...rest };
}

/** Mean and root-mean-square deviation per component of all tokens. */
async function measureFrame(reader: SequenceReader): Promise<TokenFrame> {
  const moments = createMomentAccumulator(reader.dimension, { maxCovarianceDimension: 0 });
  for (let document = 0; document < reader.sequences; document++) {
    if (reader.lengths[document] === 0) continue;
    const { data, weights } = await reader.read(document);
    requireFloats(data, `Tokens of document ${document} (counted from 0)`);
    moments.addRows(data, weights);
  }
  const { mean, trace } = moments.result();
  return { offset: mean, scale: trace > 0 ? Math.sqrt(trace / reader.dimension) : 1 };
}
