import { DdclError } from '../errors/ddcl-error.ts';
import { prototypeState, type PrototypeState } from '../measure/prototype-state.ts';
import { asDType } from '../numbers/as-dtype.ts';
import type { FloatDType } from '../program/dtype.ts';
import { readSafetensors } from '../safetensors/read-safetensors.ts';
import type { SafetensorsTensor } from '../safetensors/tensor.ts';
import { writeSafetensors } from '../safetensors/write-safetensors.ts';
import { isPlain, requirePlainModel, type Preprocessing } from './preprocessing.ts';
import { requireTemperature } from './require-temperature.ts';

/** Version of the model file; 2 where it has preprocessing, which readers of 1 would pass over. A reader refuses others. */
export const modelFormatVersion = 2;

/** Fitted prototypes with what is needed to apply them. Plain data. */
export interface DdclModel {
  /** K. */
  readonly count: number;
  /** m. */
  readonly dimension: number;
  /** Precision of the prototypes, and default precision for applying them. */
  readonly dtype: FloatDType;
  /** Prototypes [K, m] in the tokens' units; exact in `dtype`. */
  readonly prototypes: Float64Array;
  /** T, in the tokens' units squared. */
  readonly temperature: number;
  /** T_c of the tokens it was fitted on. */
  readonly criticalTemperature: number;
  /** The vector taken off tokens and prototypes before any arithmetic, [m]; see docs/math.md section 2. */
  readonly offset: Float64Array;
  /** The positive number that tokens and prototypes are divided by after that. */
  readonly scale: number;
  /** Trace of the covariance of the tokens it was fitted on. */
  readonly totalVariance: number;
  /**
   * What was done to the tokens before the fit; prototypes and all else are in units of what came of it. `Readout` and `readoutProgram` do it to theirs,
   * everything else refuses such a model.
   */
  readonly preprocessing?: Preprocessing | undefined;
}

/**
 * The model at its temperature, or another one.
 *
 * @throws DdclError `temperature` for one that is not > 0, or so low that logits leave the dtype's range; `unsupported` for a model with preprocessing
 */
export function modelState(
  model: DdclModel,
  temperature: number = model.temperature,
  dtype: FloatDType = model.dtype,
): PrototypeState {
  requirePlainModel(model);
  requireTemperature(model, temperature, dtype);
  return prototypeState(
    model.prototypes,
    model.dimension,
    temperature,
    { offset: model.offset, scale: model.scale },
    dtype,
  );
}

const numbers = ['temperature', 'criticalTemperature', 'scale', 'totalVariance'] as const;

/**
 * A model as a safetensors file: `prototypes` [K, m] (F32 or F64) and `offset` [m] (F64); in the metadata `format`
 * "ddcl.model", `formatVersion`, and `temperature`, `criticalTemperature`, `scale`, `totalVariance` as decimal
 * numbers that read back exactly. With preprocessing also `normalize` ("true" or "false"), and for a standardization the tensors `mean` and `deviation`
 * [m] (F64). Equal models give equal bytes.
 */
export function modelToBytes(model: DdclModel): Uint8Array<ArrayBuffer> {
  const { count, dimension, dtype, offset, preprocessing } = model;
  const formatVersion = isPlain(preprocessing) ? '1' : String(modelFormatVersion);
  const metadata: Record<string, string> = { format: 'ddcl.model', formatVersion };
  for (const name of numbers) metadata[name] = String(model[name]);
  if (!isPlain(preprocessing)) metadata['normalize'] = String(preprocessing!.normalize);
  const columns = Object.entries(preprocessing?.standardize ?? {}).map(
    ([name, values]): [string, SafetensorsTensor] => [
      name,
      { dtype: 'F64', shape: [dimension], data: Float64Array.from(values as readonly number[]) },
    ],
  );
  const data = asDType(model.prototypes, dtype);
  return writeSafetensors(
    new Map<string, SafetensorsTensor>([
      ['prototypes', { dtype: dtype === 'float32' ? 'F32' : 'F64', shape: [count, dimension], data }],
      ['offset', { dtype: 'F64', shape: [dimension], data: offset }],
      ...columns,
    ]),
    metadata,
  );
}

