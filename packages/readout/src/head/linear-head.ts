import { DdclError } from '@ddcl/core';
import { readSafetensors, writeSafetensors, type SafetensorsTensor } from '@ddcl/core/safetensors';

/** Version of the head file. A reader refuses others. */
export const headFormatVersion = 1;

/** A linear classifier `W f + b` over features of documents. Plain data. */
export interface LinearHead {
  /** [C, F], row-major. */
  readonly weights: Float64Array;
  /** [C]. */
  readonly bias: Float64Array;
  /** Names of the C classes, in the order of the rows. */
  readonly classes: readonly string[];
}

/** What a head says about documents. */
export interface Prediction {
  /** The class of the largest logit of each document; the first of equals. */
  readonly classes: string[];
  /** [S, C]. */
  readonly logits: Float64Array;
}

/** Number of features F that a head takes. */
export function headWidth({ weights, classes }: LinearHead): number {
  return weights.length / classes.length;
}

/**
 * Applies a head to features in plain TypeScript: no backend is needed.
 *
 * @param features [S, F], row-major, as the head was trained on
 * @throws DdclError `shape` if they are not whole rows of F numbers
 */
export function predict(
  head: LinearHead,
  features: ArrayLike<number>,
): Prediction & { readonly probabilities: Float64Array } {
  const { weights, bias, classes } = head;
  const width = headWidth(head);
  if (features.length % width !== 0) {
    throw new DdclError(
      'shape',
      `The head takes ${width} features per document, but ${features.length} numbers are no whole number of documents. Give the features it was trained on.`,
    );
  }
  const rows = features.length / width;
  const logits = new Float64Array(rows * classes.length);
  for (let row = 0; row < rows; row++) {
    for (let index = 0; index < classes.length; index++) {
      let logit = bias[index]!;
      for (let at = 0; at < width; at++) logit += weights[index * width + at]! * features[row * width + at]!;
      logits[row * classes.length + index] = logit;
    }
  }
  return { classes: largestOf(logits, classes), logits, probabilities: probabilitiesOf(logits, classes.length) };
}

/** Names of the largest logit of each row [S, C]. */
export function largestOf(logits: ArrayLike<number>, classes: readonly string[]): string[] {
  return Array.from({ length: logits.length / classes.length }, (_, row) => {
    let best = 0;
    for (let index = 1; index < classes.length; index++) {
      if (logits[row * classes.length + index]! > logits[row * classes.length + best]!) best = index;
    }
    return classes[best]!;
  });
}

/** Softmax of each row of `width` logits. */
export function probabilitiesOf(logits: Float64Array, width: number): Float64Array {
  const probabilities = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += width) {
    const row = logits.subarray(start, start + width);
    const largest = row.reduce((most, logit) => Math.max(most, logit), -Infinity);
    const total = row.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
    row.forEach((logit, index) => (probabilities[start + index] = Math.exp(logit - largest) / total));
  }
  return probabilities;
}

/**
 * A head as a safetensors file: `weights` [C, F] and `bias` [C], both F64; in the metadata `format` "ddcl.head",
 * `formatVersion`, and `classes` as a JSON list of text. Equal heads give equal bytes.
 */
export function headToBytes(head: LinearHead): Uint8Array<ArrayBuffer> {
  const { weights, bias, classes } = head;
  return writeSafetensors(
    new Map<string, SafetensorsTensor>([
      ['weights', { dtype: 'F64', shape: [classes.length, headWidth(head)], data: weights }],
      ['bias', { dtype: 'F64', shape: [classes.length], data: bias }],
    ]),
    { format: 'ddcl.head', formatVersion: String(headFormatVersion), classes: JSON.stringify(classes) },
  );
}

function malformed(detail: string): DdclError {
  return new DdclError(
    'format',
    `This is not a ddcl head of format version ${headFormatVersion}: ${detail}. Give bytes that headToBytes wrote.`,
  );
}

function classesOf(text: string | undefined): readonly string[] {
  let list: unknown;
  try {
    list = JSON.parse(text ?? '');
  } catch {
    throw malformed('its classes are no JSON list');
  }
  const isList = Array.isArray(list) && list.length > 0 && list.every((name) => typeof name === 'string');
  if (!isList) throw malformed('its classes are no JSON list of text');
  return list as string[];
}

/** @throws DdclError `format` for bytes that are not a head of this version, naming what is wrong */
export function headFromBytes(bytes: Uint8Array | ArrayBuffer): LinearHead {
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata['format'] !== 'ddcl.head') throw malformed('its metadata has no "format": "ddcl.head"');
  if (metadata['formatVersion'] !== String(headFormatVersion))
    throw malformed(`its formatVersion is ${metadata['formatVersion']}`);
  const classes = classesOf(metadata['classes']);
  const weights = tensors.get('weights');
  const bias = tensors.get('bias');
  if (weights === undefined || bias === undefined) throw malformed('it lacks the tensor weights or bias');
  const fits =
    weights.shape.length === 2 &&
    weights.shape[0] === classes.length &&
    weights.shape[1]! > 0 &&
    bias.shape.length === 1 &&
    bias.shape[0] === classes.length;
  if (!(weights.data instanceof Float64Array) || !(bias.data instanceof Float64Array) || !fits) {
    throw malformed(
      `for ${classes.length} classes weights is ${weights.dtype} [${weights.shape.join(', ')}] and bias ${bias.dtype} [${bias.shape.join(', ')}]`,
    );
  }
  if (![...bias.data].every(Number.isFinite) || !weights.data.every(Number.isFinite))
    throw malformed('a number in it is not finite');
  return { weights: Float64Array.from(weights.data), bias: Float64Array.from(bias.data), classes };
}
