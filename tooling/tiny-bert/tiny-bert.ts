import { bertModel } from './bert-graph.ts';
import { bertWeights, layerNormEpsilon, type BertSizes } from './bert-weights.ts';
import { tokenizerFiles, vocabulary } from './word-piece.ts';

export interface TinyBertOptions extends Partial<Omit<BertSizes, 'vocabulary'>> {
  /** Of the weights. Default 0. */
  readonly seed?: number;
}

/** An encoder as it is published for transformers.js, in memory. */
export interface TinyBert extends BertSizes {
  /** By path inside the model's folder; texts are JSON. */
  readonly files: Readonly<Record<string, Uint8Array | string>>;
}

/** The sizes if nothing is asked for: a quarter of a millisecond per sentence. */
export function bertSizes(options: TinyBertOptions = {}): BertSizes {
  const { hidden = 32, layers = 2, heads = 2, intermediate = 2 * hidden, maxPositions = 64 } = options;
  return { vocabulary: vocabulary.length, hidden, layers, heads, intermediate, maxPositions };
}

/**
 * A small BERT with random weights and a tokenizer for English letters: what tests use as an encoder without any download. The same
 * options give the same bytes on every machine. Pure: it can run in a page too.
 */
export function tinyBert(options: TinyBertOptions = {}): TinyBert {
  const sizes = bertSizes(options);
  const config = {
    architectures: ['BertModel'],
    model_type: 'bert',
    hidden_act: 'gelu',
    hidden_size: sizes.hidden,
    intermediate_size: sizes.intermediate,
    layer_norm_eps: layerNormEpsilon,
    max_position_embeddings: sizes.maxPositions,
    num_attention_heads: sizes.heads,
    num_hidden_layers: sizes.layers,
    pad_token_id: 0,
    position_embedding_type: 'absolute',
    type_vocab_size: 2,
    vocab_size: sizes.vocabulary,
  };
  return {
    ...sizes,
    files: {
      'config.json': JSON.stringify(config),
      ...tokenizerFiles(sizes.maxPositions),
      'onnx/model.onnx': bertModel(sizes, bertWeights(sizes, options.seed ?? 0)),
    },
  };
}
