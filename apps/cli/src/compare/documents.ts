import { DdclError } from '@ddcl/core';
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

/**
 * Numbers classes by the labels of train.
 *
 * @throws DdclError `data` for labels that only test has, for a single class, and for train and test of different hidden size
 */
export function numberClasses(
  train: { readonly sequences: SequenceReader; readonly labels: readonly string[] },
  test: { readonly sequences: SequenceReader; readonly labels: readonly string[] },
): CompareData {
  const names = [...new Set(train.labels)].sort((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1));
  if (names.length < 2) {
    throw new DdclError(
      'data',
      `All documents of --train have the label '${names[0]}'. A comparison needs at least two; look at --labels.`,
    );
  }
  const missing = [...new Set(test.labels)].filter((label) => !names.includes(label));
  if (missing.length > 0) {
    throw new DdclError(
      'data',
      `--test has labels that --train lacks: ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', ...' : ''}. Train has ${names.slice(0, 20).join(', ')}. Give data of the same classes.`,
    );
  }
  if (train.sequences.dimension !== test.sequences.dimension) {
    throw new DdclError(
      'shape',
      `Tokens of --train have ${train.sequences.dimension} numbers, those of --test ${test.sequences.dimension}. Use one encoder for both.`,
    );
  }
  const numbers = new Map(names.map((name, index) => [name, index]));
  const split = ({ sequences, labels }: typeof train): Split => ({
    sequences,
    classes: Int32Array.from(labels, (label) => numbers.get(label)!),
  });
  return { train: split(train), test: split(test), names };
}
