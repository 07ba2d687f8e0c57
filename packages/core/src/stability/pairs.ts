import { throwIfAborted, type AbortSignalLike } from '../abort/abort-signal.ts';
import { squaredDistance } from '../linalg/squared-distance.ts';
import { toFrame, type PrototypeState } from '../measure/prototype-state.ts';
import { mapRows } from '../tokens/device-blocks.ts';
import type { TokenSource } from '../tokens/token-source.ts';

/** Tokens with the prototypes that share them, in compressed rows. */
export interface Pairs {
  /** The pairs of token b are those from `starts[b]` to before `starts[b + 1]`. */
  readonly starts: Uint32Array;
  /** Of each pair: its prototype, and q_nk and w_nk of docs/math.md section 3. */
  readonly prototypes: Uint32Array;
  readonly q: Float64Array;
  readonly w: Float64Array;
}

/** The vectors of some tokens in the frame of a state, [tokens, m]: one pass over the source. */
export async function keepRows(
  source: TokenSource,
  { dimension, dtype, frame }: PrototypeState,
  tokens: readonly number[],
  signal: AbortSignalLike | undefined,
): Promise<Float32Array | Float64Array> {
  const size = tokens.length * dimension;
  const kept = dtype === 'float32' ? new Float32Array(size) : new Float64Array(size);
  let [next, first] = [0, 0];
  if (tokens.length === 0) return kept;
  for await (const { data, rows } of source.blocks('stored')) {
    throwIfAborted(signal);
    for (; next < tokens.length && tokens[next]! < first + rows; next++)
      mapRows(data, (tokens[next]! - first) * dimension, kept, next * dimension, 1, frame.offset, 1 / frame.scale);
    if (next === tokens.length) break;
    first += rows;
  }
  return kept;
}

/** Pairs with q and w in float64, whatever the backend's precision. Prototypes without a pair of a token have q = 0 there. */
export function pairsOf(
  state: PrototypeState,
  vectors: Float32Array | Float64Array,
  starts: Uint32Array,
  prototypes: Uint32Array,
): Pairs {
  const [q, w] = [new Float64Array(prototypes.length), new Float64Array(prototypes.length)];
  const pairs = { starts, prototypes, q, w };
  const places = toFrame(state.absolute, state.frame);
  const temperature = state.temperature / state.frame.scale ** 2;
  for (let token = 0; token + 1 < starts.length; token++)
    assignToken(pairs, token, vectors, places, temperature, state.dimension);
  return pairs;
}

/**
 * Writes q and w of the pairs of a token for prototypes [K, m] at a temperature, all in the frame.
 *
 * @returns by how much its second prototype is farther than its nearest one, in squared distance; Infinity where it has one alone
 */
export function assignToken(
  { starts, prototypes, q, w }: Pairs,
  token: number,
  vectors: Float32Array | Float64Array,
  places: Float64Array,
  temperature: number,
  dimension: number,
): number {
  const [start, end] = [starts[token]!, starts[token + 1]!];
  let [least, second] = [Infinity, Infinity];
  // w keeps the distances until it is known.
  for (let pair = start; pair < end; pair++) {
    const own = squaredDistance(vectors, token * dimension, places, prototypes[pair]! * dimension, dimension);
    w[pair] = own;
    if (own < least) [least, second] = [own, least];
    else if (own < second) second = own;
  }
  let [total, error] = [0, 0];
  for (let pair = start; pair < end; pair++) total += q[pair] = Math.exp((least - w[pair]!) / temperature);
  for (let pair = start; pair < end; pair++) error += (q[pair]! /= total) * w[pair]!;
  for (let pair = start; pair < end; pair++) w[pair] = q[pair]! * (1 - (w[pair]! - error) / temperature);
  return second - least;
}
