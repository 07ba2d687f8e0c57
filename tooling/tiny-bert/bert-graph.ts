import { OnnxGraph, type OnnxName } from '../../packages/backend-ort/src/onnx/graph.ts';
import { modelBytes, modelProto } from '../../packages/backend-ort/src/onnx/model.ts';
import { layerNormEpsilon, type BertSizes, type BertWeights } from './bert-weights.ts';

/** Added to the score of padding: its share of the attention is 0 in float32. */
const masked = -1e9;

/**
 * BERT (Devlin et al., arXiv 1810.04805) as the bytes of an `.onnx` file, as exporters for transformers.js write it: inputs
 * `input_ids`, `attention_mask`, `token_type_ids` int64 [batch, sequence], output `last_hidden_state` float32 [batch, sequence, hidden].
 */
export function bertModel(sizes: BertSizes, weights: BertWeights): Uint8Array {
  const { hidden, heads, layers } = sizes;
  const width = hidden / heads;
  const graph = new OnnxGraph();
  const [ids, mask, types] = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
    graph.input(name, 'int64', ['batch_size', 'sequence_length']),
  ) as [OnnxName, OnnxName, OnnxName];
  const weight = (name: string): OnnxName => {
    const { shape, data } = weights[name]!;
    return graph.constant('float32', shape, data);
  };
  const add = (a: OnnxName, b: OnnxName): OnnxName => graph.node('Add', [a, b]);
  const linear = (x: OnnxName, name: string): OnnxName =>
    add(graph.node('MatMul', [x, weight(`${name}.weight`)]), weight(`${name}.bias`));
  const norm = (x: OnnxName, name: string): OnnxName =>
    graph.node(
      'LayerNormalization',
      [x, weight(`${name}.weight`), weight(`${name}.bias`)],
      { axis: { int: -1 }, epsilon: { float: layerNormEpsilon } },
      { since: 17 },
    );
  const gelu = (x: OnnxName): OnnxName => {
    const error = graph.node('Erf', [graph.node('Mul', [x, graph.float(Math.SQRT1_2)])]);
    return graph.node('Mul', [graph.node('Mul', [x, graph.float(0.5)]), add(error, graph.float(1))]);
  };
  /** [batch, sequence, hidden] as [batch, heads, ...]; `order` puts the axes of sequence and width. */
  const split = (x: OnnxName, order: readonly number[]): OnnxName =>
    graph.node('Transpose', [graph.node('Reshape', [x, graph.int64s([0, 0, heads, width])])], {
      perm: { ints: [0, 2, ...order] },
    });

  const length = graph.node('Slice', [graph.node('Shape', [ids]), graph.int64s([1]), graph.int64s([2])]);
  const positions = graph.node('Slice', [weight('embeddings.position_embeddings.weight'), graph.int64s([0]), length]);
  const words = graph.node('Gather', [weight('embeddings.word_embeddings.weight'), ids]);
  const kinds = graph.node('Gather', [weight('embeddings.token_type_embeddings.weight'), types]);
  const isPadding = graph.node('Sub', [
    graph.float(1),
    graph.node('Cast', [graph.node('Unsqueeze', [mask, graph.int64s([1, 2])], {}, { since: 13 })], { to: { int: 1 } }),
  ]);
  const bias = graph.node('Mul', [isPadding, graph.float(masked)]);

  let x = norm(add(add(words, kinds), positions), 'embeddings.LayerNorm');
  for (let layer = 0; layer < layers; layer++) {
    const name = `encoder.layer.${layer}`;
    graph.label = name;
    const [query, key, value] = ['query', 'key', 'value'].map((part) =>
      linear(x, `${name}.attention.self.${part}`),
    ) as [OnnxName, OnnxName, OnnxName];
    const products = graph.node('MatMul', [split(query, [1, 3]), split(key, [3, 1])]);
    const scores = add(graph.node('Mul', [products, graph.float(1 / Math.sqrt(width))]), bias);
    const shares = graph.node('Softmax', [scores], { axis: { int: -1 } }, { since: 13 });
    const attended = graph.node('Transpose', [graph.node('MatMul', [shares, split(value, [1, 3])])], {
      perm: { ints: [0, 2, 1, 3] },
    });
    const joined = graph.node('Reshape', [attended, graph.int64s([0, 0, hidden])]);
    x = norm(add(linear(joined, `${name}.attention.output.dense`), x), `${name}.attention.output.LayerNorm`);
    const inner = gelu(linear(x, `${name}.intermediate.dense`));
    x = norm(add(linear(inner, `${name}.output.dense`), x), `${name}.output.LayerNorm`);
  }
  graph.rename(x, 'last_hidden_state');
  graph.output('last_hidden_state', 'float32', ['batch_size', 'sequence_length', hidden]);
  return modelBytes(modelProto(graph, { name: 'tiny-bert' }));
}
