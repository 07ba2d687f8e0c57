import { encodeTokens, type DdclModel, type TokenSource } from '@ddcl/core/fit';
import type { Backend } from '@ddcl/core/backend';

/** The nearest prototypes of tokens, some tokens at a time, in stored order. */
export async function* codesOf(
  backend: Backend,
  model: DdclModel,
  source: TokenSource,
  signal?: AbortSignal,
): AsyncGenerator<Int32Array> {
  for await (const { data } of encodeTokens(backend, model, source, 'codes', signal === undefined ? {} : { signal }))
    yield data as Int32Array;
}

/** The nearest prototype of every token, in stored order. */
export async function readCodes(
  backend: Backend,
  model: DdclModel,
  source: TokenSource,
  signal?: AbortSignal,
): Promise<Int32Array> {
  const codes = new Int32Array(source.tokens ?? 0);
  let place = 0;
  for await (const some of codesOf(backend, model, source, signal)) {
    codes.set(some, place);
    place += some.length;
  }
  return codes;
}
