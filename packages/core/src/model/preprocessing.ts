import { DdclError } from '../errors/ddcl-error.ts';

/** What is done to tokens before a model sees them, in this order. */
export interface Preprocessing {
  /** `(z - mean) / deviation`, column by column; [m] each. */
  readonly standardize: { readonly mean: readonly number[]; readonly deviation: readonly number[] } | null;
  /** Divide each token by its Euclidean length; a token of length 0 stays. */
  readonly normalize: boolean;
}

/** Whether tokens stay as they are. */
export const isPlain = (preprocessing: Preprocessing | undefined): boolean =>
  preprocessing === undefined || (preprocessing.standardize === null && !preprocessing.normalize);

/**
 * Tokens as a model with this preprocessing sees them, in double precision so that nothing is lost before the offset is taken off. A copy.
 *
 * @param data `tokens * dimension` numbers, row-major
 * @throws DdclError `shape` if the standardization is for another number of columns
 */
export function preprocessTokens(
  data: Float32Array | Float64Array,
  dimension: number,
  { standardize, normalize }: Preprocessing,
): Float64Array {
  if (standardize !== null && standardize.mean.length !== dimension) {
    throw new DdclError(
      'shape',
      `The standardization is for ${standardize.mean.length} columns, but the data have ${dimension}.`,
    );
  }
  const tokens = new Float64Array(data);
  if (standardize !== null) standardizeRows(tokens, standardize);
  if (normalize) normalizeRows(tokens, dimension);
  return tokens;
}

function standardizeRows(data: Float64Array, { mean, deviation }: NonNullable<Preprocessing['standardize']>): void {
  const dimension = mean.length;
  for (let first = 0; first < data.length; first += dimension) {
    for (let axis = 0; axis < dimension; axis++)
      data[first + axis] = (data[first + axis]! - mean[axis]!) / deviation[axis]!;
  }
}

function normalizeRows(data: Float64Array, dimension: number): void {
  for (let first = 0; first < data.length; first += dimension) {
    // Divided by the largest number first: the squares of very large or small ones would leave the range of doubles.
    let largest = 0;
    for (let axis = 0; axis < dimension; axis++) largest = Math.max(largest, Math.abs(data[first + axis]!));
    if (largest === 0) continue;
    let squares = 0;
    for (let axis = 0; axis < dimension; axis++) squares += (data[first + axis]! / largest) ** 2;
    const length = Math.sqrt(squares);
    for (let axis = 0; axis < dimension; axis++) data[first + axis] = data[first + axis]! / largest / length;
  }
}

/**
 * For whatever takes tokens as the model itself sees them.
 *
 * @throws DdclError `unsupported` for a model that has preprocessing of its own
 */
export function requirePlainModel({ preprocessing }: { readonly preprocessing?: Preprocessing | undefined }): void {
  if (isPlain(preprocessing)) return;
  const what = [
    preprocessing!.standardize === null ? [] : 'standardized',
    preprocessing!.normalize ? 'normalized' : [],
  ];
  throw new DdclError(
    'unsupported',
    `The model was fitted on ${what.flat().join(' and ')} tokens, which only Readout and readoutProgram make by themselves. Apply preprocessTokens(tokens, m, model.preprocessing), and give the model as { ...model, preprocessing: undefined }.`,
  );
}
