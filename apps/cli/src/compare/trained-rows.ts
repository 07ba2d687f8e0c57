import type { DdclModel } from '@ddcl/core/fit';
import { classify, trainAttentionPooling, trainHead, type HeadEpoch } from '@ddcl/readout';
import type { CompareData } from './documents.ts';
import type { CompareRow, RowTable, SeedScores } from './rows.ts';
import type { Judgement } from './score-vectors.ts';

/** What both trained poolings share: the decay and the epoch are chosen on a held-out share of train. */
const training = { epochs: 12, validationShare: 0.15, patience: 3, weightDecay: [0.01, 0.3] } as const;

/**
 * A readout whose prototypes are trained together with a linear head.
 *
 * @param temperatureShare T / T_c of the model, as it was asked for: the quotient differs in its last bit from seed to seed
 */
export async function headRow(
  judgement: Judgement,
  data: CompareData,
  model: DdclModel,
  temperatureShare: number,
  seed: number,
  table: Pick<RowTable, 'add'>,
): Promise<void> {
  const labels = Array.from(data.train.classes, String);
  const options = { ...training, model, outputs: 'residuals' as const, seed };
  const trained = await trainHead(judgement.backend, data.train.sequences, labels, options);
  const row = {
    readout: 'residuals, trained',
    prototypes: model.count,
    vectors: null,
    temperatureShare,
    numbers: model.count * model.dimension,
  };
  table.add(row, await scoreTrained(judgement, data, trained, seed));
}

/** The attention pooling that is the usual alternative, with its head. */
export async function attentionRow(
  judgement: Judgement,
  data: CompareData,
  seed: number,
  table: Pick<RowTable, 'add'>,
): Promise<void> {
  const labels = Array.from(data.train.classes, String);
  const trained = await trainAttentionPooling(judgement.backend, data.train.sequences, labels, { ...training, seed });
  const row: Omit<CompareRow, 'seeds'> = {
    readout: 'attention, trained',
    prototypes: null,
    vectors: null,
    temperatureShare: null,
    numbers: data.train.sequences.dimension,
  };
  table.add(row, await scoreTrained(judgement, data, trained, seed));
}

type Trained = Parameters<typeof classify>[1] & {
  readonly history: readonly HeadEpoch[];
  readonly weightDecay: number;
  readonly epoch: number;
};

async function scoreTrained(
  { backend, testClasses }: Judgement,
  { test }: CompareData,
  trained: Trained,
  seed: number,
): Promise<SeedScores> {
  const began = performance.now();
  const { classes } = await classify(backend, trained, test.sequences);
  const microsecondsPerDocument = ((performance.now() - began) * 1000) / testClasses.length;
  const right = classes.filter((name, row) => Number(name) === testClasses[row]).length;
  const kept = trained.history.find(
    ({ epoch, weightDecay }) => epoch === trained.epoch && weightDecay === trained.weightDecay,
  );
  return {
    seed,
    accuracy: right / testClasses.length,
    validationAccuracy: kept?.validation?.accuracy ?? null,
    clustering: null,
    retrieval: null,
    microsecondsPerDocument,
  };
}
