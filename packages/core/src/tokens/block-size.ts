import type { Capabilities } from '../backend/contract.ts';
import { bytesPerElement, type FloatDType } from '../program/dtype.ts';

/** Numbers per row, at least: rows of narrow tokens would be too many otherwise. */
const narrowest = 128;
/** Rows below which a matrix product is too small, whatever the caches. */
const fewestRows = 256;

/**
 * Rows of the blocks that tokens are cut into: a power of two, of as many numbers as the backend prefers, no larger than the tokens
 * there are and what its largest buffer can hold.
 */
export function blockRows(
  { tokens, dimension, prototypes }: { tokens: number; dimension: number; prototypes: number },
  dtype: FloatDType,
  capabilities: Capabilities,
): number {
  const width = Math.max(dimension, prototypes);
  const allowed = Math.floor(capabilities.maxBufferBytes / (width * bytesPerElement(dtype)));
  const preferred = Math.max(fewestRows, capabilities.preferredElements / Math.max(narrowest, width));
  const wanted = Math.min(preferred, Math.max(1, tokens), Math.max(1, allowed));
  return 2 ** Math.floor(Math.log2(wanted));
}

/** A step has one gradient, whatever its blocks, so these may be larger than those of a pass before they are cut. */
const stepFactor = 4;

/** Most tokens of one block of a training step, whose widest intermediate is [rows, width]; larger batches are accumulated over blocks. */
export function mostStepRows(width: number, { maxBufferBytes, preferredElements }: Capabilities): number {
  return Math.floor(Math.min(maxBufferBytes / 8, stepFactor * preferredElements) / width);
}
