import type { Backend } from '@ddcl/core/backend';
import { adam, DdclError, tensorType, type FloatDType, type TensorType } from '@ddcl/core';
import { measureSource, modelState, tokensFromArray, tokensFromReader, type AbortSignalLike } from '@ddcl/core/fit';
import { createTrainer, type ParameterDefinition } from '@ddcl/core/train';
import type { DocumentSource } from '../documents/document-source.ts';
import type { FittedLevel } from '../level/fitted-level.ts';
import { withFramedPrototypes } from '../level/move-prototypes.ts';
import { createAssigner } from '../level/assigner.ts';
import { levelQuantities, type LevelQuantities } from '../quantities/level-quantities.ts';
import type { ResolvedLevel } from '../spec/resolve.ts';
import { batchRows, jointBatches, type JointBatch } from './batches.ts';
import { jointLoss, type Named } from './joint-loss.ts';
import { itemsOf, sampleDocuments, type KeptDocument } from './sample-documents.ts';

/** Epochs where none were asked for. */
export const defaultEpochs = 5;
/** Adam's rate at the start in units of the frame, and the share of it that is left at the end. */
const [startRate, endShare] = [0.01, 0.05];
/** Documents that quantities are measured on. */
const measuredDocuments = 1024;

export interface JointOptions {
  readonly epochs?: number | undefined;
  readonly through: boolean;
  readonly seed: number;
  readonly dtype: FloatDType;
  readonly memory: number;
  readonly signal?: AbortSignalLike | undefined;
  readonly onEpoch?: ((quantities: LevelQuantities) => void) | undefined;
  readonly onEpochDone?: ((done: number, total: number) => void) | undefined;
}

/**
 * Moves the prototypes of all levels together from where they are, at fixed temperatures and projections: `sum_l beta_l L_q^(l)` by Adam, in batches of
 * whole documents.
 */
export async function fitJoint(
  backend: Backend,
  resolved: readonly ResolvedLevel[],
  levels: readonly FittedLevel[],
  source: DocumentSource,
  { epochs = defaultEpochs, through, seed, dtype, memory, signal, onEpoch, onEpochDone }: JointOptions,
): Promise<readonly FittedLevel[]> {
  const documents = await sampleDocuments(source, resolved, memory, { signal });
  const rows = batchRows(documents, resolved.length);
  const { dimension } = source;
  const trainer = await createTrainer(backend, {
    parameters: parametersOf(levels),
    dtype,
    inputs: inputsOf(rows, dimension, dtype),
    controls: ['rate'],
    groups: [{ match: 'prototypes.*', optimizer: adam(), learningRate: 'rate' }],
    reports: false,
    loss: (parameters: Named, batch: Named) => ({
      loss: jointLoss(resolved, levels, rows, through, parameters, batch),
    }),
  });
  try {
    let moved = levels;
    for (let epoch = 0; epoch < epochs; epoch++) {
      const rate = startRate * (endShare + (1 - endShare) * 0.5 * (1 + Math.cos((Math.PI * epoch) / epochs)));
      for (const batch of jointBatches(documents, rows, { dimension, dtype, seed: seed + epoch })) {
        if (signal?.aborted === true) throw new DdclError('aborted', 'The fit was aborted.');
        await trainer.step(named(batch), { rate });
      }
      const read = await trainer.read();
      moved = levels.map((level, index) => ({
        ...level,
        model: withFramedPrototypes(level.model, Float64Array.from(read[`prototypes.${index}`]!)),
      }));
      if (onEpoch !== undefined) await tell(backend, resolved, moved, documents, epoch + 1, onEpoch);
      onEpochDone?.(epoch + 1, epochs);
    }
    return moved;
  } finally {
    trainer.dispose();
  }
}

function parametersOf(levels: readonly FittedLevel[]): Record<string, ParameterDefinition> {
  const entries = levels.flatMap(({ model, projection }, index) => {
    const { count, dimension, offset } = model;
    const fixed: [string, ParameterDefinition][] = [
      [`offset.${index}`, { shape: [dimension], data: offset, frozen: true }],
    ];
    if (projection !== undefined) {
      const numbers = projection.mean.length;
      fixed.push([`mean.${index}`, { shape: [numbers], data: projection.mean, frozen: true }]);
      const shape = [projection.axes.length / numbers, numbers];
      fixed.push([`axes.${index}`, { shape, data: Float64Array.from(projection.axes), frozen: true }]);
    }
    const data = createAssigner(model).prototypes;
    return [[`prototypes.${index}`, { shape: [count, dimension], data }] as const, ...fixed];
  });
  return Object.fromEntries(entries);
}

function inputsOf(rows: readonly number[], dimension: number, dtype: FloatDType): Record<string, TensorType> {
  const inputs: Record<string, TensorType> = { tokens: tensorType(dtype, [rows[0]!, dimension]) };
  rows.forEach((size, index) => {
    inputs[`weights.${index}`] = tensorType(dtype, [size]);
    if (index + 1 < rows.length) inputs[`ids.${index}`] = tensorType('int32', [size]);
  });
  return inputs;
}

function named({ tokens, weights, ids }: JointBatch): Record<string, Float32Array | Float64Array | Int32Array> {
  return {
    tokens,
    ...Object.fromEntries(weights.map((own, index) => [`weights.${index}`, own])),
    ...Object.fromEntries(ids.map((own, index) => [`ids.${index}`, own])),
  };
}

async function tell(
  backend: Backend,
  resolved: readonly ResolvedLevel[],
  levels: readonly FittedLevel[],
  documents: readonly KeptDocument[],
  epoch: number,
  onEpoch: (quantities: LevelQuantities) => void,
): Promise<void> {
  const items = itemsOf(documents.slice(0, measuredDocuments), resolved, levels);
  for (const [index, { name, width }] of resolved.entries()) {
    const { model } = levels[index]!;
    const { temperature, criticalTemperature, totalVariance } = model;
    const source = tokensFromReader(tokensFromArray(items[index]!, width));
    const tokens = items[index]!.length / width;
    const measured = await measureSource(backend, source, modelState(model), { tokens, totalVariance });
    onEpoch(levelQuantities(name, true, criticalTemperature, { ...measured, epoch, temperature }));
  }
}
