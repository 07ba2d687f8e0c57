import { add, cast, f16, f32, mul, trace } from '@ddcl/core';
import type { Backend, ConcreteType, TypedArray } from '@ddcl/core/backend';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpuProvider, runtime } from './support.ts';

const type = (n: number) => f32(n) as ConcreteType;
let backend: Backend;
beforeAll(async () => {
  backend = await cpuProvider();
});
afterAll(() => backend.dispose());

const dataOf = (tensor: unknown): TypedArray => (tensor as { data: TypedArray }).data;

describe('buffers', () => {
  it('freed while a run uses them stay what they are until it has ended', async () => {
    const executable = await backend.compile(trace([f32(1000)], (x) => [add(x, x)]));
    const x = backend.upload(type(1000), new Float32Array(1000).fill(3));
    const running = executable.run([x]);
    backend.free(x);
    // Takes the array of x if that went back too early.
    const y = backend.upload(type(1000), new Float32Array(1000).fill(99));
    const [sum] = await running;
    expect(await backend.download(sum!)).toEqual(new Float32Array(1000).fill(6));
    backend.free(y);
    backend.free(sum!);
  });

  it('keep state on the way from step to step in two arrays that take turns', async () => {
    const arrays = new Set<ArrayBufferLike>();
    const Tensor = new Proxy(runtime.Tensor, {
      construct(target, [dtype, data, shape]: [string, Float32Array, number[]]) {
        arrays.add(data.buffer);
        return new target(dtype as 'float32', data, shape);
      },
    });
    const watched = await cpuProvider({ runtime: { ...runtime, Tensor } });
    const step = await watched.compile(trace([f32(257), f32()], (x, rate) => [mul(x, rate)]));
    const rate = watched.upload(f32() as ConcreteType, Float32Array.of(0.5));
    let state = watched.upload(type(257), new Float32Array(257).fill(2 ** 30));
    arrays.clear();
    for (let index = 0; index < 20; index++) {
      [state] = (await step.run([state, rate], { donate: [0] })) as [typeof state];
    }
    expect(await watched.download(state)).toEqual(new Float32Array(257).fill(2 ** 10));
    expect(arrays.size).toBe(2);
    watched.dispose();
  });

  it('of float16 are taken, returned and lent as bits, with a Float16Array in the engine or without', async () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001);
    const executable = await backend.compile(trace([f16(4)], (x) => [x, cast(x, 'float32')]));
    const half = f16(4) as ConcreteType;
    const lent = new runtime.Tensor('float16', bits.slice(), [4]);
    for (const buffer of [backend.upload(half, bits), backend.wrap!(lent, half)]) {
      const [same, numbers] = await executable.run([buffer]);
      expect(await backend.download(same!)).toEqual(bits);
      expect(await backend.download(numbers!)).toEqual(Float32Array.of(1, -2, 0.333251953125, 2 ** -24));
      expect((backend.unwrap!(buffer) as { type: string }).type).toBe('float16');
      for (const each of [buffer, same!, numbers!]) backend.free(each);
    }
    const empty = backend.upload(f16(0) as ConcreteType, new Uint16Array(0));
    expect(backend.unwrap!(empty)).toMatchObject({ type: 'float16', dims: [0] });
    backend.free(empty);
  });

  it('wrap a tensor of the runtime without a copy and never end it', async () => {
    const data = Float32Array.of(1, 2, 3);
    const wrapped = backend.wrap!(new runtime.Tensor('float32', data, [3]), type(3));
    data[0] = 10;
    const executable = await backend.compile(trace([f32(3)], (x) => [add(x, x)]));
    const [sum] = await executable.run([wrapped], { donate: [0] });
    expect(await backend.download(sum!)).toEqual(Float32Array.of(20, 4, 6));
    backend.free(sum!);
    // Its array was not taken for anything else.
    const other = backend.upload(type(3), Float32Array.of(7, 7, 7));
    expect(data).toEqual(Float32Array.of(10, 2, 3));
    backend.free(other);
    expect(() => backend.wrap!(new runtime.Tensor('float32', data, [3]), type(2))).toThrow(
      'f32[2], but got float32 [3]',
    );
    expect(() => backend.wrap!({}, type(2))).toThrow('wrap takes');
  });

  it('unwrapped are not written into by what comes later', async () => {
    const x = backend.upload(type(2), Float32Array.of(1, 2));
    const seen = dataOf(backend.unwrap!(x));
    expect(seen).toEqual(Float32Array.of(1, 2));
    backend.free(x);
    const y = backend.upload(type(2), Float32Array.of(8, 9));
    expect(seen).toEqual(Float32Array.of(1, 2));
    backend.free(y);
  });

  it('of a run that was under way when the backend ended are not handed out', async () => {
    const ending = await cpuProvider();
    const executable = await ending.compile(trace([f32(2)], (x) => [add(x, x)]));
    const running = executable.run([ending.upload(type(2), Float32Array.of(1, 2))]);
    ending.dispose();
    await expect(running).rejects.toMatchObject({ code: 'disposed' });
    expect(ending.memory()).toEqual({ buffers: 0, bytes: 0 });
  });
});
