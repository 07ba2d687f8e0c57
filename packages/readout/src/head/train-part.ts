import { createRandom } from '@ddcl/core';
import { abortableBackend, type Backend } from '@ddcl/core/backend';
import type { SequenceReader } from '../sequences/sequence-reader.ts';
import { documentGroups } from './document-groups.ts';
import type { HeadEpoch, ResolvedHeadOptions } from './head-options.ts';
import { headToUnits } from './head-units.ts';
import { splitLabels } from './label-split.ts';
import type { LinearHead } from './linear-head.ts';
import { headNames } from './supervised-loss.ts';
import type { SupervisedPart } from './supervised-part.ts';
import { supervisedTrainer } from './supervised-trainer.ts';
import { trainRun, type Kept } from './training-run.ts';

/** What training a part and its head gives. */
export interface TrainedPart {
  readonly head: LinearHead;
  /** All parameters of the part, in its order and in the frame. */
  readonly parameters: readonly Float64Array[];
  /** Epochs of all runs, in order. */
  readonly history: readonly HeadEpoch[];
  /** The run and the epoch (from 1) that were kept. */
  readonly weightDecay: number;
  readonly epoch: number;
}

/**
 * Trains a part with a linear head on top of it by cross entropy (and the part's penalty). A step is one program; there is
 * one for each padded length.
 *
 * @throws DdclError as `splitLabels` and {@link documentGroups}; `data` for tokens or a loss that are not finite; `aborted`
 */
export async function trainPart(
  backend: Backend,
  reader: SequenceReader,
  labels: readonly string[],
  part: SupervisedPart,
  options: ResolvedHeadOptions,
): Promise<TrainedPart> {
  backend = abortableBackend(backend, options.signal);
  const random = createRandom(options.seed);
  const documents = splitLabels(labels, reader.sequences, options.validationShare, random.fork('validation'));
  const batches = documentGroups(backend, part, reader, options);
  const trainer = await supervisedTrainer(backend, part, batches.rows, documents.classes.length);
  try {
    const start = await trainer.state();
    const history: HeadEpoch[] = [];
    let best: Kept | undefined;
    for (const weightDecay of options.weightDecays) {
      await trainer.setState(start);
      const context = { part, trainer, batches, documents, options };
      const kept = await trainRun(context, weightDecay, random.fork('order'), history);
      if (best === undefined || kept.crossEntropy < best.crossEntropy) best = kept;
    }
    const { weightDecay, epoch, parameters } = best!;
    const numbers = (name: string): Float64Array => Float64Array.from(parameters[name]!);
    const head = headToUnits({ weights: numbers(headNames.weights), bias: numbers(headNames.bias) }, part);
    return {
      head: { ...head, classes: documents.classes },
      parameters: part.parameters.map(({ name, isTrained, values }) => (isTrained ? numbers(name) : values)),
      history,
      weightDecay,
      epoch,
    };
  } finally {
    trainer.dispose();
  }
}
