import { create } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType as AttributeType, AttributeProtoSchema, type AttributeProto } from './onnx_pb.ts';
import type { GraphProto, TensorProto } from './onnx_pb.ts';

/** A node's attribute, tagged with its ONNX type: JavaScript has one number type, ONNX tells 1 from 1.0. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly text: string }
  | { readonly tensor: TensorProto }
  | { readonly graph: GraphProto };

export type OnnxAttributes = Readonly<Record<string, OnnxAttribute>>;

/** An attribute as protobuf message. */
export function attributeProto(name: string, value: OnnxAttribute): AttributeProto {
  if ('int' in value) {
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value.int) });
  }
  if ('float' in value) return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  if ('ints' in value) {
    return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.ints.map(BigInt) });
  }
  if ('text' in value) {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      // Our own texts are ASCII.
      s: Uint8Array.from(value.text, (letter) => letter.charCodeAt(0)),
    });
  }
  if ('tensor' in value) return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: value.tensor });
  return create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: value.graph });
}
