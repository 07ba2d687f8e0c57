import { create, toBinary } from '@bufbuild/protobuf';
import type { OnnxGraph } from './graph.ts';
import { ModelProtoSchema, type ModelProto } from './onnx_pb.ts';

export interface ModelDetails {
  /** Name of the graph. */
  readonly name: string;
  /** Texts that readers of the file can look up, such as the number of prototypes. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The IR version that came with each opset that we write; a higher one would shut out older readers. */
function irVersion(opset: number): bigint {
  return opset <= 14 ? 7n : opset <= 18 ? 8n : 9n;
}

/** A graph as a model. */
export function modelProto(graph: OnnxGraph, { name, metadata = {} }: ModelDetails): ModelProto {
  return create(ModelProtoSchema, {
    irVersion: irVersion(graph.opset),
    producerName: 'ddcl',
    opsetImport: [
      { domain: '', version: BigInt(graph.opset) },
      ...graph.domains.map((domain) => ({ domain, version: 1n })),
    ],
    graph: graph.proto(name),
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
}

/** A model as the bytes of an `.onnx` file. */
export function modelBytes(model: ModelProto): Uint8Array {
  return toBinary(ModelProtoSchema, model);
}
