import { createRandom } from '../../packages/core/src/random/random.ts';

/** Sizes of a BERT. */
export interface BertSizes {
  readonly vocabulary: number;
  /** Width of token vectors, a multiple of `heads`. */
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of the feed-forward part. */
  readonly intermediate: number;
  /** The longest sequence, special tokens included. */
  readonly maxPositions: number;
}

export interface Weight {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Weights by the names of the library `transformers`; matrices are [in, out], so that `x W` is a layer. */
export type BertWeights = Readonly<Record<string, Weight>>;

/** Small enough to keep a variance of 0 from becoming a division by 0: BERT's own. */
export const layerNormEpsilon = 1e-12;

/**
 * Random weights, the same bits everywhere for the same seed. Each layer keeps the scale of what goes through it, so that token
 * vectors depend on all parts: the word, its position, and its context.
 */
export function bertWeights(sizes: BertSizes, seed: number): BertWeights {
  const { vocabulary, hidden, layers, intermediate, maxPositions } = sizes;
  const random = createRandom(seed);
  const weights: Record<string, Weight> = {};
  const add = (name: string, shape: readonly number[], deviation: number, mean = 0): void => {
    // A stream per weight: another number of layers leaves the rest as it is.
    const stream = random.fork(name);
    const length = shape.reduce((product, size) => product * size, 1);
    weights[name] = { shape, data: Float32Array.from({ length }, () => mean + deviation * stream.normal()) };
  };
  const linear = (name: string, from: number, to: number): void => {
    add(`${name}.weight`, [from, to], 1 / Math.sqrt(from));
    add(`${name}.bias`, [to], 0.1);
  };
  const norm = (name: string): void => {
    add(`${name}.weight`, [hidden], 0.1, 1);
    add(`${name}.bias`, [hidden], 0.1);
  };
  add('embeddings.word_embeddings.weight', [vocabulary, hidden], 1);
  add('embeddings.position_embeddings.weight', [maxPositions, hidden], 0.3);
  add('embeddings.token_type_embeddings.weight', [2, hidden], 0.3);
  norm('embeddings.LayerNorm');
  for (let layer = 0; layer < layers; layer++) {
    const name = `encoder.layer.${layer}`;
    for (const part of ['query', 'key', 'value']) linear(`${name}.attention.self.${part}`, hidden, hidden);
    linear(`${name}.attention.output.dense`, hidden, hidden);
    norm(`${name}.attention.output.LayerNorm`);
    linear(`${name}.intermediate.dense`, hidden, intermediate);
    linear(`${name}.output.dense`, intermediate, hidden);
    norm(`${name}.output.LayerNorm`);
  }
  return weights;
}
