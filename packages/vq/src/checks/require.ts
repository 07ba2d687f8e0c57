import { DdclError, type Tensor } from '@ddcl/core';

/** A value in a message: its kind, and what it is where that is short. */
export function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  if (typeof value === 'string') return value.length > 40 ? 'a long text' : `'${value}'`;
  if (Array.isArray(value))
    return value.length > 8 ? `a list of ${value.length}` : `[${value.map(describe).join(', ')}]`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name} of ${value.byteLength} bytes`;
  return typeof value === 'function' ? 'a function' : `a${typeof value === 'object' ? 'n object' : ` ${typeof value}`}`;
}

/** @throws DdclError `argument` unless `isRight` */
export function requireArgument(name: string, value: unknown, isRight: boolean, wanted: string): void {
  if (!isRight) throw new DdclError('argument', `${name} must be ${wanted}, but is ${describe(value)}.`);
}

/** @throws DdclError `argument` unless the value is a whole number in `least`..`most` */
export function requireWhole(
  name: string,
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): void {
  const isRight = Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most;
  const wanted =
    most === Number.MAX_SAFE_INTEGER ? `a whole number >= ${least}` : `a whole number from ${least} to ${most}`;
  requireArgument(name, value, isRight, wanted);
}

/** @throws DdclError `argument` unless the value is a finite number that is right */
export function requireNumber(name: string, value: unknown, isRight: (value: number) => boolean, wanted: string): void {
  requireArgument(name, value, typeof value === 'number' && Number.isFinite(value) && isRight(value), wanted);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);

/** @throws DdclError `argument` unless the value is an object with names */
export function requireObject(name: string, value: unknown, wanted: string): asserts value is object {
  requireArgument(name, value, isObject(value), wanted);
}

/** Options that were left out are none. @throws DdclError `argument` for what is no object */
export const requireOptions = (value: unknown): void =>
  requireArgument('The options', value, isObject(value), 'an object, or left out');

/** Also of another realm, such as a frame's. */
const isTyped = (value: unknown, ...kinds: readonly string[]): boolean =>
  kinds.includes(Object.prototype.toString.call(value).slice(8, -1));

export const isFloat32Array = (value: unknown): value is Float32Array => isTyped(value, 'Float32Array');

/** Numbers of latents or pixels. */
export const isOneOfArrays = (value: unknown, ...kinds: readonly string[]): boolean => isTyped(value, ...kinds);

/** @throws DdclError `argument` unless the value is a list of numbers, of an array or a typed array; which numbers is not looked at */
export function requireList(name: string, value: unknown): asserts value is ArrayLike<number> {
  const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && !isTyped(value, 'DataView'));
  requireArgument(name, value, isList, 'an array or a typed array of numbers');
}

/** Bytes as bytes. @throws DdclError `argument` for others */
export function requireBytes(value: unknown): Uint8Array {
  if (isTyped(value, 'ArrayBuffer')) return new Uint8Array(value as ArrayBuffer);
  requireArgument('The bytes', value, isTyped(value, 'Uint8Array'), 'a Uint8Array or an ArrayBuffer');
  return value as Uint8Array;
}

/** @throws DdclError `argument` for what has not the methods of a backend */
export function requireBackend(backend: unknown): void {
  const isBackend =
    isObject(backend) && ['compile', 'upload', 'download'].every((name) => typeof backend[name] === 'function');
  requireArgument('The backend', backend, isBackend, 'what a function such as cpuBackend() of @ddcl/backend-cpu makes');
}

/** @throws DdclError `argument` for what gives no blocks of vectors */
export function requireSource(source: unknown): void {
  const isSource = isObject(source) && typeof source['blocks'] === 'function';
  requireArgument(
    'The source',
    source,
    isSource,
    'what tokensFromReader or tokensFromIterable of @ddcl/core/fit makes',
  );
}

/** @throws DdclError `argument` for what is no tensor of a trace */
export function requireTensor(name: string, value: unknown): asserts value is Tensor {
  const isTensor = typeof value === 'object' && value !== null && 'builder' in value && 'shape' in value;
  requireArgument(name, value, isTensor, 'a tensor of a trace');
}

/** A message inside another one, which ends the sentence itself. */
export const withoutStop = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
