import { describe, expect, it, vi } from 'vitest';
import { BufferTable } from '../../src/backend/buffers.ts';
import type { Backend, DeviceBuffer } from '../../src/backend/contract.ts';
import { backendFromKernels } from '../../src/backend/backend-from-kernels.ts';
import { composite } from '../../src/program/composite.ts';
import { cast, iota } from '../../src/program/ops/create.ts';
import { add, exp, neg } from '../../src/program/ops/elementwise.ts';
import { matmul } from '../../src/program/ops/matmul.ts';
import { broadcastTo } from '../../src/program/ops/layout.ts';
import { sum } from '../../src/program/ops/reduce.ts';
import { f32, f64, i32, type ConcreteType, type TensorType } from '../../src/program/tensor-type.ts';
import { trace } from '../../src/program/trace.ts';
import { strictBackend, strictOptions } from '../support/strict-backend.ts';
import { errorOf, rejection } from '../support/run.ts';

const doubled = trace([f64(2)], (x) => [add(x, x)], 'doubled');
const pair = (type: TensorType = f64(2)) => type as ConcreteType;

function upload(backend: Backend, ...numbers: number[]): DeviceBuffer {
  return backend.upload(pair(f64(numbers.length)), Float64Array.from(numbers));
}

describe('a backend made of kernels', () => {
  it('refuses a table with a gap, with what is no primitive, or with a composite without a version', () => {
    const { options } = strictOptions();
    const { neg: _, sum: __, ...others } = options.kernels;
    const made = (kernels: object, composites = {}): (() => Backend) => {
      return () => backendFromKernels({ ...options, kernels: kernels as typeof options.kernels, composites });
    };
    expect(errorOf(made(others))).toMatchObject({ code: 'argument', message: expect.stringContaining('neg, sum') });
    expect(errorOf(made({ ...options.kernels, relu: others.exp })).message).toContain('kernels for relu');
    expect(errorOf(made({ ...options.kernels, exp: undefined })).message).toContain('no kernel for exp');
    expect(errorOf(made(options.kernels, { softmax: others.exp })).message).toContain('composites softmax: each takes');
  });

  it.each<[string, () => unknown, string]>([
    ['nothing', () => undefined, 'returned nothing as output 0, where f64[2] is needed'],
    ['a promise', () => Promise.resolve({}), 'returned a promise (kernels do not wait'],
    [
      'a wrong shape',
      () => ({ dtype: 'float64', data: new Float64Array(3) }),
      'returned 3 numbers as output 0, where f64[2]',
    ],
  ])('names the kernel that returns %s', async (_, kernel, text) => {
    const { options } = strictOptions();
    const backend = backendFromKernels({
      ...options,
      kernels: { ...options.kernels, neg: kernel as never },
      check: ({ data }, { shape }) => (data.length === shape[0] ? undefined : `${data.length} numbers`),
    });
    const executable = await backend.compile(trace([f64(2)], (x) => [add(neg(x), x)]));
    expect(await rejection(executable.run([upload(backend, 1, 2)]))).toMatchObject({
      code: 'internal',
      op: 'neg',
      message: expect.stringContaining(`the kernel of neg(f64[2]) failed: Error: it ${text}`),
    });
  });

  it('uploads a copy and downloads a copy', async () => {
    const backend = strictBackend();
    const data = Float64Array.of(1, 2);
    const buffer = backend.upload(pair(), data);
    data[0] = 7;
    const first = await backend.download(buffer);
    expect(first).toEqual(Float64Array.of(1, 2));
    first[0] = 9;
    expect(await backend.download(buffer)).toEqual(Float64Array.of(1, 2));
    expect(buffer.type).toEqual(f64(2));
  });

  it('counts buffers and bytes', async () => {
    const backend = strictBackend();
    const x = upload(backend, 1, 2);
    const y = backend.upload(pair(i32(3)), Int32Array.of(1, 2, 3));
    expect(backend.memory()).toEqual({ buffers: 2, bytes: 28 });
    const [z] = await (await backend.compile(doubled)).run([x]);
    expect(backend.memory()).toEqual({ buffers: 3, bytes: 44 });
    for (const buffer of [x, y, z!, x, z!]) backend.free(buffer);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    expect(backend.log.released).toBe(backend.log.made);
  });

  it('takes tensors without elements end to end', async () => {
    const backend = strictBackend();
    const program = trace([f64('n', 3), f32(0)], (x, y) => [
      neg(x),
      sum(x, [0]),
      matmul(x, x, { transposeB: true }),
      y,
      cast(y, 'int32'),
    ]);
    const x = backend.upload(pair(f64(0, 3)), new Float64Array(0));
    const y = backend.upload(pair(f32(0)), new Float32Array(0));
    expect(backend.memory()).toEqual({ buffers: 2, bytes: 0 });
    const results = await (await backend.compile(program)).run([x, y], { donate: [0, 1] });
    expect(await Promise.all(results.map((buffer) => backend.download(buffer)))).toEqual([
      new Float64Array(0),
      new Float64Array(3),
      new Float64Array(0),
      new Float32Array(0),
      new Int32Array(0),
    ]);
    expect(results.map(({ type }) => type.shape)).toEqual([[0, 3], [3], [0, 0], [0], [0]]);
    expect(backend.memory()).toEqual({ buffers: 5, bytes: 24 });
    for (const buffer of results) backend.free(buffer);
    expect(backend.log.alive.size).toBe(0);
  });

  it.each<[string, TensorType, Float32Array | Float64Array | Int32Array, string, string[]]>([
    ['too few elements', f64(3), new Float64Array(2), 'shape', ['f64[3]', '3 elements', 'got 2']],
    ['another dtype', f64(2), new Float32Array(2), 'dtype', ['f64[2]', 'Float32Array']],
    ['float64 for int32', i32(2), new Float64Array(2), 'dtype', ['i32[2]', 'Float64Array']],
    ['an array of bytes', i32(2), new Uint8Array(2) as never, 'dtype', ['Uint8Array']],
    ['a symbol', f64('n'), new Float64Array(2), 'shape', ['f64[n]']],
    ['a negative size', { dtype: 'float64', shape: [-1] }, new Float64Array(2), 'shape', ['-1']],
    ['too many bytes', f64(2000), new Float64Array(2000), 'limit', ['16000', '8000']],
    ['a dtype the backend lacks', f32(2), new Float32Array(2), 'unsupported', ['float32', 'float64, int32']],
  ])('refuses an upload of %s', (_, type, data, code, words) => {
    const backend = strictBackend({ capabilities: { dtypes: ['float64', 'int32'], maxBufferBytes: 8000 } });
    const error = errorOf(() => backend.upload(type as ConcreteType, data));
    expect(error.code).toBe(code);
    for (const word of words) expect(error.message).toContain(word);
    expect(backend.log.made).toBe(0);
  });

  it('knows the array types of another realm', async () => {
    const { runInNewContext } = await import('node:vm');
    const backend = strictBackend();
    const foreign = runInNewContext('Float32Array.of(1, 2)') as Float32Array;
    expect(foreign).not.toBeInstanceOf(Float32Array);
    expect(await backend.download(backend.upload(pair(f32(2)), foreign))).toEqual(Float32Array.of(1, 2));
  });

  it('tells a buffer of another backend from one that ended', async () => {
    const [backend, other] = [strictBackend(), strictBackend({ name: 'other' })];
    const foreign = upload(other, 1, 2);
    const executable = await backend.compile(doubled);
    expect(await rejection(executable.run([foreign]))).toMatchObject({
      code: 'argument',
      message: expect.stringContaining("'reference' did not make"),
    });
    expect(await rejection(backend.download(foreign))).toMatchObject({ code: 'argument' });
    expect(errorOf(() => backend.free(foreign)).code).toBe('argument');
    expect(await rejection(backend.download({ type: pair() }))).toMatchObject({ code: 'argument' });
    const ended = upload(backend, 1, 2);
    backend.free(ended);
    expect(await rejection(executable.run([ended]))).toMatchObject({
      code: 'disposed',
      message: expect.stringContaining('doubled'),
    });
    expect(await rejection(backend.download(ended))).toMatchObject({
      code: 'disposed',
      message: expect.stringContaining('f64[2]'),
    });
    expect(await other.download(foreign)).toEqual(Float64Array.of(1, 2));
  });

  it('ends with dispose, which frees everything', async () => {
    const ended = vi.fn();
    const { options, log } = strictOptions();
    const backend = backendFromKernels({ ...options, dispose: () => ended(log.alive.size) });
    const executable = await backend.compile(doubled);
    const x = upload(backend, 1, 2);
    await executable.run([x]);
    const lost = vi.fn();
    void backend.lost.then(lost);
    backend.dispose();
    backend.dispose();
    // Called once, after everything was released.
    expect(ended.mock.calls).toEqual([[0]]);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
    expect(errorOf(() => upload(backend, 1)).code).toBe('disposed');
    for (const promise of [executable.run([x]), backend.download(x), backend.compile(doubled)]) {
      expect(await rejection(promise)).toMatchObject({
        code: 'disposed',
        message: expect.stringContaining("'reference' was disposed"),
      });
    }
    expect(() => backend.free(x)).not.toThrow();
    expect(lost).not.toHaveBeenCalled();
  });

  it('refuses programs that it cannot run when they are compiled', async () => {
    const backend = strictBackend({ capabilities: { dtypes: ['float32', 'int32'], maxBufferBytes: 1000 } });
    const hidden = trace(
      [f32(2)],
      (x) => composite({ name: 'hidden/1', decomposition: (a) => [cast(exp(cast(a!, 'float64')), 'float32')] }, [x]),
      'hidden',
    );
    const wide = trace(
      [f32(20)],
      (x) => composite({ name: 'wide/1', decomposition: (a) => [sum(broadcastTo(a!, [20, 20]), [0])] }, [x]),
      'wide',
    );
    const open = trace([f32(2)], (x) => [sum(iota(x, 'float32', ['k']))], 'open');
    const symbolic = trace([f32('n')], (x) => [cast(cast(x, 'float64'), 'float32')], 'symbolic');
    expect(await rejection(backend.compile(doubled))).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('float64'),
    });
    expect(await rejection(backend.compile(symbolic))).toMatchObject({ code: 'unsupported' });
    expect(await rejection(backend.compile(hidden))).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('hidden'),
    });
    expect(await rejection(backend.compile(wide))).toMatchObject({
      code: 'limit',
      shapes: [[20, 20]],
      message: expect.stringContaining('1600'),
    });
    expect(await rejection(backend.compile(open))).toMatchObject({
      code: 'shape',
      message: expect.stringContaining('f32[k]'),
    });
  });

  it("leaves to a composite's kernel what is inside", async () => {
    const hidden = trace([f32(2)], (x) =>
      composite({ name: 'hidden/1', decomposition: (a) => [cast(exp(cast(a!, 'float64')), 'float32')] }, [x]),
    );
    const backend = strictBackend({
      capabilities: { dtypes: ['float32'] },
      composites: {
        'hidden/1': ([x]) => [{ dtype: 'float32', data: x!.data.map((each) => Math.fround(Math.exp(each))) }],
      },
    });
    expect(backend.capabilities.composites).toEqual(['hidden/1']);
    const [result] = await (await backend.compile(hidden)).run([backend.upload(pair(f32(2)), Float32Array.of(0, 1))]);
    expect(await backend.download(result!)).toEqual(Float32Array.of(1, Math.E));
  });
});

