import { DdclError, type Random } from '@ddcl/core';

/** Documents with the number of their class. */
export interface LabelledDocuments {
  /** In ascending order of their text (by code unit). */
  readonly classes: readonly string[];
  /** Number of each document's class, [S]. */
  readonly labels: Int32Array;
  /** Numbers of the documents to train on, and of those held out. */
  readonly train: readonly number[];
  readonly validation: readonly number[];
}

/**
 * Numbers the classes and holds a share of each out; at least one document of each class is kept for training.
 *
 * @throws DdclError `argument` if labels are not one per document; `data` for fewer than two classes, or if nothing is left to hold out
 */
export function splitLabels(
  labels: readonly string[],
  documents: number,
  validationShare: number,
  random: Random,
): LabelledDocuments {
  if (labels.length !== documents) {
    throw new DdclError(
      'argument',
      `Every document takes one label, but there are ${documents} documents and ${labels.length} labels.`,
    );
  }
  const classes = [...new Set(labels)].sort((a, b) => (a < b ? -1 : 1));
  if (classes.length < 2) {
    throw new DdclError(
      'data',
      `A head tells classes apart, but ${classes.length === 0 ? 'there are no labels' : `all ${labels.length} documents have the label '${classes[0]}'`}. Give documents of two classes or more.`,
    );
  }
  const numberOf = new Map(classes.map((name, index) => [name, index]));
  const numbers = Int32Array.from(labels, (label) => numberOf.get(label)!);
  const train: number[] = [];
  const validation: number[] = [];
  const members: number[][] = classes.map(() => []);
  numbers.forEach((index, document) => members[index]!.push(document));
  for (const own of members) {
    random.shuffle(own);
    const held = Math.min(own.length - 1, Math.round(validationShare * own.length));
    for (const document of own.slice(0, held)) validation.push(document);
    for (const document of own.slice(held)) train.push(document);
  }
  if (validationShare > 0 && validation.length === 0) {
    throw new DdclError(
      'data',
      `A share of ${validationShare} of ${documents} documents in ${classes.length} classes leaves none to hold out. Give more documents or a larger validationShare.`,
    );
  }
  return { classes, labels: numbers, train: train.sort((a, b) => a - b), validation: validation.sort((a, b) => a - b) };
}
