import { DdclError } from '@ddcl/core';

/** Fields of onnx.proto on the way to the places of external data, by message. */
const model = { graph: 7 } as const;
const graphFields = { node: 1, initializer: 5, sparse: 15 } as const;
const attributeFields = { tensor: 5, graph: 6, tensors: 10, graphs: 11, sparse: 22, sparses: 23 } as const;
const nodeAttribute = 5;
const sparseParts: readonly number[] = [1, 2];
const tensorExternal = 13;

/** Calls `visit` with every length-delimited field of a protobuf message (wire format: protobuf.dev/programming-guides/encoding). */
function eachField(bytes: Uint8Array, visit: (field: number, content: Uint8Array) => void): void {
  let place = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[place++];
      if (byte === undefined) throw new RangeError('the message ends in a number');
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (place < bytes.length) {
    const key = varint();
    const wire = key % 8;
    if (wire === 0) varint();
    else if (wire === 1) place += 8;
    else if (wire === 5) place += 4;
    else if (wire === 2) {
      const length = varint();
      if (place + length > bytes.length) throw new RangeError('a field ends after its message');
      visit(Math.floor(key / 8), bytes.subarray(place, place + length));
      place += length;
    } else throw new RangeError(`a field of wire type ${wire}`);
  }
}

/**
 * Files beside an ONNX model that hold its weights (`external_data` of onnx.proto), relative to its folder and sorted. Weights inside
 * the model are skipped over, not read.
 *
 * @throws DdclError `format` for bytes that are not ONNX, and for a place outside the model's folder: a file from elsewhere
 *   must not choose what is read
 */
export function externalFiles(bytes: Uint8Array, path: string): string[] {
  const found = new Set<string>();
  const decoder = new TextDecoder();
  const inTensor = (tensor: Uint8Array): void =>
    eachField(tensor, (field, entry) => {
      if (field !== tensorExternal) return;
      const texts = ['', ''];
      eachField(entry, (part, text) => (texts[part - 1] = decoder.decode(text)));
      if (texts[0] === 'location') found.add(texts[1]!);
    });
  const inSparse = (sparse: Uint8Array): void =>
    eachField(sparse, (field, tensor) => sparseParts.includes(field) && inTensor(tensor));
  const inAttribute = (attribute: Uint8Array): void =>
    eachField(attribute, (field, content) => {
      if (field === attributeFields.tensor || field === attributeFields.tensors) inTensor(content);
      if (field === attributeFields.graph || field === attributeFields.graphs) inGraph(content);
      if (field === attributeFields.sparse || field === attributeFields.sparses) inSparse(content);
    });
  const inGraph = (graph: Uint8Array): void =>
    eachField(graph, (field, content) => {
      if (field === graphFields.initializer) inTensor(content);
      if (field === graphFields.sparse) inSparse(content);
      if (field !== graphFields.node) return;
      eachField(content, (part, attribute) => part === nodeAttribute && inAttribute(attribute));
    });
  try {
    eachField(bytes, (field, content) => field === model.graph && inGraph(content));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new DdclError('format', `${path} is not an ONNX model (${cause.message}). Download it again.`, { cause });
  }
  for (const location of found) {
    if (location !== '' && !/^([/\\]|[A-Za-z]:)/.test(location) && !location.split(/[/\\]/).includes('..')) continue;
    throw new DdclError(
      'format',
      `${path} has weights in '${location}', which is not inside its folder. Only files there are read; save the model again with its weights beside it.`,
    );
  }
  return [...found].sort();
}
