import { elementCount } from '@ddcl/core/backend';
import { cells, position, type Shape } from './tensor.ts';

/** A program uses the same few pairs of shapes again and again. */
const recent = new Map<string, Int32Array>();
const most = 256;

/** For each element of a result, in row-major order, the place of the operand's element that it comes from. */
export function broadcastSources(operand: Shape, result: Shape): Int32Array {
  const key = `${operand.join()} ${result.join()}`;
  const known = recent.get(key);
  if (known !== undefined) return known;
  const sources = new Int32Array(elementCount(result));
  let index = 0;
  for (const at of cells(result)) sources[index++] = position(operand, at);
  if (recent.size === most) recent.clear();
  recent.set(key, sources);
  return sources;
}
