/**
 * Dtypes of the safetensors format with the bits of one element, in the order of the reference implementation
 * (github.com/huggingface/safetensors, `enum Dtype`): writers put the later ones first, so that wide
 * elements come before narrow ones and everything is aligned.
 */
const bits = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

/** A dtype that a safetensors file may name. */
export type SafetensorsDType = keyof typeof bits;

const order = Object.keys(bits);

/** Whether a text names a dtype of the format. */
export function isSafetensorsDType(name: unknown): name is SafetensorsDType {
  return typeof name === 'string' && order.includes(name);
}

/** Place of a dtype in the order of the reference implementation. */
export function rankOf(dtype: SafetensorsDType): number {
  return order.indexOf(dtype);
}

/**
 * Elements of a tensor, or `undefined` when the product is no safe integer. Like the reference, zeros do not excuse
 * an overflow before them.
 */
export function elementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (count > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return count;
}

/** Bytes of a tensor, or `undefined` when they are no safe integer or packed elements do not fill whole bytes. */
export function byteCount(dtype: SafetensorsDType, shape: readonly number[]): number | undefined {
  const count = elementCount(shape);
  const total = count === undefined ? NaN : count * bits[dtype];
  return Number.isSafeInteger(total) && total % 8 === 0 ? total / 8 : undefined;
}
