import { DdclError } from '@ddcl/core';

/** A value in a message: its kind, and what it is where that is short. */
function describe(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  if (typeof value === 'string') return value.length > 40 ? 'a long text' : `'${value}'`;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name} of ${value.byteLength} bytes`;
  return typeof value === 'function' ? 'a function' : `a${typeof value === 'object' ? 'n object' : ` ${typeof value}`}`;
}

/** @throws DdclError `argument` unless `isRight` */
export function requireArgument(name: string, value: unknown, isRight: boolean, wanted: string): void {
  if (!isRight) throw new DdclError('argument', `${name} must be ${wanted}, but is ${describe(value)}.`);
}

/** @throws DdclError `argument` unless the value is a whole number >= `least` */
export function requireWhole(name: string, value: unknown, least: number): void {
  requireArgument(name, value, Number.isSafeInteger(value) && Number(value) >= least, `a whole number >= ${least}`);
}

/** @throws DdclError `argument` unless the value is a finite number that is right */
export function requireNumber(name: string, value: unknown, isRight: (value: number) => boolean, wanted: string): void {
  requireArgument(name, value, typeof value === 'number' && Number.isFinite(value) && isRight(value), wanted);
}

/** @throws DdclError `argument` for a name that there is not, which would otherwise say nothing and do nothing */
export function requireKnown(name: string, value: object, known: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    throw new DdclError('argument', `${name} has no '${key}'. Known are: ${known.join(', ')}.`);
  }
}

/** @throws DdclError `argument` unless the value is an object with names */
export function requireObject(name: string, value: unknown, wanted: string): void {
  const isRight = typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
  requireArgument(name, value, isRight, wanted);
}
