import { DdclError, type Random } from '@ddcl/core';
import { cosineSchedule } from '@ddcl/core/train';
import type { DocumentGroups } from './document-groups.ts';
import type { HeadEpoch, ResolvedHeadOptions } from './head-options.ts';
import type { LabelledDocuments } from './label-split.ts';
import type { DocumentGroup } from './length-buckets.ts';
import type { SupervisedPart } from './supervised-part.ts';
import type { SupervisedTrainer } from './supervised-trainer.ts';

/** Falls from 1 to a hundredth. */
const rateShare = cosineSchedule(1, 0.01);

/** The parameters of one epoch, by name. */
export interface Kept {
  readonly weightDecay: number;
  readonly epoch: number;
  /** Of the documents held out; of the training documents where there are none. */
  readonly crossEntropy: number;
  readonly parameters: Readonly<Record<string, Float32Array | Float64Array>>;
}

/** What the trainings of a part share. */
export interface TrainingContext {
  readonly part: SupervisedPart;
  readonly trainer: SupervisedTrainer;
  readonly batches: DocumentGroups;
  readonly documents: LabelledDocuments;
  readonly options: ResolvedHeadOptions;
}

type Sums = Record<'crossEntropy' | 'penalty' | 'correct', number>;

/** One training with one weight decay, from where the trainer is; its epochs join `history`. */
export async function trainRun(
  context: TrainingContext,
  weightDecay: number,
  random: Random,
  history: HeadEpoch[],
): Promise<Kept> {
  const { batches, trainer, options } = context;
  const { train, validation } = context.documents;
  let best: Kept | undefined;
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    const own = random.fork(epoch);
    const order = own.permutation(train.length).map((index) => train[index]!);
    const means = await trainEpoch(context, weightDecay, epoch, own.shuffle(batches.groups(order)));
    const measured = validation.length === 0 ? undefined : await validate(context, batches.groups(validation));
    const record = { epoch, weightDecay, ...means, ...(measured && { validation: measured }) };
    history.push(record);
    options.onEpoch?.(record);
    const { crossEntropy } = measured ?? means;
    // Without documents held out the last epoch counts.
    if (measured === undefined && epoch < options.epochs) continue;
    if (best === undefined || crossEntropy < best.crossEntropy) {
      best = { weightDecay, epoch, crossEntropy, parameters: await trainer.read() };
    } else if (epoch - best.epoch >= options.patience) break;
  }
  return best!;
}

/** One pass: mean loss and its parts, each before its step. */
async function trainEpoch(
  { part, trainer, batches, documents, options }: TrainingContext,
  weightDecay: number,
  epoch: number,
  groups: readonly DocumentGroup[],
): Promise<Pick<HeadEpoch, 'loss' | 'crossEntropy' | 'lq' | 'accuracy'>> {
  const { epochs, signal, learningRate, partRate } = options;
  const sums: Sums = { crossEntropy: 0, penalty: 0, correct: 0 };
  let weight = 0;
  for (const [index, group] of groups.entries()) {
    if (signal?.aborted === true) throw new DdclError('aborted', 'Training was aborted by its signal.');
    const share = rateShare((epoch - 1 + index / groups.length) / epochs);
    const batch = await labelled(batches, documents, group);
    await trainer.step(batch, { headRate: learningRate * share, partRate: partRate * share, weightDecay });
    addTo(sums, await trainer.report());
    for (const each of batch.weights) weight += each;
  }
  const crossEntropy = sums.crossEntropy / documents.train.length;
  const lq = weight > 0 ? sums.penalty / weight : 0;
  const accuracy = sums.correct / documents.train.length;
  return { loss: crossEntropy + part.penaltyWeight * lq, crossEntropy, lq, accuracy };
}

async function validate(
  { trainer, batches, documents }: TrainingContext,
  groups: readonly DocumentGroup[],
): Promise<{ readonly crossEntropy: number; readonly accuracy: number }> {
  const sums: Sums = { crossEntropy: 0, penalty: 0, correct: 0 };
  const still = { headRate: 0, partRate: 0, weightDecay: 0 };
  for (const group of groups) addTo(sums, await trainer.evaluate(await labelled(batches, documents, group), still));
  const { length } = documents.validation;
  return { crossEntropy: sums.crossEntropy / length, accuracy: sums.correct / length };
}

function addTo(sums: Sums, { crossEntropy, penalty, correct }: Sums): void {
  sums.crossEntropy += crossEntropy;
  sums.penalty += penalty;
  sums.correct += correct;
}

/** A group of documents with their classes; -1 for rows that only fill up. */
async function labelled(batches: DocumentGroups, { labels }: LabelledDocuments, group: DocumentGroup) {
  const { tokens, weights, sequences } = await batches.read(group);
  return {
    tokens,
    weights,
    labels: Int32Array.from(sequences, (document) => (document < 0 ? -1 : labels[document]!)),
  };
}
