import { fromBinary } from '@bufbuild/protobuf';
import { DdclError } from '@ddcl/core/backend';
import {
  ModelProtoSchema,
  TensorProto_DataLocation as DataLocation,
  type ModelProto,
  type TensorProto,
} from '../onnx/onnx_pb.ts';

/** A part of a file beside the model that holds a tensor's elements. */
interface ExternalData {
  /** Path relative to the model's folder, inside it. */
  readonly location: string;
  /** In bytes, from the start of the file. */
  readonly offset: number;
  /** In bytes; undefined up to the end of the file. */
  readonly length: number | undefined;
}

/** Bytes of files beside the model by their places, as {@link externalFiles} names them. */
export type ExternalFiles = ReadonlyMap<string, Uint8Array>;

/** What a message may hold: others, and fields that this version of the format does not know. */
interface Message {
  readonly $typeName?: string;
  readonly $unknown?: readonly { readonly no: number; readonly wireType: number }[];
}

/** Wire types of protobuf that can hold a message: a length and bytes, and a group. */
const nesting: readonly number[] = [2, 3];

/**
 * Every tensor of a model, wherever the format has room for one: graphs, graphs in nodes, functions, sparse tensors, attributes, training.
 *
 * @throws DdclError `unsupported` for a field that is not known and may hold one: a runtime that knows it could read a file that nobody saw
 */
function* tensorsOf(model: ModelProto): Generator<TensorProto> {
  // A list of its own and no recursion: a file decides how deep graphs are nested.
  const open: object[] = [model];
  for (let message = open.pop(); message !== undefined; message = open.pop()) {
    const { $typeName: type, $unknown: unknown } = message as Message;
    if (type === 'onnx.TensorProto') yield message as TensorProto;
    const field = unknown?.find(({ wireType }) => nesting.includes(wireType));
    if (field !== undefined) {
      throw new DdclError(
        'unsupported',
        `The model has a part that this version does not know: field ${field.no} of ${type ?? 'a message'}. Save it with an older version of ONNX.`,
      );
    }
    for (const [name, value] of Object.entries(message)) {
      // Numbers by the million are in lists of their own.
      const isNested = typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && name !== '$unknown';
      if (isNested && !(Array.isArray(value) && typeof value[0] !== 'object')) open.push(value as object);
    }
  }
}

/**
 * Where a tensor's elements lie.
 * @throws DdclError `format` for a place outside the model's folder: a file from elsewhere must not choose what is read
 */
function placeOf(tensor: TensorProto): ExternalData {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  const parts = location.split(/[/\\]/);
  if (location === '' || /^([/\\]|[A-Za-z]:)/.test(location) || parts.includes('..')) {
    throw new DdclError(
      'format',
      `The tensor '${tensor.name}' has its elements in '${location}', which is not inside the model's folder. Only files there are read; save the model again with its weights beside it.`,
    );
  }
  const bytes = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
    throw new DdclError('format', `The tensor '${tensor.name}' has ${key} '${text}', which is not a number of bytes.`);
  };
  return { location, offset: bytes('offset') ?? 0, length: bytes('length') };
}

const externalTensors = (model: ModelProto): TensorProto[] =>
  [...tensorsOf(model)].filter((tensor) => tensor.dataLocation === DataLocation.EXTERNAL);

/**
 * Files beside an ONNX model that hold elements of its tensors, relative to its folder and sorted.
 * @throws DdclError `format` for bytes that are not an ONNX model, and for a place outside the model's folder; `unsupported` for parts that are not known
 */
export function externalFiles(bytes: Uint8Array): string[] {
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new DdclError('format', 'This is not an ONNX model.', { cause });
  }
  return [...new Set(externalTensors(model).map((tensor) => placeOf(tensor).location))].sort();
}

/**
 * Puts elements that lie in other files into the model.
 * @throws DdclError `format` for a place outside the model's folder or a part that is too short; `argument` for a file that is not given
 */
export function embedExternalData(model: ModelProto, files: ExternalFiles = new Map()): void {
  for (const tensor of externalTensors(model)) {
    const place = placeOf(tensor);
    const file = files.get(place.location);
    if (file === undefined) {
      throw new DdclError(
        'argument',
        `The model has weights in the file '${place.location}' beside it. Pass its bytes: external: new Map([['${place.location}', bytes]]); externalFiles(model) names all such files.`,
      );
    }
    const bytes = file.subarray(place.offset, place.length === undefined ? undefined : place.offset + place.length);
    if (place.length !== undefined && bytes.length !== place.length) {
      throw new DdclError(
        'format',
        `The tensor '${tensor.name}' needs ${place.length} bytes from ${place.offset} of '${place.location}', but there are ${bytes.length}.`,
      );
    }
    tensor.rawData = bytes;
    tensor.externalData = [];
    tensor.dataLocation = DataLocation.DEFAULT;
  }
}