describe('BufferTable', () => {
  it('releases each buffer once, all at the end', () => {
    const table = new BufferTable<object>('mine');
    const released: string[] = [];
    const [a, b] = ['a', 'b'].map((name) => table.add(pair(), {}, () => released.push(name)));
    const borrowed = {};
    const c = table.add(pair(f32(3)), borrowed);
    expect(table.native(c, 'use')).toBe(borrowed);
    expect(table.memory()).toEqual({ buffers: 3, bytes: 44 });
    expect([table.owns(a!), table.owns({ type: pair() })]).toEqual([true, false]);
    table.free(a!);
    table.free(a!);
    expect([table.owns(a!), released]).toEqual([false, ['a']]);
    table.freeAll();
    table.free(b!);
    expect(released).toEqual(['a', 'b']);
    expect(table.memory()).toEqual({ buffers: 0, bytes: 0 });
    expect(errorOf(() => table.native(c, 'use')).code).toBe('disposed');
  });

  it('hands out frozen buffers, which nobody can turn into others', () => {
    const buffer = new BufferTable('mine').add(pair(), {});
    expect(() => Object.assign(buffer, { type: f64(3) })).toThrow(TypeError);
    const shape = [2];
    const uploaded = strictBackend().upload({ dtype: 'float64', shape }, Float64Array.of(1, 2));
    shape[0] = 3;
    expect(uploaded.type).toEqual(f64(2));
  });
});
