import { encodeTokens, type DdclModel, type TokenSource } from '@ddcl/core';
import type { Backend } from '@ddcl/core/backend';

/** The nearest prototype of every token, in stored order. */
export async function readCodes(
  backend: Backend,
  model: DdclModel,
  source: TokenSource,
  signal: AbortSignal,
): Promise<Int32Array> {
  const codes = new Int32Array(source.tokens ?? 0);
  let place = 0;
  for await (const { rows, data } of encodeTokens(backend, model, source, 'codes', { signal })) {
    codes.set(data, place);
    place += rows;
  }
  return codes;
}
