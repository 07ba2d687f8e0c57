import { create, fromBinary } from '@bufbuild/protobuf';
import { DdclError, type NamedProgram } from '@ddcl/core/backend';
import { emitProgram } from '../emit/emit-program.ts';
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
import { embedExternalData, type ExternalFiles } from './external-data.ts';

export interface AppendOptions {
  /** The encoder's output of token vectors, [batch, sequence, m]. Default: its only one of that width. */
  readonly output?: string;
  /**
   * The encoder's input that is 1 for tokens and 0 for padding, [batch, sequence], for outputs of documents. Default
   * `attention_mask` if there is one; else all tokens count.
   */
  readonly mask?: string;
  /** Bytes of the files beside the model that hold its weights, as `externalFiles` names them; they become part of the result. */
  readonly external?: ExternalFiles;
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

/**
 * One model from token ids to readout: an encoder's `.onnx` with a readout appended to its output of token vectors [batch, sequence, m].
 * The result has the encoder's inputs and the readout's outputs: [batch, sequence, ...] per token, [batch, ...] per document. Ops are
 * standard ones. Weights beside the encoder become part of it.
 *
 * @param readout core's `readoutProgram` with the layout `padded`
 * @throws DdclError `format` for bytes that are not ONNX or weights outside the encoder's folder; `argument` for a program that takes
 *   something else, and for an output, a mask or a file of weights that is not there; `shape` for another dimension; `unsupported` for an opset below 11
 */
export function appendReadout(encoder: Uint8Array, readout: NamedProgram, options: AppendOptions = {}): Uint8Array {
  const { program, inputs, outputs, metadata = {} } = readout;
  const [type, maskType] = program.parameters;
  if (type?.shape.length !== 3 || inputs.some((name) => name !== 'tokens' && name !== 'mask')) {
    throw new DdclError(
      'argument',
      `An encoder gives tokens [batch, sequence, m] and a mask, but '${program.name}' takes ${inputs.join(' and ')} of other shapes. Make it with layout: 'padded'.`,
    );
  }
  const { model, graph: target, opset } = parse(encoder);
  const tokens = findTokens(target, options.output, type.shape[2] as number).name;
  const mask = findMask(target, options.mask);
  embedExternalData(model, options.external);

  const graph = new OnnxGraph({ opset, prefix: freePrefix(target) });
  const values = [tokens, ...(maskType === undefined ? [] : [emitMask(graph, tokens, mask)])];
  const names = outputs.map((output) => {
    const name = target.input.some((input) => input.name === output) ? `ddcl_${output}` : output;
    if (!target.node.some((node) => node.output.includes(name))) return name;
    throw new DdclError('argument', `The encoder has a value named '${name}' already. Rename it.`);
  });
  emitProgram(program, { tiled: false, into: { graph, values, sizes: new Map() }, outputs: names });

  const added = graph.proto('readout');
  target.node.push(...added.node);
  target.initializer.push(...added.initializer);
  target.output = added.output;
  for (const [key, value] of Object.entries(metadata))
    model.metadataProps.push(create(StringStringEntryProtoSchema, { key, value }));
  return modelBytes(model);
}

/** The mask as float32; without one, ones for all tokens. */
function emitMask(graph: OnnxGraph, tokens: OnnxName, mask: OnnxName | undefined): OnnxName {
  if (mask !== undefined) return cast(graph, mask, 'float32');
  const sizes = graph.node('Slice', [graph.node('Shape', [tokens]), graph.int64s([0]), graph.int64s([2])]);
  return graph.node('Expand', [graph.float(1), sizes]);
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
