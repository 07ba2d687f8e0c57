import { argMax, cast, equal, less, neg, trace } from '@ddcl/core';
import { allocate, type ConcreteType, type DeviceBuffer, type TypedArray } from '@ddcl/core/backend';
import { brokenSource, members } from '../make-fault.ts';
import type { PlantedFault, Probe } from '../planted-fault.ts';
import { codeOf, f32, f64, gives, i32, of, seen, some, type } from '../probes.ts';

const cpu = 'backend-cpu/src/cpu-backend.ts';
const checks = 'core/src/backend/check-program.ts';
const specialise = 'core/src/program/specialise.ts';
const half = (...shape: number[]): ConcreteType => type('float16', ...shape);

const classes = 'downloads of another array class';

const arrays: PlantedFault[] = [
  brokenSource(
    classes,
    'argMax gives floats',
    [
      'backend-cpu/src/kernels/reduce.ts',
      'const places = new Int32Array(split.outer * split.inner);',
      'const places = new Float32Array(split.outer * split.inner);',
    ],
    'primitive',
    gives((x) => [argMax(x!, 0)], some(f32(5))),
  ),
  brokenSource(
    classes,
    'equal gives bytes',
    [
      cpu,
      'kernels: kernels(arithmetic),',
      'kernels: { ...kernels(arithmetic), equal: (x, call) => Uint8Array.from(kernels(arithmetic).equal(x, call)) as never },',
    ],
    'primitive',
    gives((x, y) => [equal(x!, y!)], of(f32(2), 1, 2), of(f32(2), 1, 3)),
  ),
  brokenSource(
    classes,
    'less gives doubles',
    [
      cpu,
      'kernels: kernels(arithmetic),',
      'kernels: { ...kernels(arithmetic), less: (x, call) => Float64Array.from(kernels(arithmetic).less(x, call)) },',
    ],
    'primitive',
    gives((x, y) => [less(x!, y!)], of(f32(2), 1, 2), of(f32(2), 1, 3)),
  ),
  brokenSource(
    classes,
    'a cast to float64 leaves float32 as it is',
    [
      'backend-cpu/src/kernels/indexing.ts',
      "if (type!.dtype !== 'float16') return castInPieces(x!, dtype);",
      "if (dtype === 'float64' && type!.dtype === 'float32') return x!.slice();\n    if (type!.dtype !== 'float16') return castInPieces(x!, dtype);",
    ],
    'primitive',
    gives((x) => [cast(x!, 'float64')], some(f32(3))),
  ),
  members(
    classes,
    'half precision comes as int16',
    (backend) => ({
      async download(buffer) {
        const data = await backend.download(buffer);
        return data instanceof Uint16Array ? (Int16Array.from(data) as unknown as TypedArray) : data;
      },
    }),
    'buffers',
    async (backend) => seen(await backend.download(backend.upload(half(2), Uint16Array.of(1, 2)))),
  ),
  members(
    classes,
    'results of no elements are plain lists',
    (backend) => ({
      async download(buffer) {
        const data = await backend.download(buffer);
        return data.length === 0 ? ([] as unknown as TypedArray) : data;
      },
    }),
    'buffers',
    async (backend) => seen(await backend.download(backend.upload(f32(0), new Float32Array(0)))),
  ),
];

const views = 'downloads that are views';

/** Writes into a download, and looks again. */
const written =
  (which: ConcreteType, data: TypedArray): Probe =>
  async (backend) => {
    const buffer = backend.upload(which, data);
    (await backend.download(buffer)).fill(7);
    return seen(await backend.download(buffer));
  };

const view = (name: string, when: string, probe: Probe): PlantedFault =>
  brokenSource(
    views,
    name,
    [
      cpu,
      'download: async (native) => native.slice()',
      `download: async (native) => (${when} ? native : native.slice())`,
    ],
    'buffers',
    probe,
  );

