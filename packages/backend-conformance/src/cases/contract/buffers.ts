import { maximum, reshape, trace } from '@ddcl/core';
import {
  allocate,
  byteLength,
  bytesPerElement,
  elementCount,
  formatType,
  tensorType,
  type ConcreteType,
  type DType,
  type TypedArray,
} from '@ddcl/core/backend';
import { conformanceCase, type ConformanceCase } from '../../run/case.ts';
import { expectError } from '../../run/check.ts';
import { describeCall } from '../../run/describe-call.ts';
import { requireClass } from '../../run/evaluate-on.ts';
import { fail, require } from '../../run/failure.ts';
import { pause } from '../../run/pause.ts';
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
      `<${shape}> comes back as it went`,
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
        requireClass('an upload', type, back);
        requireSame(formatType(type), back, Array.from(data).join());
        backend.free(buffer);
        requireMemory('after free', backend, before);
      },
      { dtype },
    ),
  );
}

/** Sizes at which a backend may do otherwise: a scalar, few, and more than fits into a page. */
const copied: readonly (readonly number[])[] = [[], [3], [70, 100]];

/** A dtype's uploads and downloads share memory with nobody, whatever their size. */
function copies(dtype: DType): ConformanceCase[] {
  const copy = (shape: readonly number[]): { type: ConcreteType; data: TypedArray; expected: string } => {
    const type = tensorType(dtype, shape) as ConcreteType;
    const data = filled(dtype, elementCount(shape));
    return { type, data, expected: Array.from(data).join() };
  };
  const cases = copied.flatMap((shape) => [
    conformanceCase(
      'buffers',
      `<${shape}>: the array may be changed after upload`,
      async ({ backend }) => {
        const { type, data, expected } = copy(shape);
        const buffer = backend.upload(type, data);
        data.fill(9);
        await pause(0);
        data.fill(8);
        requireSame(
          `${formatType(type)}, whose array was changed after upload`,
          await backend.download(buffer),
          expected,
        );
        backend.free(buffer);
      },
      { dtype },
    ),
    conformanceCase(
      'buffers',
      `<${shape}>: a download is nobody else's`,
      async ({ backend }) => {
        const { type, data, expected } = copy(shape);
        const buffer = backend.upload(type, data);
        const downloads = await Promise.all([backend.download(buffer), backend.download(buffer)]);
        downloads[0]!.fill(9);
        requireSame(`${formatType(type)}, downloaded twice at once, with one array changed`, downloads[1]!, expected);
        requireSame(`${formatType(type)} after a change of its download`, await backend.download(buffer), expected);
        backend.free(buffer);
      },
      { dtype },
    ),
  ]);
  // Programs only read half precision.
  if (dtype === 'float16') return cases;
  return [
    ...cases,
    ...copied.map((shape) =>
      conformanceCase(
        'buffers',
        `<${shape}>: the download of a result is nobody else's`,
        async ({ backend }) => {
          const { type, data, expected } = copy(shape);
          const before = backend.memory();
          // A parameter, something computed, and a reshape of that: kernels may hand on what they were given.
          const program = trace(
            [type],
            (x) => [x, maximum(x, x), reshape(maximum(x, x), [elementCount(shape)])],
            'copies',
          );
          const executable = await backend.compile(program);
          const x = backend.upload(type, data);
          const results = await executable.run([x]);
          const bytes = 4 * byteLength(type);
          requireMemory(`with ${formatType(type)} and three results of it`, backend, {
            buffers: before.buffers + 4,
            bytes: before.bytes + bytes,
          });
          for (const result of results) {
            const what = `a result ${formatType(result.type)}`;
            const download = await backend.download(result);
            requireClass(what, result.type, download);
            download.fill(9);
            requireSame(`${what} after a change of its download`, await backend.download(result), expected);
          }
          // Written into no other.
          for (const result of results)
            requireSame(`a result ${formatType(result.type)}`, await backend.download(result), expected);
          requireSame(`the input ${formatType(type)}`, await backend.download(x), expected);
          for (const buffer of [x, ...results]) backend.free(buffer);
          executable.dispose();
        },
        { dtype },
      ),
    ),
  ];
}

function requireSame(what: string, data: TypedArray, expected: string): void {
  const got = Array.from(data).join();
  if (got === expected) return;
  const [wanted, came] = [expected.split(','), got.split(',')];
  const at = wanted.findIndex((each, index) => each !== came[index]);
  fail(`${what}: element ${at}: expected ${wanted[at]}, got ${came[at]}`);
}

/** Upload, download and free. */
export function bufferCases(): ConformanceCase[] {
  return [
    ...dtypes.flatMap(roundTrips),
    ...dtypes.flatMap(copies),
    ...dtypes.map((dtype) =>
      conformanceCase(
        'buffers',
        'upload takes a part of a larger array',
        async ({ backend }) => {
          const data = filled(dtype, 16);
          const buffer = backend.upload(tensorType(dtype, [5]) as ConcreteType, data.subarray(3, 8));
          requireSame(`${dtype}[5] out of 16`, await backend.download(buffer), Array.from(data.subarray(3, 8)).join());
          backend.free(buffer);
        },
        { dtype },
      ),
    ),
    conformanceCase('buffers', 'buffers downloaded at once keep apart', async ({ backend }) => {
      const buffers = Array.from({ length: 8 }, (_, index) => upload(backend, index, -index, 1));
      const all = await Promise.all(buffers.map((buffer) => backend.download(buffer)));
      all.forEach((data, index) =>
        requireSame(
          `float32[3], download ${index} of 8 at once`,
          data,
          [index, -index, 1].map((x) => String(x)).join(),
        ),
      );
      for (const buffer of buffers) backend.free(buffer);
    }),
    conformanceCase('buffers', 'a part of a larger array can be computed with', async ({ backend }) => {
      const buffer = backend.upload(three, Float32Array.of(9, 9, 1, 2, 3, 9).subarray(2, 5));
      const [result] = await (await backend.compile(doubled)).run([buffer]);
      await requireNumbers(`${describeCall(doubled)} of a part of a larger array`, backend, result, [2, 4, 6]);
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
