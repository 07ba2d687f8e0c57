import { DdclError } from '../errors/ddcl-error.ts';
import type { SafetensorsDType } from './dtypes.ts';
import { fromFloat16 } from '../numbers/float16.ts';

/** Elements of a tensor on the host. */
export type SafetensorsData = Float64Array | Float32Array | Int32Array | BigInt64Array | Uint16Array | Uint8Array;

/**
 * One tensor of a safetensors file. `data` is, by dtype:
 *
 * - F64 `Float64Array`, F32 `Float32Array`, I32 `Int32Array`, I64 `BigInt64Array`, U8 `Uint8Array`
 * - F16 and BF16: `Uint16Array` of the raw bits; see {@link safetensorsToFloat32}
 * - any other: `Uint8Array` of the bytes as they are in the file
 */
export interface SafetensorsTensor {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: SafetensorsData;
}

/**
 * The numbers of a tensor as float32: F32 as it is (not copied), F16 and BF16 exactly, F64 rounded.
 *
 * @throws DdclError `dtype` for any other dtype.
 */
export function safetensorsToFloat32(tensor: SafetensorsTensor): Float32Array {
  const { dtype, data } = tensor;
  if (dtype === 'F32' && data instanceof Float32Array) return data;
  if (dtype === 'F64' && data instanceof Float64Array) return Float32Array.from(data);
  if (dtype === 'F16' && data instanceof Uint16Array) return fromFloat16(data);
  if (dtype === 'BF16' && data instanceof Uint16Array) return fromBFloat16(data);
  throw new DdclError(
    'dtype',
    `Only F32, F64, F16 and BF16 tensors can be read as float32, but a ${dtype} tensor came.`,
  );
}

/** bfloat16 is the upper half of a float32. */
function fromBFloat16(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (half) => half * 0x10000).buffer);
}
