import type { Backend } from '../backend/contract.ts';
import { tokenFeed, type TokenFeed } from '../tokens/token-feed.ts';
import type { TokenSource } from '../tokens/token-source.ts';
import { prototypeState, type PrototypeState } from './prototype-state.ts';

/** The feed of a source and the prototypes in its frame, which for tokens in half precision is not quite the state's own. */
export function feedState(
  backend: Backend,
  source: TokenSource,
  { absolute, dimension, temperature, frame, dtype }: PrototypeState,
): { readonly state: PrototypeState; readonly feed: TokenFeed } {
  const feed = tokenFeed(backend, source, frame, dtype);
  return { feed, state: prototypeState(absolute, dimension, temperature, feed.frame, dtype) };
}
