import type { AbortSignalLike } from '../abort/abort-signal.ts';
import { nearest } from '../ddcl/nearest.ts';
import { squaredDistance } from '../linalg/squared-distance.ts';
import { toFrame, type PrototypeState } from '../measure/prototype-state.ts';
import type { TokenPass } from '../pass/token-pass.ts';
import { tokenProgram } from '../pass/token-program.ts';
import { tensorType } from '../program/tensor-type.ts';

/** Prototypes of a token that the backend finds; where all of them are very near, the host looks at the others. */
const candidates = 4;
/** They are so near that others beyond them may matter, where the last is within this share of the margin. */
const crowdedShare = 0.4;
/** Numbers (tokens with many near prototypes x K x m) that the host goes over for that, and (listed tokens x m) that are kept, at most. */
const [crowdedNumbers, keptNumbers] = [2 ** 27, 2 ** 25];

/** Tokens that lie so near a boundary that they may cross it, with the prototypes near them in compressed rows. */
export interface NearTokens {
  /** Their numbers in the pass, ascending. */
  readonly tokens: readonly number[];
  readonly starts: Uint32Array;
  readonly prototypes: Uint32Array;
  /** [listed tokens, m], in the frame. */
  readonly vectors: Float32Array | Float64Array;
  /** The prototype nearest to each token of the pass, listed or not. */
  readonly nearest: Int32Array;
  /** Weights of all tokens of the pass. */
  readonly weights: Float64Array;
}

/** Vectors of tokens by their numbers in a pass, which ascend: [tokens, m], in the frame. */
export type VectorsOf = (tokens: readonly number[]) => Promise<Float32Array | Float64Array>;

/**
 * Finds tokens near boundaries again and again, as prototypes move. One pass each; vectors that were listed before are not read again.
 *
 * @param margin prototypes are near a token where they are at most so much farther than its nearest one, in squared distance in the frame
 * @returns undefined for too many
 */
export async function nearTokenFinder(
  pass: TokenPass,
  vectorsOf: VectorsOf,
  { count, dimension, dtype }: PrototypeState,
  margin: number,
): Promise<
  (state: PrototypeState, before: NearTokens | undefined, signal?: AbortSignalLike) => Promise<NearTokens | undefined>
> {
  const most = Math.min(count, candidates);
  const program = await pass.compile(
    tokenProgram('near', [tensorType(dtype, [count, dimension])], (tokens, _weights, prototypes) => {
      const { indices, distances } = nearest({ tokens, prototypes }, most);
      return { perToken: [indices, distances] };
    }),
  );
  return async (state, before, signal) => {
    const tokens: number[] = [];
    const found: number[] = [];
    const starts = [0];
    const own: number[] = [];
    const weights: number[] = [];
    /** Places in the list. */
    const crowded = new Set<number>();
    for await (const { first, rows, tokenWeights, perToken } of program.blocks([state.inputs()[0]], { signal })) {
      const [indices, distances] = perToken as [Int32Array, Float32Array | Float64Array];
      for (let row = 0; row < rows; row++) {
        const at = row * most;
        own.push(indices[at]!);
        weights.push(tokenWeights[row]!);
        if (tokenWeights[row] === 0) continue;
        const farthest = distances[at]! + margin;
        let end = 1;
        while (end < most && distances[at + end]! < farthest) end++;
        // One that went over at once is listed too, for its vector.
        const isNew = before !== undefined && before.nearest[first + row] !== indices[at];
        if (end === 1 && !isNew) continue;
        if (most < count && distances[at + most - 1]! < distances[at]! + crowdedShare * margin)
          crowded.add(tokens.length);
        for (let place = at; place < at + end; place++) found.push(indices[place]!);
        tokens.push(first + row);
        starts.push(found.length);
      }
      if (tokens.length * dimension > keptNumbers || crowded.size * count * dimension > crowdedNumbers)
        return undefined;
    }
    const vectors = await keepVectors(tokens, before, dimension, vectorsOf);
    const list = { tokens, vectors, nearest: Int32Array.from(own), weights: Float64Array.from(weights) };
    if (crowded.size === 0) return { ...list, starts: Uint32Array.from(starts), prototypes: Uint32Array.from(found) };
    const places = toFrame(state.absolute, state.frame);
    const distances = new Float64Array(count);
    const [allStarts, all] = [[0], [] as number[]];
    tokens.forEach((_, index) => {
      if (crowded.has(index)) {
        for (let k = 0; k < count; k++)
          distances[k] = squaredDistance(vectors, index * dimension, places, k * dimension, dimension);
        const farthest = Math.min(...distances) + margin;
        for (let k = 0; k < count; k++) if (distances[k]! < farthest) all.push(k);
      } else for (let pair = starts[index]!; pair < starts[index + 1]!; pair++) all.push(found[pair]!);
      allStarts.push(all.length);
    });
    return { ...list, starts: Uint32Array.from(allStarts), prototypes: Uint32Array.from(all) };
  };
}

/** Vectors of tokens, of which those that were listed before are at hand. */
async function keepVectors(
  tokens: readonly number[],
  before: NearTokens | undefined,
  dimension: number,
  vectorsOf: VectorsOf,
): Promise<Float32Array | Float64Array> {
  if (before === undefined) return vectorsOf(tokens);
  const old = new Map(before.tokens.map((token, index) => [token, index]));
  const read = await vectorsOf(tokens.filter((token) => !old.has(token)));
  const vectors =
    read instanceof Float32Array
      ? new Float32Array(tokens.length * dimension)
      : new Float64Array(tokens.length * dimension);
  let next = 0;
  tokens.forEach((token, index) => {
    const at = old.get(token);
    const [from, start] = at === undefined ? ([read, next++] as const) : ([before.vectors, at] as const);
    vectors.set(from.subarray(start * dimension, (start + 1) * dimension), index * dimension);
  });
  return vectors;
}
