import { BoundedCache, elementCount } from '@ddcl/core/backend';
import { cells, position, type Shape } from '../oracle/tensor.ts';

/** A program uses the same few pairs of shapes again and again. */
const recent = new BoundedCache<Int32Array>(64);

/** For each element of a result, in row-major order, the place of the operand's element that it comes from. */
export function broadcastSources(operand: Shape, result: Shape): Int32Array {
  const key = `${operand.join()} ${result.join()}`;
  const known = recent.get(key);
  if (known !== undefined) return known;
  const sources = new Int32Array(elementCount(result));
  let index = 0;
  for (const at of cells(result)) sources[index++] = position(operand, at);
  recent.set(key, sources);
  return sources;
}
