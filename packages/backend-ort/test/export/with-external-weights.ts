import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation as DataLocation,
} from '../../src/onnx/onnx_pb.ts';

/** An ONNX model whose larger weights lie one after another in a file beside it, as exporters of large models write it. */
export function withExternalWeights(
  bytes: Uint8Array,
  location: string,
): { readonly model: Uint8Array; readonly weights: Uint8Array } {
  const model = fromBinary(ModelProtoSchema, bytes);
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const tensor of model.graph!.initializer) {
    if (tensor.rawData.length < 64) continue;
    const entries = { location, offset: String(offset), length: String(tensor.rawData.length) };
    parts.push(tensor.rawData);
    offset += tensor.rawData.length;
    tensor.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
    tensor.dataLocation = DataLocation.EXTERNAL;
    tensor.rawData = new Uint8Array(0);
  }
  const weights = new Uint8Array(offset);
  let at = 0;
  for (const part of parts) {
    weights.set(part, at);
    at += part.length;
  }
  return { model: toBinary(ModelProtoSchema, model), weights };
}
