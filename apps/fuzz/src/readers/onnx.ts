import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { externalFiles } from '@ddcl/backend-ort';
// Not public: the messages of the format.
import { ModelProtoSchema, type TensorProtoSchema } from '../../../../packages/backend-ort/dist/onnx/onnx_pb.js';
import { requireEqual, type Reader } from './reader.ts';

const external = (location: string): MessageInitShape<typeof TensorProtoSchema> => ({
  name: 'w',
  dims: [2n, 2n],
  dataType: 1,
  dataLocation: 1,
  externalData: [
    { key: 'location', value: location },
    { key: 'offset', value: '16' },
    { key: 'length', value: '16' },
  ],
});

const inner = { name: 'inner', initializer: [external('inner.bin')] };

/** Tensors in every place that has room for one. */
function seeds(): Uint8Array[] {
  const plain: MessageInitShape<typeof ModelProtoSchema> = {
    irVersion: 8n,
    opsetImport: [{ domain: '', version: 17n }],
    graph: {
      name: 'g',
      input: [{ name: 'input_ids' }],
      output: [{ name: 'last_hidden_state' }],
      initializer: [{ name: 'w', dims: [2n], dataType: 1, rawData: Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 64) }],
      node: [{ opType: 'Gather', input: ['w', 'input_ids'], output: ['last_hidden_state'] }],
    },
  };
  const everywhere: MessageInitShape<typeof ModelProtoSchema> = {
    ...plain,
    graph: {
      name: 'g',
      initializer: [external('weights.bin')],
      sparseInitializer: [{ values: external('values.bin'), indices: external('indices.bin') }],
      node: [
        { opType: 'Constant', attribute: [{ name: 'value', t: external('constant.bin') }] },
        {
          opType: 'If',
          attribute: [
            { name: 'then_branch', g: inner },
            { name: 'all', graphs: [inner] },
          ],
        },
        { opType: 'Constant', attribute: [{ name: 'sparse', sparseTensor: { values: external('sparse.bin') } }] },
      ],
    },
    functions: [
      { name: 'f', node: [{ opType: 'Constant', attribute: [{ name: 'value', t: external('function.bin') }] }] },
    ],
  };
  return [plain, everywhere].map((model) => toBinary(ModelProtoSchema, create(ModelProtoSchema, model)));
}

interface Message {
  readonly $typeName?: string;
  readonly [name: string]: unknown;
}

/** Places of all tensors with their elements elsewhere, wherever the message has them. */
function locationsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return [];
  const { $typeName: type, dataLocation, externalData } = value as Message;
  const places = externalData as readonly { readonly key: string; readonly value: string }[];
  // Of a key that comes twice the last one counts, as for all who read them into a map.
  const own =
    type === 'onnx.TensorProto' && dataLocation === 1
      ? [places.findLast(({ key }) => key === 'location')?.value ?? '']
      : [];
  return [...own, ...Object.values(value).flatMap(locationsIn)];
}

const readers: Reader[] = [
  {
    name: 'onnx',
    seeds,
    mutations: [],
    read(bytes) {
      const files = externalFiles(bytes);
      requireEqual('files', files, [...new Set(locationsIn(fromBinary(ModelProtoSchema, bytes)))].sort());
    },
  },
];
export default readers;
