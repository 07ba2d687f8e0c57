import { DdclError } from '../errors/ddcl-error.ts';

/** Also of another realm, such as a frame's, whose classes are others. */
const isArray = (value: unknown, ...kinds: readonly string[]): boolean =>
  kinds.includes(Object.prototype.toString.call(value).slice(8, -1));

/** What a value is made by, for messages: `Uint16Array`, `Array`, `undefined`. */
export function kindOf(value: unknown): string {
  return (value as object | null | undefined)?.constructor?.name ?? String(value);
}

/**
 * Numbers that callers give are looked at when the program runs, since JavaScript and casts get past the types: the bits of half
 * precision, as fp16 models of ONNX Runtime give them, would be taken for whole numbers.
 *
 * @param what for the message, such as `Tokens`
 * @throws DdclError `dtype` unless they are a Float32Array or a Float64Array
 */
export function requireFloats(data: unknown, what: string): asserts data is Float32Array | Float64Array {
  if (isArray(data, 'Float32Array', 'Float64Array')) return;
  const name = kindOf(data);
  const remedies: Readonly<Record<string, string>> = {
    Uint16Array: 'If they are half precision, fromFloat16 of @ddcl/core/safetensors gives their numbers',
    Float16Array: 'Float32Array.from makes them one',
  };
  const remedy = remedies[name] ?? 'Float32Array.from makes one of a list of numbers';
  throw new DdclError('dtype', `${what} must be a Float32Array or a Float64Array, but came as ${name}. ${remedy}.`);
}

/** @throws DdclError `dtype` unless they are the bits of half precision, in a Uint16Array */
export function requireHalves(bits: unknown, what: string): asserts bits is Uint16Array {
  if (isArray(bits, 'Uint16Array')) return;
  throw new DdclError(
    'dtype',
    `${what} must be the bits of half precision in a Uint16Array, but came as ${kindOf(bits)}. toFloat16 of @ddcl/core/safetensors makes them.`,
  );
}
