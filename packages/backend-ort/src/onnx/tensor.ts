import { create } from '@bufbuild/protobuf';
import { DdclError, type Dimension, type DType, type TypedArray } from '@ddcl/core/backend';
import {
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  ValueInfoProtoSchema,
  type TensorProto,
  type ValueInfoProto,
} from './onnx_pb.ts';

/** Element types of values in a graph: those of programs, and what ONNX uses for shapes and conditions. */
export type OnnxDType = DType | 'int64' | 'bool';

const dataTypes: Readonly<Record<OnnxDType, DataType>> = {
  float32: DataType.FLOAT,
  float64: DataType.DOUBLE,
  int32: DataType.INT32,
  float16: DataType.FLOAT16,
  int64: DataType.INT64,
  bool: DataType.BOOL,
};

/** ONNX's number of an element type, as the attribute `to` of `Cast` takes it. */
export function dataTypeNumber(dtype: OnnxDType): number {
  return dataTypes[dtype];
}

/** A protobuf message must stay below 2 GiB; the rest of a model is small. */
export const maxTensorBytes: number = 2 ** 31 - 2 ** 20;

/**
 * A tensor with its elements inside.
 * @throws DdclError `limit` above {@link maxTensorBytes}
 */
export function tensorProto(
  name: string,
  dtype: OnnxDType,
  shape: readonly number[],
  data: TypedArray | BigInt64Array,
): TensorProto {
  if (data.byteLength > maxTensorBytes) {
    throw new DdclError(
      'limit',
      `An ONNX file holds tensors of at most ${maxTensorBytes} bytes, but ${name || 'a constant'} [${shape.join(', ')}] has ${data.byteLength}. Pass it as an input instead.`,
      { shapes: [shape] },
    );
  }
  return create(TensorProtoSchema, {
    name,
    dataType: dataTypes[dtype],
    dims: shape.map(BigInt),
    rawData: littleEndianBytes(data),
  });
}

/** The elements as ONNX stores them. A copy, so that the caller may change the array. */
function littleEndianBytes(data: TypedArray | BigInt64Array): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] === 1) return bytes;
  const size = data.BYTES_PER_ELEMENT;
  for (let start = 0; start < bytes.length; start += size) bytes.subarray(start, start + size).reverse();
  return bytes;
}

/** A graph's input or output: its name, element type and sizes; symbols become named dimensions. */
export function valueInfo(name: string, dtype: OnnxDType, shape: readonly Dimension[]): ValueInfoProto {
  const dim = shape.map((size) => ({
    value:
      typeof size === 'number'
        ? { case: 'dimValue' as const, value: BigInt(size) }
        : { case: 'dimParam' as const, value: size },
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: dataTypes[dtype], shape: { dim } } } },
  });
}
