import { DdclError } from '@ddcl/core/backend';
import type { Scalar } from './value.ts';

const smallestNormal = 2 ** -126;

/**
 * A number as WGSL writes it. Subnormal ones and -0 go as bits, which no compiler flushes.
 * @throws DdclError `data` for a number that is not finite: WGSL may assume that there are none
 */
export function numberText(scalar: Scalar, value: number): string {
  if (scalar === 'i32') return value < 0 ? `i32(${value})` : `${value}i`;
  if (!Number.isFinite(value)) {
    throw new DdclError('data', `A constant of a program is ${value}, but programs use finite numbers only.`);
  }
  if (Math.abs(value) < smallestNormal && !Object.is(value, 0)) {
    return `bitcast<f32>(${new Uint32Array(Float32Array.of(value).buffer)[0]}u)`;
  }
  return value < 0 ? `f32(${value}f)` : `${value}f`;
}
