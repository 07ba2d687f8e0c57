import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { toFloat16 } from '../numbers/float16.ts';
import { allocate, type DType, type TypedArray } from '../program/dtype.ts';
import { elementCount, formatType, type ConcreteType, type TensorType } from '../program/tensor-type.ts';
import type { BatchValue } from './options.ts';

/** A batch on the device. */
export interface UploadedBatch {
  readonly types: readonly ConcreteType[];
  readonly buffers: readonly DeviceBuffer[];
  /** Positions of the buffers that were uploaded here; the others are the caller's. */
  readonly own: readonly number[];
}

export type AnyBatch = Readonly<Record<string, BatchValue>>;
export type SeveralBatches = Iterable<AnyBatch> | AsyncIterable<AnyBatch>;
export type AnyBatches = AnyBatch | SeveralBatches;

/** @throws DdclError `argument` for what is neither a batch nor a list of batches */
export function isSeveral(batches: AnyBatches): batches is SeveralBatches {
  requireBatch(batches);
  return Symbol.iterator in batches || Symbol.asyncIterator in batches;
}

function requireBatch(batch: unknown): void {
  if (typeof batch === 'object' && batch !== null) return;
  throw new DdclError(
    'argument',
    `A batch is an object with the numbers or the buffer of each input, but got ${describe(batch)}.`,
  );
}

type Values = TypedArray | readonly number[];
const isBuffer = (value: BatchValue): value is DeviceBuffer => 'type' in value;
const dataOf = (value: Exclude<BatchValue, DeviceBuffer>): Values => ('data' in value ? value.data : value);
const shapeOf = (value: BatchValue): readonly number[] | undefined =>
  isBuffer(value) ? value.type.shape : 'shape' in value ? value.shape : undefined;

const describe = (value: unknown): string => (typeof value === 'string' ? `the text '${value}'` : String(value));

/** What a batch gives for an input, if it is no {@link BatchValue}. */
function wrongValue(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return describe(value);
  if ('type' in value) return undefined;
  const { data, shape } = 'data' in value ? (value as { data: unknown; shape?: unknown }) : { data: value, shape: [] };
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    return `data with the shape ${describe(shape)}`;
  if (ArrayBuffer.isView(data)) return undefined;
  if (!Array.isArray(data)) return describe(data);
  const index = data.findIndex((each) => typeof each !== 'number');
  return index < 0
    ? undefined
    : `an array whose element ${index} is ${Array.isArray(data[index]) ? 'an array' : describe(data[index])}`;
}

/**
 * The sizes that the symbols of the inputs' types take for a batch: from the shapes that it states, and from numbers of elements where
 * one symbol of a type is open.
 *
 * @throws DdclError `argument` for an input that is missing or a symbol that stays open; `dtype` for a buffer of another; `shape` for numbers that do not fit
 */
export function bindBatch(
  inputs: readonly (readonly [string, TensorType])[],
  batch: Readonly<Record<string, BatchValue>>,
): ConcreteType[] {
  requireBatch(batch);
  const bindings = new Map<string, number>();
  const sizeOf = (size: number | string): number | undefined => (typeof size === 'number' ? size : bindings.get(size));
  const misfit = (name: string, type: TensorType, got: string): DdclError =>
    new DdclError(
      'shape',
      `The input '${name}' is ${formatType(type)}${[...bindings].map(([symbol, size]) => `, ${symbol} = ${size}`).join('')}, but the batch gives ${got}.`,
      { shapes: [type.shape] },
    );
  for (const [name, type] of inputs) {
    const value = batch[name];
    if (value === undefined)
      throw new DdclError('argument', `The batch lacks the input '${name}', ${formatType(type)}.`);
    const wrong = wrongValue(value);
    if (wrong !== undefined) {
      throw new DdclError(
        'argument',
        `The input '${name}', ${formatType(type)}, takes one flat list of numbers in row-major order, { data, shape } or a buffer, but got ${wrong}.`,
      );
    }
    if (isBuffer(value) && value.type.dtype !== type.dtype) {
      throw new DdclError(
        'dtype',
        `The input '${name}' is ${formatType(type)}, but the batch gives a ${formatType(value.type)} buffer. Upload it as ${type.dtype}: there is no promotion.`,
      );
    }
    const shape = shapeOf(value);
    if (shape !== undefined && shape.length !== type.shape.length)
      throw misfit(name, type, `the shape [${shape.join(', ')}]`);
    shape?.forEach((size, axis) => {
      const symbol = type.shape[axis]!;
      if (typeof symbol === 'string' && !bindings.has(symbol)) bindings.set(symbol, size);
    });
  }
  // Each round can close symbols that the next one builds on.
  for (let round = 0; round < inputs.length; round++) {
    for (const [name, { shape }] of inputs) {
      const open = [...new Set(shape.filter((size) => sizeOf(size) === undefined))];
      const value = batch[name]!;
      if (open.length !== 1 || isBuffer(value) || shape.indexOf(open[0]!) !== shape.lastIndexOf(open[0]!)) continue;
      const known = shape.reduce<number>((product, size) => product * (sizeOf(size) ?? 1), 1);
      if (known > 0 && dataOf(value).length % known === 0)
        bindings.set(open[0] as string, dataOf(value).length / known);
    }
  }
  return inputs.map(([name, type]) => {
    const value = batch[name]!;
    const open = type.shape.find((size) => sizeOf(size) === undefined);
    if (open !== undefined)
      throw new DdclError(
        'argument',
        `The size '${open}' of the input '${name}', ${formatType(type)}, does not follow from the batch. Give it as { data, shape }.`,
      );
    const shape = type.shape.map((size) => sizeOf(size)!);
    const given = shapeOf(value);
    if (given !== undefined && given.join() !== shape.join())
      throw misfit(name, type, `the shape [${given.join(', ')}]`);
    if (!isBuffer(value) && dataOf(value).length !== elementCount(shape))
      throw misfit(name, type, `${dataOf(value).length} numbers`);
    return { dtype: type.dtype, shape };
  });
}

/** Copies a batch to the device; if an upload fails nothing stays there. */
export function uploadBatch(
  backend: Backend,
  inputs: readonly (readonly [string, TensorType])[],
  batch: Readonly<Record<string, BatchValue>>,
): UploadedBatch {
  const types = bindBatch(inputs, batch);
  const buffers: DeviceBuffer[] = [];
  const own: number[] = [];
  try {
    inputs.forEach(([name], index) => {
      const value = batch[name]!;
      if (!isBuffer(value)) own.push(index);
      buffers.push(
        isBuffer(value) ? value : backend.upload(types[index]!, asTypedArray(name, dataOf(value), types[index]!.dtype)),
      );
    });
  } catch (error) {
    for (const index of own) if (buffers[index] !== undefined) backend.free(buffers[index]);
    throw error;
  }
  return { types, buffers, own };
}

/** Plain numbers as an array of a dtype; typed arrays as they are, since there is no promotion. */
function asTypedArray(name: string, values: Values, dtype: DType): TypedArray {
  if (ArrayBuffer.isView(values)) return values as TypedArray;
  const bad = dtype === 'int32' ? values.findIndex((value) => value !== (value | 0)) : -1;
  if (bad >= 0) {
    throw new DdclError(
      'data',
      `The input '${name}' takes whole numbers of 32 bits, but number ${bad} is ${values[bad]}.`,
    );
  }
  if (dtype === 'float16') return toFloat16(Float64Array.from(values));
  const array = allocate(dtype, values.length);
  array.set(values);
  return array;
}
