import type { Capabilities } from '../backend/contract.ts';
import { bytesPerElement, type FloatDType } from '../program/dtype.ts';

/** A block's widest intermediate ([rows, K] or [rows, m]) holds about this many numbers: small enough for caches, large enough for a matrix product. */
const blockElements = 1 << 20;

/**
 * Rows of the blocks that tokens are cut into, 1..8192: a power of two, no larger than the tokens there are and
 * what the backend's largest buffer can hold.
 */
export function blockRows(
  { tokens, dimension, prototypes }: { tokens: number; dimension: number; prototypes: number },
  dtype: FloatDType,
  capabilities: Capabilities,
): number {
  const width = Math.max(dimension, prototypes);
  const allowed = Math.floor(capabilities.maxBufferBytes / (width * bytesPerElement(dtype)));
  const wanted = Math.min(8192, Math.max(256, blockElements / width), Math.max(1, tokens), Math.max(1, allowed));
  return 2 ** Math.floor(Math.log2(wanted));
}
