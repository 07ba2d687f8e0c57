import { add, mul, sub, sum, trace } from '@ddcl/core';
import { tensorType, type Backend, type ConcreteType, type DeviceBuffer, type Program } from '@ddcl/core/backend';
import { compare } from '../../compare/compare.ts';
import { fail, require } from '../../run/failure.ts';

/** What the cases of the contract run: small, and exact in float32. */
export const three: ConcreteType = tensorType('float32', [3]) as ConcreteType;
export const doubled: Program = trace([three], (x) => [add(x, x)], 'doubled');
export const identity: Program = trace([three], (x) => [x], 'identity');
export const added: Program = trace([three, three], (x, y) => [add(x, y)], 'added');
/** Any length; two results and intermediates between. */
export const lengths: Program = trace(
  [tensorType('float32', ['n']), tensorType('float32', ['n'])],
  (x, y) => [sum(mul(x, y)), add(sub(mul(x, y), y), x)],
  'lengths',
);

/** Puts numbers on the device as float32 [length]. */
export function upload(backend: Backend, ...numbers: readonly number[]): DeviceBuffer {
  return backend.upload(tensorType('float32', [numbers.length]) as ConcreteType, Float32Array.from(numbers));
}

/** Fails unless the buffer holds exactly these numbers; `what` says what was run, see `describeCall`. */
export async function requireNumbers(
  what: string,
  backend: Backend,
  buffer: DeviceBuffer | undefined,
  expected: readonly number[],
): Promise<void> {
  require(buffer !== undefined, `${what}: there is no buffer`);
  const { type } = buffer;
  const { worst, message } = compare(await backend.download(buffer), {
    type,
    data: expected,
    bound: expected.map(() => 0),
  });
  if (worst > 0) fail(`${what}: ${message}`, worst);
}

export function describeMemory({ buffers, bytes }: { readonly buffers: number; readonly bytes: number }): string {
  return `${buffers} buffers of ${bytes} bytes`;
}

/** Fails unless the backend holds as much as `expected` says. */
export function requireMemory(
  what: string,
  backend: Backend,
  expected: { readonly buffers: number; readonly bytes: number },
): void {
  const now = backend.memory();
  require(now.buffers === expected.buffers &&
    now.bytes ===
      expected.bytes, `${what}: memory() says ${describeMemory(now)} instead of ${describeMemory(expected)}`);
}

/** `memory` with more (or fewer) float32 [3] buffers. */
export function plus(
  { buffers, bytes }: { readonly buffers: number; readonly bytes: number },
  count: number,
): { buffers: number; bytes: number } {
  return { buffers: buffers + count, bytes: bytes + 12 * count };
}
