import { readSafetensors, writeSafetensors, type SafetensorsTensor } from '@ddcl/core/safetensors';
import { mutateSafetensors } from '../inputs/mutate-safetensors.ts';
import { requireEqual, type Reader } from './reader.ts';

function seeds(): Uint8Array[] {
  const tensors: [string, SafetensorsTensor][] = [
    ['weights', { dtype: 'F64', shape: [2, 2], data: Float64Array.of(1, 2, -3, 0.5) }],
    ['tokens', { dtype: 'F32', shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
    ['halves', { dtype: 'F16', shape: [3], data: Uint16Array.of(0x3c00, 0x7bff, 0x8001) }],
    ['longs', { dtype: 'I64', shape: [2], data: BigInt64Array.of(-1n, 5n) }],
    ['ints', { dtype: 'I32', shape: [2, 1], data: Int32Array.of(-7, 7) }],
    ['bytes', { dtype: 'U8', shape: [3], data: Uint8Array.of(0, 128, 255) }],
    ['none', { dtype: 'F32', shape: [0, 4], data: new Float32Array(0) }],
    ['é"\\', { dtype: 'BOOL', shape: [], data: Uint8Array.of(1) }],
  ];
  return [
    writeSafetensors(new Map(tensors), { format: 'pt', note: 'a "text"' }),
    writeSafetensors(new Map(tensors.slice(0, 2)), {}),
    writeSafetensors(new Map(), {}),
  ];
}

/** Reads bytes at an odd place in memory too, as Node's pool of buffers has them, and what is written again. */
function readBoth(bytes: Uint8Array, given: Uint8Array): void {
  const read = readSafetensors(given);
  requireEqual('another place in memory', inPlainBytes(read), inPlainBytes(readSafetensors(bytes.slice())));
  requireEqual('written again', readSafetensors(writeSafetensors(read.tensors, read.metadata)), inPlainBytes(read));
}

const inPlainBytes = ({ tensors, metadata }: ReturnType<typeof readSafetensors>): object => ({
  tensors: new Map([...tensors].map(([name, tensor]) => [name, { ...tensor, data: copyOf(tensor.data) }])),
  metadata,
});

/** In memory of its own; of a Buffer its bytes. */
const copyOf = (data: SafetensorsTensor['data']): SafetensorsTensor['data'] =>
  data instanceof Uint8Array ? Uint8Array.from(data) : data.slice();

const readers: Reader[] = [
  { name: 'safetensors', seeds, mutations: [mutateSafetensors], read: (bytes) => readBoth(bytes, bytes) },
  {
    name: 'safetensors-buffer',
    seeds,
    mutations: [mutateSafetensors],
    read(bytes) {
      const shift = 1 + (bytes.length % 7);
      const memory = Buffer.alloc(bytes.length + shift);
      memory.set(bytes, shift);
      readBoth(bytes, memory.subarray(shift));
    },
  },
];
export default readers;