const live: PlantedFault[] = [
  view('of int32', 'native instanceof Int32Array', written(i32(2), Int32Array.of(1, 2))),
  view('of float64', 'native instanceof Float64Array', written(f64(2), Float64Array.of(1, 2))),
  view('of half precision', 'native instanceof Uint16Array', written(half(2), Uint16Array.of(1, 2))),
  view('of more than 4,096 numbers', 'native.length > 4096', written(f32(5000), new Float32Array(5000))),
  view('of one number', 'native.length === 1', written(f32(), Float32Array.of(1))),
  members(
    views,
    'two that are asked for together share one array',
    (backend) => {
      const underWay = new Map<DeviceBuffer, Promise<TypedArray>>();
      return {
        download(buffer) {
          const known = underWay.get(buffer) ?? backend.download(buffer);
          underWay.set(buffer, known);
          return known.finally(() => underWay.delete(buffer));
        },
      };
    },
    'buffers',
    async (backend) => {
      const buffer = backend.upload(f32(2), Float32Array.of(1, 2));
      const [a, b] = await Promise.all([backend.download(buffer), backend.download(buffer)]);
      return a === b;
    },
  ),
];

const uploads = 'uploads that are no copies';

/** Changes the array after the upload. */
const reused =
  (which: ConcreteType, data: TypedArray): Probe =>
  async (backend) => {
    const buffer = backend.upload(which, data);
    data.fill(7);
    const back = seen(await backend.download(buffer));
    data.fill(1);
    return back;
  };

const kept = (name: string, when: string, probe: Probe): PlantedFault =>
  brokenSource(
    uploads,
    name,
    [cpu, 'upload: (_, data) => data.slice()', `upload: (_, data) => (${when} ? data : data.slice())`],
    'buffers',
    probe,
  );

const copies: PlantedFault[] = [
  kept('of int32', 'data instanceof Int32Array', reused(i32(2), Int32Array.of(1, 1))),
  kept('of float64', 'data instanceof Float64Array', reused(f64(2), Float64Array.of(1, 1))),
  kept('of half precision', 'data instanceof Uint16Array', reused(half(2), Uint16Array.of(1, 1))),
  kept('of more than 4,096 numbers', 'data.length > 4096', reused(f32(5000), new Float32Array(5000).fill(1))),
  kept('of one number', 'data.length === 1', reused(f32(), Float32Array.of(1))),
  brokenSource(
    uploads,
    'int32 is read from the start of its memory',
    [
      cpu,
      'upload: (_, data) => data.slice()',
      'upload: (_, data) => (data instanceof Int32Array ? new Int32Array(data.buffer, 0, data.length).slice() : data.slice())',
    ],
    'buffers',
    async (backend) => seen(await backend.download(backend.upload(i32(2), Int32Array.of(9, 9, 1, 2).subarray(2)))),
  ),
  brokenSource(
    uploads,
    'large ones are copied a little later',
    [
      cpu,
      'upload: (_, data) => data.slice()',
      'upload: (_, data) => { const native = data.slice(); if (data.length > 1000) void Promise.resolve().then(() => native.set(data as never)); return native; }',
    ],
    'buffers',
    async (backend) => {
      const data = new Float32Array(2000).fill(1);
      const buffer = backend.upload(f32(2000), data);
      data.fill(7);
      await backend.download(buffer);
      return seen(await backend.download(buffer));
    },
  ),
];

const mixed = 'buffers of another dtype or shape are taken';

const runs =
  (expected: ConcreteType, given: ConcreteType): Probe =>
  async (backend) => {
    const executable = await backend.compile(trace([expected], (x) => [x], 'probe'));
    const length = given.shape.reduce((a, b) => a * b, 1);
    const input = backend.upload(given, allocate(given.dtype, length));
    return codeOf(async () => (await executable.run([input])).length);
  };

const dtype = 'if (input.dtype !== parameter.dtype)';
const accepted = (name: string, when: string, probe: Probe): PlantedFault =>
  brokenSource(mixed, name, [specialise, dtype, `if (input.dtype !== parameter.dtype && !(${when}))`], 'errors', probe);

