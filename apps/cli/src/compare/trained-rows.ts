import type { DdclModel } from '@ddcl/core/fit';
import { classify, trainAttentionPooling, trainHead, type HeadEpoch } from '@ddcl/readout';
import type { CompareData } from './documents.ts';
import { rowOf, type SeedScores } from './rows.ts';
import { noScores, type RowContext } from './score-vectors.ts';

/** What both trained poolings share: the decay and the epoch are chosen on a held-out share of train. */
const training = { epochs: 12, validationShare: 0.15, patience: 3, weightDecay: [0.01, 0.3] } as const;

/**
 * A readout whose prototypes are trained together with a linear head.
 *
 * T / T_c is noted as it was asked for: the quotient differs in its last bit from seed to seed.
 */
export async function headRow(context: RowContext, model: DdclModel): Promise<void> {
  const { backend, data, seed, temperatures } = context;
  const options = { ...training, model, outputs: 'residuals' as const, seed };
  const trained = await trainHead(backend, data.train.sequences, labelsOf(data), options);
  const { count: prototypes, dimension } = model;
  const more = { prototypes, temperatureShare: temperatures[0]! };
  context.add(rowOf('residuals, trained', prototypes * dimension, more), await scoreTrained(context, trained));
}

/** The attention pooling that is the usual alternative, with its head. */
export async function attentionRow(context: RowContext): Promise<void> {
  const { backend, data, seed } = context;
  const { sequences } = data.train;
  const trained = await trainAttentionPooling(backend, sequences, labelsOf(data), { ...training, seed });
  context.add(rowOf('attention, trained', sequences.dimension), await scoreTrained(context, trained));
}

const labelsOf = ({ train }: CompareData): string[] => Array.from(train.classes, String);

type Trained = Parameters<typeof classify>[1] & {
  readonly history: readonly HeadEpoch[];
  readonly weightDecay: number;
  readonly epoch: number;
};

async function scoreTrained({ backend, data: { test }, seed }: RowContext, trained: Trained): Promise<SeedScores> {
  const began = performance.now();
  const { classes } = await classify(backend, trained, test.sequences);
  const microsecondsPerDocument = ((performance.now() - began) * 1000) / test.classes.length;
  const right = classes.filter((name, row) => Number(name) === test.classes[row]).length;
  const kept = trained.history.find(
    ({ epoch, weightDecay }) => epoch === trained.epoch && weightDecay === trained.weightDecay,
  );
  return {
    ...noScores,
    seed,
    accuracy: right / test.classes.length,
    validationAccuracy: kept?.validation?.accuracy ?? null,
    microsecondsPerDocument,
  };
}