function malformed(detail: string): DdclError {
  return new DdclError(
    'format',
    `This is not a ddcl model of format version ${modelFormatVersion}: ${detail}. Give the model.safetensors that a fit wrote.`,
  );
}

/** @throws DdclError `format` for bytes that are not a model of this version, naming what is wrong */
export function modelFromBytes(bytes: Uint8Array | ArrayBuffer): DdclModel {
  const { tensors, metadata } = readSafetensors(bytes);
  if (metadata['format'] !== 'ddcl.model') throw malformed('its metadata has no "format": "ddcl.model"');
  if (metadata['formatVersion'] !== '1' && metadata['formatVersion'] !== String(modelFormatVersion))
    throw malformed(`its formatVersion is ${metadata['formatVersion']}`);
  const prototypes = tensors.get('prototypes');
  const offset = tensors.get('offset');
  if (prototypes === undefined || offset === undefined) throw malformed('it lacks the tensor prototypes or offset');
  const [count, dimension] = prototypes.shape;
  const isFloat = prototypes.data instanceof Float32Array || prototypes.data instanceof Float64Array;
  const fits =
    prototypes.shape.length === 2 &&
    count! > 0 &&
    dimension! > 0 &&
    offset.shape.length === 1 &&
    offset.shape[0] === dimension;
  if (!isFloat || !(offset.data instanceof Float64Array) || !fits) {
    throw malformed(
      `prototypes is ${prototypes.dtype} [${prototypes.shape.join(', ')}] and offset ${offset.dtype} [${offset.shape.join(', ')}]`,
    );
  }
  // Number('') is 0, and -0 is 0 to all who use it.
  const numberOf = (text: string | undefined): number =>
    text === undefined || text.trim() === '' ? NaN : Number(text) + 0;
  const values = Object.fromEntries(numbers.map((name) => [name, numberOf(metadata[name])])) as Record<
    (typeof numbers)[number],
    number
  >;
  const { temperature, scale, criticalTemperature, totalVariance } = values;
  const isFinite = [numbers.map((name) => values[name]), prototypes.data as Float32Array, offset.data].every((list) =>
    list.every(Number.isFinite),
  );
  if (!isFinite || !(temperature > 0) || !(scale > 0) || criticalTemperature < 0 || totalVariance < 0)
    throw malformed('a number in it is missing, not finite or not positive');
  return {
    count: count!,
    dimension: dimension!,
    dtype: prototypes.dtype === 'F32' ? 'float32' : 'float64',
    prototypes: Float64Array.from(prototypes.data as Float32Array | Float64Array),
    offset: Float64Array.from(offset.data),
    ...values,
    ...(metadata['formatVersion'] === '1' ? {} : { preprocessing: readPreprocessing(tensors, metadata, dimension!) }),
  };
}

function readPreprocessing(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  { normalize }: Readonly<Record<string, string>>,
  dimension: number,
): Preprocessing {
  const [mean, deviation] = ['mean', 'deviation'].map((name) => tensors.get(name));
  const isRight = (tensor: SafetensorsTensor | undefined): boolean =>
    tensor?.data instanceof Float64Array && tensor.data.length === dimension && tensor.data.every(Number.isFinite);
  const isWhole = (mean === undefined && deviation === undefined) || (isRight(mean) && isRight(deviation));
  if (!isWhole || !['true', 'false'].includes(normalize!) || deviation?.data.includes(0 as never))
    throw malformed('its preprocessing is not whole');
  const standardize =
    mean === undefined || deviation === undefined
      ? null
      : { mean: [...(mean.data as Float64Array)], deviation: [...(deviation.data as Float64Array)] };
  return { standardize, normalize: normalize === 'true' };
}