const types: PlantedFault[] = [
  accepted('floats for int32', "parameter.dtype === 'int32'", runs(i32(3), f32(3))),
  accepted('float64 for float32', "input.dtype === 'float64'", runs(f32(3), f64(3))),
  accepted('float32 for float64', "parameter.dtype === 'float64'", runs(f64(3), f32(3))),
  accepted(
    'half precision for float32',
    "input.dtype === 'float16' && parameter.dtype === 'float32'",
    runs(f32(3), half(3)),
  ),
  accepted('float32 for half precision', "parameter.dtype === 'float16'", runs(half(3), f32(3))),
  brokenSource(
    mixed,
    'float32 data as int32',
    [checks, 'if (dtypeOf(data) !== type.dtype)', "if (dtypeOf(data) !== type.dtype && type.dtype !== 'int32')"],
    'errors',
    (backend) => codeOf(() => backend.upload(i32(2), Float32Array.of(1, 2))),
  ),
  brokenSource(
    mixed,
    'float64 data as float32',
    [
      checks,
      'if (dtypeOf(data) !== type.dtype)',
      'if (dtypeOf(data) !== type.dtype && !(data instanceof Float64Array))',
    ],
    'errors',
    (backend) => codeOf(() => backend.upload(f32(2), Float64Array.of(1, 2))),
  ),
  brokenSource(
    mixed,
    'a matrix for its transpose',
    [specialise, 'if (size !== actual) complain', 'if (size !== actual && !parameter.shape.includes(actual)) complain'],
    'errors',
    runs(f32(2, 3), f32(3, 2)),
  ),
  brokenSource(
    mixed,
    'one number for a scalar',
    [
      specialise,
      "if (input.shape.length !== parameter.shape.length) complain('shape', '');",
      "if (input.shape.length !== parameter.shape.length && parameter.shape.length > 0) complain('shape', '');",
    ],
    'errors',
    runs(f32(), f32(1)),
  ),
];

const bytes = 'memory is counted wrongly';

/** `memory` is wrong about some of the results that are alive. */
function miscounted(name: string, off: (type: ConcreteType) => number, probe: Probe): PlantedFault {
  return members(
    bytes,
    name,
    (backend) => {
      const wrong = new Map<DeviceBuffer, number>();
      return {
        async compile(program) {
          const executable = await backend.compile(program);
          return {
            ...executable,
            async run(inputs, options) {
              const results = await executable.run(inputs, options);
              for (const each of results) wrong.set(each, off(each.type));
              return results;
            },
          };
        },
        free(buffer) {
          wrong.delete(buffer);
          backend.free(buffer);
        },
        memory() {
          const { buffers, bytes: all } = backend.memory();
          return { buffers, bytes: buffers === 0 ? all : all + [...wrong.values()].reduce((a, b) => a + b, 0) };
        },
      };
    },
    'memory',
    probe,
  );
}

/** What is held with the results of a program alive. */
const held =
  (probe: Probe): Probe =>
  async (backend) => {
    await probe(backend);
    return backend.memory();
  };

const accounts: PlantedFault[] = [
  miscounted(
    'results of int32 as double',
    ({ dtype: is, shape }) => (is === 'int32' ? 4 * shape.reduce((a, b) => a * b, 1) : 0),
    held(gives((x) => [argMax(x!, 0)], some(f32(4)))),
  ),
  miscounted(
    'results of more than 4,096 bytes not at all',
    ({ shape }) => {
      const size = 4 * shape.reduce((a, b) => a * b, 1);
      return size > 4096 ? -size : 0;
    },
    held(gives((x) => [neg(x!)], some(f32(2000)))),
  ),
  miscounted(
    'float64 results as float32',
    ({ dtype: is, shape }) => (is === 'float64' ? -4 * shape.reduce((a, b) => a * b, 1) : 0),
    held(gives((x) => [neg(x!)], some(f64(4)))),
  ),
];

/** What goes in and out, and how it is counted. */
export const bufferFaults: readonly PlantedFault[] = [...arrays, ...live, ...copies, ...types, ...accounts];
