import { create, fromBinary } from '@bufbuild/protobuf';
import type { DdclModel } from '@ddcl/core/fit';
import { DdclError } from '@ddcl/core/backend';
import { cast } from '../emit/emitter.ts';
import { OnnxGraph, type OnnxName } from '../onnx/graph.ts';
import { modelBytes } from '../onnx/model.ts';
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type GraphProto,
  type ModelProto,
  type ValueInfoProto,
} from '../onnx/onnx_pb.ts';
import { emitReadout, readoutShape, type Pooling } from './emit-readout.ts';
import { embedExternalData, type ReadExternal } from './external-data.ts';
import { readoutMetadata } from './export-readout.ts';
import { checkReadoutOptions, isPooled, type ReadoutOptions } from './readout-options.ts';

export interface AppendOptions extends ReadoutOptions {
  /** The encoder's output of token vectors, [batch, sequence, m]. Default: its only one of that width. */
  readonly output?: string;
  /**
   * The encoder's input that is 1 for tokens and 0 for padding, [batch, sequence], for the pooled forms. Default
   * `attention_mask` if there is one; else all tokens count.
   */
  readonly mask?: string;
  /** Reads weights that lie beside the model; they become part of the result. */
  readonly readExternal?: ReadExternal;
}

/** Sizes of a value; undefined where the model does not say. */
function shapeOf({ type }: ValueInfoProto): (number | undefined)[] | undefined {
  if (type?.value.case !== 'tensorType') return undefined;
  return type.value.value.shape?.dim.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : undefined));
}

function describe(values: readonly ValueInfoProto[]): string {
  return values
    .map((value) => `${value.name} [${(shapeOf(value) ?? []).map((size) => size ?? '?').join(', ')}]`)
    .join(', ');
}

/** @throws DdclError `format` for bytes that are not an ONNX model */
function parse(bytes: Uint8Array): { model: ModelProto; graph: GraphProto; opset: number } {
  let model: ModelProto | undefined;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new DdclError('format', 'The encoder is not an ONNX model. Give the bytes of an .onnx file.', { cause });
  }
  const opset = Number(model.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0n);
  if (model.graph === undefined || opset === 0) {
    throw new DdclError(
      'format',
      'The encoder is not an ONNX model: it has no graph. Give the bytes of an .onnx file.',
    );
  }
  if (opset < 11) {
    throw new DdclError(
      'unsupported',
      `The encoder has ONNX opset ${opset}; a readout needs 11. Export it again with 17.`,
    );
  }
  return { model, graph: model.graph, opset };
}

/** @throws DdclError `argument` if the output is not there, `shape` if it is not [batch, sequence, m] */
function findTokens(graph: GraphProto, name: string | undefined, dimension: number): ValueInfoProto {
  const wide = graph.output.filter((value) => {
    const shape = shapeOf(value);
    return shape?.length === 3 && (shape[2] === undefined || shape[2] === dimension);
  });
  const found =
    name === undefined ? (wide.length === 1 ? wide[0] : undefined) : graph.output.find((value) => value.name === name);
  if (found === undefined) {
    throw new DdclError(
      'argument',
      `The encoder has ${name === undefined ? `${wide.length} outputs of token vectors [batch, sequence, ${dimension}]` : `no output '${name}'`}; it has ${describe(graph.output)}. Name the right one as 'output'.`,
    );
  }
  const shape = shapeOf(found);
  if (shape === undefined || (shape.length === 3 && (shape[2] === undefined || shape[2] === dimension))) return found;
  throw new DdclError(
    'shape',
    `The readout has dimension ${dimension}, but the encoder's output ${describe([found])} is not [batch, sequence, ${dimension}]. Use the encoder that the readout was fitted on.`,
    { shapes: [shape.map((size) => size ?? '?')] },
  );
}

/** @throws DdclError `argument` if a named mask is not there */
function findMask(graph: GraphProto, name: string | undefined): OnnxName | undefined {
  const input = graph.input.find((value) => value.name === (name ?? 'attention_mask'));
  if (input !== undefined || name === undefined) return input?.name;
  throw new DdclError('argument', `The encoder has no input '${name}'; it has ${describe(graph.input)}.`);
}

