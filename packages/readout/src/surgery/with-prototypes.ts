import { DdclError } from '@ddcl/core';
import type { DdclModel } from '@ddcl/core/fit';

/** A model with changed prototypes and the old one's frame, temperature and statistics. */
export interface Surgery {
  readonly model: DdclModel;
  /** New number of each old prototype, [K]; -1 for one that is gone. */
  readonly map: Int32Array;
}

/** The model with other prototypes [K', m], rounded to its precision. */
export function withPrototypes(model: DdclModel, rows: readonly Float64Array[]): DdclModel {
  const { dimension, dtype } = model;
  const prototypes = new Float64Array(rows.length * dimension);
  rows.forEach((row, k) => prototypes.set(dtype === 'float32' ? Float32Array.from(row) : row, k * dimension));
  return { ...model, count: rows.length, prototypes };
}

/** A copy of prototype k, [m]. */
export function prototypeAt({ prototypes, dimension }: DdclModel, k: number): Float64Array {
  return prototypes.slice(k * dimension, (k + 1) * dimension);
}

/** @throws DdclError `argument` unless `k` is the number of a prototype */
export function requirePrototype({ count }: DdclModel, k: number): void {
  if (Number.isSafeInteger(k) && k >= 0 && k < count) return;
  throw new DdclError('argument', `Prototypes have the numbers 0 to ${count - 1}, but ${k} came.`);
}

/** @throws DdclError `shape` or `data` unless there is one finite number >= 0 per prototype, not all 0 */
export function requireMasses({ count }: DdclModel, masses: ArrayLike<number>, name: string): void {
  if (masses.length !== count) {
    throw new DdclError('shape', `${count} prototypes need ${count} ${name}, one each, but ${masses.length} came.`);
  }
  const values = Array.from(masses);
  const bad = values.findIndex((value) => !(value >= 0 && value < Infinity));
  if (bad >= 0) {
    throw new DdclError('data', `${name} must be finite and >= 0, but prototype ${bad} has ${values[bad]}.`);
  }
  if (values.every((value) => value === 0)) {
    throw new DdclError('data', `All ${name} are 0. Measure them on tokens, for example with measureSource.`);
  }
}
