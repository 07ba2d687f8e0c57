import { createRandom, DdclError, type Random } from '@ddcl/core';
import type { SequenceReader } from '@ddcl/readout';

/** Documents with their classes. */
export interface Split {
  readonly sequences: SequenceReader;
  /** Number of each document's class. */
  readonly classes: Int32Array;
}

/** What `ddcl compare` works on. */
export interface CompareData {
  readonly train: Split;
  readonly test: Split;
  /** Names of the classes of train, sorted; numbers where all are numbers. */
  readonly names: readonly string[];
}

/** Some documents of a reader, in the order given. */
export function pickSequences(reader: SequenceReader, rows: Int32Array): SequenceReader {
  return {
    dimension: reader.dimension,
    sequences: rows.length,
    lengths: Int32Array.from(rows, (row) => reader.lengths[row]!),
    read: (index) => reader.read(rows[index]!),
  };
}

/** Rows of a share of each class, at least one of each class that has two. */
export function stratifiedShare(classes: Int32Array, count: number, share: number, random: Random): Int32Array {
  const members: number[][] = Array.from({ length: count }, () => []);
  for (const row of random.permutation(classes.length)) members[classes[row]!]!.push(row);
  return Int32Array.from(
    members.flatMap((rows) => rows.slice(0, rows.length < 2 ? 0 : Math.max(1, Math.round(share * rows.length)))),
  ).sort();
}

/** The same test beside about `documents` of train, as many of each class as its share of train. */
export function drawDocuments(data: CompareData, documents: number, seed: number): CompareData {
  const { train, names } = data;
  if (documents >= train.classes.length) return data;
  const random = createRandom(seed).fork('train documents');
  const rows = stratifiedShare(train.classes, names.length, documents / train.classes.length, random);
  const classes = rows.map((row) => train.classes[row]!);
  return { ...data, train: { sequences: pickSequences(train.sequences, rows), classes } };
}

/** Documents whose tokens are there, with their labels. */
export interface LabelledSequences {
  readonly sequences: SequenceReader;
  readonly labels: readonly string[];
}

/**
 * Names of the classes of train, in the order of numbers where they are numbers.
 *
 * @throws DdclError `data` for labels that only test has, and for a single class
 */
export function classNames(train: readonly string[], test: readonly string[]): string[] {
  const names = [...new Set(train)].sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1));
  if (names.length < 2) {
    throw new DdclError(
      'data',
      `All documents of --train have the label '${names[0]}'. A comparison needs at least two; look at --labels.`,
    );
  }
  const missing = [...new Set(test)].filter((label) => !names.includes(label));
  if (missing.length === 0) return names;
  throw new DdclError(
    'data',
    `--test has labels that --train lacks: ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', ...' : ''}. Train has ${names.slice(0, 20).join(', ')}. Give data of the same classes.`,
  );
}

/**
 * Numbers the classes of documents.
 *
 * @throws DdclError as {@link classNames}; `shape` for train and test of different hidden size
 */
export function numberClasses(train: LabelledSequences, test: LabelledSequences): CompareData {
  const names = classNames(train.labels, test.labels);
  if (train.sequences.dimension !== test.sequences.dimension) {
    throw new DdclError(
      'shape',
      `Tokens of --train have ${train.sequences.dimension} numbers, those of --test ${test.sequences.dimension}. Use one encoder for both.`,
    );
  }
  const numbers = new Map(names.map((name, index) => [name, index]));
  const split = ({ sequences, labels }: LabelledSequences): Split => ({
    sequences,
    classes: Int32Array.from(labels, (label) => numbers.get(label)!),
  });
  return { train: split(train), test: split(test), names };
}
