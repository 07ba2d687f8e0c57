import { tensorType, trace, type Program } from '@ddcl/core';
import type { Backend, DeviceBuffer, Executable } from '@ddcl/core/backend';
import type { SequenceReader } from '../sequences/sequence-reader.ts';
import { attentionPart } from './attention-part.ts';
import type { AttentionClassifier } from './attention-pooling.ts';
import { documentGroups } from './document-groups.ts';
import { headToTraining } from './head-units.ts';
import { largestOf, type Prediction } from './linear-head.ts';
import { readoutPart } from './readout-part.ts';
import { headNames, supervisedLogits } from './supervised-loss.ts';
import type { SupervisedPart } from './supervised-part.ts';
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
    trained.kind === 'readout' ? readoutPart(trained.model, trained.outputs) : attentionPart(trained.pooling);
  const { dtype, dimension, slope } = part;
  const classes = head.classes.length;
  const logits = new Float64Array(reader.sequences * classes);
  const batches = documentGroups(backend, part, reader, { batch, paddedLengths });
  const { rows } = batches;
  const upload = (shape: readonly number[], values: ArrayLike<number>): DeviceBuffer =>
    backend.upload({ dtype, shape }, dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values));
  const own = headToTraining(head, part);
  const held = [
    upload([classes, slope.length], own.weights),
    upload([classes], own.bias),
    ...part.parameters.map(({ shape, values }) => upload(shape, values)),
  ];
  const executables = new Map<number, Executable>();
  try {
    for (const group of batches.groups(Int32Array.from({ length: reader.sequences }, (_, document) => document))) {
      const { length } = group;
      const executable = executables.get(length) ?? (await backend.compile(logitsProgram(part, rows, length, classes)));
      executables.set(length, executable);
      const { tokens, weights } = await batches.read(group);
      const inputs = [upload([rows, length, dimension], tokens), upload([rows, length], weights)];
      const [result] = await executable.run([...inputs, ...held], { donate: [0, 1] });
      const values = await backend.download(result!);
      backend.free(result!);
      group.documents.forEach((document, row) =>
        logits.set(values.subarray(row * classes, (row + 1) * classes), document * classes),
      );
    }
  } finally {
    for (const buffer of held) backend.free(buffer);
    for (const executable of executables.values()) executable.dispose();
  }
  return { classes: largestOf(logits, head.classes), logits };
}

/** (tokens, weights, head weights, head bias, ...the part's parameters) to (logits [B, C]). */
function logitsProgram(part: SupervisedPart, rows: number, length: number, classes: number): Program {
  const { dtype, dimension, slope, parameters } = part;
  const of = (...shape: number[]) => tensorType(dtype, shape);
  const head = [of(classes, slope.length), of(classes)];
  return trace(
    [of(rows, length, dimension), of(rows, length), ...head, ...parameters.map(({ shape }) => of(...shape))],
    (tokens, weights, ...others) => {
      const names = [headNames.weights, headNames.bias, ...parameters.map(({ name }) => name)];
      const named = Object.fromEntries(names.map((name, index) => [name, others[index]!]));
      return [supervisedLogits(part, named, { tokens: tokens!, weights: weights! }).logits];
    },
    `${part.name} logits`,
  );
}