/** Each row of the batch is a segment; `weights` [batch, 1, sequence] are 1 for tokens and 0 for padding. */
function batchPooling(graph: OnnxGraph, tokens: OnnxName, mask: OnnxName | undefined): Pooling {
  const one = graph.node('Slice', [tokens, graph.int64s([0]), graph.int64s([1]), graph.int64s([2])]);
  const flat = graph.node('Reshape', [one, graph.int64s([0, 1, -1])]);
  // Without a mask: x * 0 + 1 has the right sizes and the value 1.
  const weights =
    mask === undefined
      ? graph.node('Add', [graph.node('Mul', [flat, graph.float(0)]), graph.float(1)])
      : graph.node('Reshape', [cast(graph, mask, 'float32'), graph.int64s([0, 1, -1])]);
  return {
    mass: (q) => graph.reduce('ReduceSum', graph.node('MatMul', [weights, q]), [1], false),
    weight: () => graph.reduce('ReduceSum', weights, [2], false),
    sums(q, framed) {
      const column = graph.node('Transpose', [weights], { perm: { ints: [0, 2, 1] } });
      const weighted = graph.node('Transpose', [graph.node('Mul', [q, column])], { perm: { ints: [0, 2, 1] } });
      return graph.node('MatMul', [weighted, framed]);
    },
  };
}

/**
 * One model from token ids to readout: an encoder's `.onnx` with the readout appended to its output of token vectors [batch, sequence, m].
 * The result has the encoder's inputs and one output, named after the readout: [batch, sequence, ...] per token, [batch, ...]
 * pooled. Weights beside the encoder become part of it.
 *
 * @throws DdclError `format` for bytes that are not ONNX or weights outside the encoder's folder; `argument` for an output or mask
 *   that is not there; `shape` for another dimension; `unsupported` for an opset below 11
 */
export async function appendReadout(
  encoder: Uint8Array,
  readout: DdclModel,
  options: AppendOptions = {},
): Promise<Uint8Array> {
  checkReadoutOptions(options);
  const { what = 'outputs', fused = false } = options;
  if (fused) throw new DdclError('argument', 'appendReadout writes standard ops. Leave fused out.');
  const { model, graph: target, opset } = parse(encoder);
  const tokens = findTokens(target, options.output, readout.dimension);
  const mask = findMask(target, options.mask);
  await embedExternalData(model, options.readExternal);

  const graph = new OnnxGraph({ opset, prefix: freePrefix(target) });
  const pooling = isPooled(what) ? batchPooling(graph, tokens.name, mask) : undefined;
  const value = emitReadout(graph, tokens.name, readout, options, 3, pooling);
  const name = target.input.some((input) => input.name === what) ? `ddcl_${what}` : what;
  if (target.node.some((node) => node.output.includes(name))) {
    throw new DdclError('argument', `The encoder has a value named '${name}' already. Rename it.`);
  }
  graph.rename(value, name);
  graph.output(
    name,
    what === 'codes' ? 'int32' : 'float32',
    readoutShape(what, readout, ['batch_size', 'sequence_length'], 'batch_size'),
  );

  const added = graph.proto('readout');
  target.node.push(...added.node);
  target.initializer.push(...added.initializer);
  target.output = added.output;
  for (const [key, text] of Object.entries(readoutMetadata(readout, options))) {
    model.metadataProps.push(create(StringStringEntryProtoSchema, { key, value: text }));
  }
  return modelBytes(model);
}

/** A first part of names that no name of the model starts with. */
function freePrefix(graph: GraphProto): string {
  const names = [
    ...graph.initializer.map(({ name }) => name),
    ...graph.node.flatMap(({ name, output }) => [name, ...output]),
  ];
  let prefix = 'ddcl/';
  while (names.some((name) => name.startsWith(prefix))) prefix = `ddcl_${prefix}`;
  return prefix;
}
