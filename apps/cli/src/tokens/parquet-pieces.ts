import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { EncodedTable, SideColumn } from './encoded-file.ts';
import { version } from '../output/version.ts';

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];

/** Numbers of a row group, about: what is kept in memory. */
const groupNumbers = 1 << 21;

const types = { text: 'BYTE_ARRAY', int32: 'INT32', float32: 'FLOAT', float64: 'DOUBLE' } as const;

const sideElement = ({ name, type }: SideColumn): Schema[number] => ({
  name,
  type: types[type],
  repetition_type: 'REQUIRED',
  ...(type === 'text' ? { converted_type: 'UTF8' } : {}),
});

/**
 * A table as Parquet, a row group at a time. What has several numbers a row is a list of them, K x m ones row after row; `ddcl.shape` in the file's metadata
 * has the axes.
 */
export async function* parquetPieces({ name, shape, dtype, columns, rows }: EncodedTable): AsyncGenerator<Uint8Array> {
  const tail = shape.slice(1);
  const width = tail.reduce((product, size) => product * size, 1);
  const number = { type: types[dtype], repetition_type: 'REQUIRED' } as const;
  const list: Schema = [
    { name, repetition_type: 'REQUIRED', num_children: 1, converted_type: 'LIST' },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', ...number },
  ];
  const schema: Schema = [
    { name: 'schema', num_children: columns.length + 1 },
    ...columns.map(sideElement),
    ...(tail.length === 0 ? [{ name, ...number }] : list),
  ];
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema,
    // Floats hardly shrink, and readers of all kinds know it.
    codec: 'UNCOMPRESSED',
    statistics: false,
    createdBy: `ddcl ${version}`,
    kvMetadata: [{ key: 'ddcl.shape', value: JSON.stringify(tail) }],
  });
  /** What was written since the last call. */
  const taken = (): Uint8Array => {
    const piece = bytes.getBytes().slice();
    bytes.index = 0;
    return piece;
  };
  const most = Math.max(1, Math.floor(groupNumbers / width));
  let group: unknown[] = [];
  let beside: (string | number)[][] = columns.map(() => []);
  let row = 0;
  const write = (): Uint8Array => {
    const own = columns.map((column, index) => ({ name: column.name, data: beside[index]! }));
    void writer.write({ columnData: [...own, { name, data: group }], rowGroupSize: group.length });
    group = [];
    beside = columns.map(() => []);
    return taken();
  };
  for await (const piece of rows) {
    for (let start = 0; start < piece.length; start += width, row++) {
      columns.forEach((column, index) => beside[index]!.push(column.at(row)));
      group.push(tail.length === 0 ? piece[start] : Array.from({ length: width }, (_, index) => piece[start + index]));
      if (group.length === most) yield write();
    }
  }
  if (group.length > 0) yield write();
  void writer.finish();
  yield taken();
}
