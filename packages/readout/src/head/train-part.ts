import { createRandom } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';
import type { SequenceReader } from '../sequences/sequence-reader.ts';
import { BatchRunner, ExecutableByLength } from './batch-runner.ts';
import type { HeadEpoch, ResolvedHeadOptions } from './head-options.ts';
import { headToUnits } from './head-units.ts';
import { splitLabels } from './label-split.ts';
import type { LinearHead } from './linear-head.ts';
import { supervisedStepProgram } from './supervised-program.ts';
import type { SupervisedPart } from './supervised-part.ts';
import { TrainingRun, type Kept } from './training-run.ts';

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
 * @throws DdclError as `splitLabels` and {@link BatchRunner}; `data` for tokens or a loss that are not finite; `aborted`
 */
export async function trainPart(
  backend: Backend,
  reader: SequenceReader,
  labels: readonly string[],
  part: SupervisedPart,
  options: ResolvedHeadOptions,
): Promise<TrainedPart> {
  const random = createRandom(options.seed);
  const documents = splitLabels(labels, reader.sequences, options.validationShare, random.fork('validation'));
  const classes = documents.classes.length;
  const runner = new BatchRunner(backend, part, reader, { ...options, classes });
  const steps = new ExecutableByLength(backend, (length) =>
    supervisedStepProgram(part, { rows: runner.rows, length, classes }),
  );
  try {
    const history: HeadEpoch[] = [];
    let best: Kept | undefined;
    for (const weightDecay of options.weightDecays) {
      const run = new TrainingRun(backend, part, runner, steps, documents, options, weightDecay);
      try {
        const kept = await run.train(random.fork('order'), history);
        if (best === undefined || kept.crossEntropy < best.crossEntropy) best = kept;
      } finally {
        run.dispose();
      }
    }
    const { weightDecay, epoch, tensors } = best!;
    const [weights, bias, ...moved] = tensors;
    const head = { ...headToUnits({ weights: weights!, bias: bias! }, part), classes: documents.classes };
    const parameters = part.parameters.map(({ isTrained, values }) => (isTrained ? moved.shift()! : values));
    return { head, parameters, history, weightDecay, epoch };
  } finally {
    runner.dispose();
    steps.dispose();
  }
}
