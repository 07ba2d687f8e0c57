import type { Backend } from '@ddcl/core/backend';
import type { SequenceReader } from '../sequences/sequence-reader.ts';
import { attentionPart } from './attention-part.ts';
import type { AttentionClassifier } from './attention-pooling.ts';
import { BatchRunner } from './batch-runner.ts';
import { largestOf, type Prediction } from './linear-head.ts';
import { readoutPart } from './readout-part.ts';
import type { ReadoutClassifier } from './train-head.ts';

export interface ClassifyOptions {
  /** Documents per run, >= 1. Default 32. */
  readonly batch?: number;
  /** Most padded lengths; a program is compiled for each, >= 1. Default 4. */
  readonly paddedLengths?: number;
}

/**
 * The class and the logits [S, C] of every document.
 *
 * @throws DdclError `shape` for tokens of another dimension; `data` for tokens that are not finite, naming the document
 */
export async function classify(
  backend: Backend,
  trained: ReadoutClassifier | AttentionClassifier,
  reader: SequenceReader,
  { batch = 32, paddedLengths = 4 }: ClassifyOptions = {},
): Promise<Prediction> {
  const { head } = trained;
  const part =
    trained.kind === 'readout' ? readoutPart(trained.model, trained.features) : attentionPart(trained.pooling);
  const classes = head.classes.length;
  const logits = new Float64Array(reader.sequences * classes);
  const runner = new BatchRunner(backend, part, reader, { batch, paddedLengths, classes });
  const held = runner.uploadAll(head);
  try {
    const all = Int32Array.from({ length: reader.sequences }, (_, document) => document);
    await runner.logits(all, held, (document, row) => logits.set(row, document * classes));
  } finally {
    for (const buffer of held) backend.free(buffer);
    runner.dispose();
  }
  return { classes: largestOf(logits, head.classes), logits };
}
