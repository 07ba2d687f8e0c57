import {
  allocate,
  bytesPerElement,
  tensorType,
  type ConcreteType,
  type DType,
  type TypedArray,
} from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { expectError } from '../../run/check.ts';
import { require } from '../../run/failure.ts';
import { added, doubled, plus, requireMemory, requireNumbers, three, upload } from './small-programs.ts';

/** Numbers that a detour through another dtype would change. */
const special: Readonly<Record<DType, readonly number[]>> = {
  float32: [0, 1, -1.5, Math.fround(0.1), 3.4028234663852886e38, -1.1754943508222875e-38, 16777215, 1e-20],
  float64: [0, 1, -1.5, 0.1, Number.MAX_VALUE, -2.2250738585072014e-308, Number.MAX_SAFE_INTEGER, 1e-300],
  int32: [0, 1, -1, 2147483647, -2147483648, 16777217, -16777217, 123456789],
  // Bits: 0, 1, -1.5, the smallest above 0 and below it, the largest, the lowest, the smallest normal one.
  float16: [0, 0x3c00, 0xbe00, 1, 0x8001, 0x7bff, 0xfbff, 0x0400],
};

const dtypes: readonly DType[] = ['float32', 'float64', 'int32', 'float16'];

function filled(dtype: DType, length: number): TypedArray {
  const data = allocate(dtype, length);
  for (let index = 0; index < length; index++) data[index] = special[dtype][index % 8]!;
  return data;
}

function roundTrips(dtype: DType): ConformanceCase[] {
  return [[], [0], [1], [8], [3, 0], [2, 3, 5], [257]].map((shape) =>
    conformanceCase(
      'buffers',
      `[${shape}] comes back as it went`,
      async ({ backend }) => {
        const before = backend.memory();
        const type = tensorType(dtype, shape) as ConcreteType;
        const length = shape.reduce((product, size) => product * size, 1);
        const data = filled(dtype, length);
        const buffer = backend.upload(type, data);
        require(buffer.type.dtype === dtype &&
          buffer.type.shape.join() ===
            shape.join(), `the buffer has the type ${buffer.type.dtype} [${buffer.type.shape}]`);
        requireMemory('after upload', backend, {
          buffers: before.buffers + 1,
          bytes: before.bytes + length * bytesPerElement(dtype),
        });
        const back = await backend.download(buffer);
        require(Object.prototype.toString.call(back) ===
          Object.prototype.toString.call(data), `download gives a ${Object.prototype.toString.call(back)}`);
        require(Array.from(back).join() === Array.from(data).join(), `expected [${data}], got [${back}]`);
        backend.free(buffer);
        requireMemory('after free', backend, before);
      },
      { dtype },
    ),
  );
}

/** Upload, download and free. */
export function bufferCases(): ConformanceCase[] {
  return [
    ...dtypes.flatMap(roundTrips),
    conformanceCase('buffers', 'upload copies: the array may be changed afterwards', async ({ backend }) => {
      const data = Float32Array.of(1, 2, 3);
      const buffer = backend.upload(three, data);
      data.fill(9);
      await requireNumbers('after a change of the array', backend, buffer, [1, 2, 3]);
      backend.free(buffer);
    }),
    conformanceCase('buffers', 'upload takes a part of a larger array', async ({ backend }) => {
      const buffer = backend.upload(three, Float32Array.of(9, 9, 1, 2, 3, 9).subarray(2, 5));
      const [result] = await (await backend.compile(doubled)).run([buffer]);
      await requireNumbers('doubled', backend, result, [2, 4, 6]);
      backend.free(buffer);
      backend.free(result!);
    }),
    conformanceCase('buffers', 'upload keeps no hold of the shape it was given', async ({ backend }) => {
      const shape = [3];
      const buffer = backend.upload({ dtype: 'float32', shape }, Float32Array.of(1, 2, 3));
      shape[0] = 99;
      require(buffer.type.shape[0] === 3, `the buffer's shape became [${buffer.type.shape}]`);
      backend.free(buffer);
    }),
    conformanceCase('buffers', 'download copies: a change of the array reaches nobody', async ({ backend }) => {
      const buffer = upload(backend, 1, 2, 3);
      const [first, second] = [await backend.download(buffer), await backend.download(buffer)];
      first.fill(9);
      require(Array.from(second).join() === '1,2,3', 'two downloads share an array');
      await requireNumbers('after a change of the array', backend, buffer, [1, 2, 3]);
      const [result] = await (await backend.compile(doubled)).run([buffer]);
      (await backend.download(result!)).fill(9);
      await requireNumbers('a result', backend, result, [2, 4, 6]);
      backend.free(buffer);
      backend.free(result!);
    }),
    conformanceCase('buffers', 'memory counts buffers and bytes', async ({ backend }) => {
      const before = backend.memory();
      const [x, y] = [upload(backend, 1, 2, 3), upload(backend, 1, 2, 3)];
      requireMemory('after two uploads', backend, plus(before, 2));
      const [z] = await (await backend.compile(added)).run([x, y]);
      requireMemory('after a run', backend, plus(before, 3));
      backend.free(x);
      requireMemory('after a free', backend, plus(before, 2));
      backend.free(y);
      backend.free(z!);
      requireMemory('after all frees', backend, before);
    }),
    conformanceCase('buffers', 'free can be called twice', async ({ backend }) => {
      const before = backend.memory();
      const buffer = upload(backend, 1, 2, 3);
      backend.free(buffer);
      backend.free(buffer);
      requireMemory('after two frees', backend, before);
    }),
    conformanceCase('buffers', 'a freed buffer is refused', async ({ backend }) => {
      const buffer = upload(backend, 1, 2, 3);
      backend.free(buffer);
      const executable = await backend.compile(doubled);
      await expectError('download of a freed buffer', 'disposed', () => backend.download(buffer));
      await expectError('run with a freed buffer', 'disposed', () => executable.run([buffer]));
    }),
    conformanceCase('buffers', 'a freed buffer stays freed when others are made', async ({ backend }) => {
      const buffer = upload(backend, 1, 2, 3);
      backend.free(buffer);
      const others = [upload(backend, 4, 5, 6), upload(backend, 7, 8, 9)];
      backend.free(buffer);
      await expectError('download of a freed buffer', 'disposed', () => backend.download(buffer));
      await requireNumbers('a later buffer', backend, others[0], [4, 5, 6]);
      await requireNumbers('a later buffer', backend, others[1], [7, 8, 9]);
      for (const other of others) backend.free(other);
    }),
    conformanceCase('buffers', 'a buffer of another backend is refused', async ({ backend, fresh }) => {
      const other = await fresh();
      const theirs = upload(other, 1, 2, 3);
      const executable = await backend.compile(doubled);
      await expectError('download of a foreign buffer', 'argument', () => backend.download(theirs));
      await expectError('run with a foreign buffer', 'argument', () => executable.run([theirs]));
      await expectError('free of a foreign buffer', 'argument', () => backend.free(theirs));
      await requireNumbers('the foreign buffer', other, theirs, [1, 2, 3]);
    }),
  ];
}
