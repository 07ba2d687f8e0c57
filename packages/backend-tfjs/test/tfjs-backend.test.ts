import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { f32, matmul, mul, sub, sum, trace } from '@ddcl/core';
import type { Backend, DeviceBuffer } from '@ddcl/core/backend';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tfjsBackend, type Tfjs } from '../src/index.ts';

const pair = { dtype: 'float32', shape: [2] } as const;
const product = trace([f32(2, 2), f32(2)], (a, b) => [sum(mul(matmul(a, a), b), [1]), b]);

async function runProduct(backend: Backend): Promise<Float32Array> {
  const executable = await backend.compile(product);
  const inputs = [
    backend.upload({ dtype: 'float32', shape: [2, 2] }, Float32Array.of(1, 2, 3, 4)),
    backend.upload(pair, Float32Array.of(10, 1)),
  ];
  const results = await executable.run(inputs);
  const data = await backend.download(results[0]!);
  for (const buffer of [...inputs, ...results]) backend.free(buffer);
  return data as Float32Array;
}

describe('tfjsBackend', () => {
  let backend: Backend;

  beforeEach(async () => {
    await tf.setBackend('cpu');
    backend = await tfjsBackend({ tf });
  });
  afterEach(() => backend.dispose());

  it('leaves the backend, the flags and the kernels of tfjs as they are', async () => {
    const state = () => ({
      backend: tf.getBackend(),
      flags: { ...tf.env().features },
      kernels: tf.getKernelsForBackend('cpu').length,
      tensors: tf.memory().numTensors,
    });
    const before = state();
    // [[7, 10], [15, 22]] times (10, 1), by hand.
    expect([...(await runProduct(backend))]).toEqual([80, 172]);
    expect(state()).toEqual(before);
    expect(backend.memory()).toEqual({ buffers: 0, bytes: 0 });
  });

  it('leaves nothing behind in 1,000 runs', async () => {
    const before = tf.memory().numTensors;
    for (let step = 0; step < 1000; step++) await runProduct(backend);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('makes results that outlive a tidy of the caller, and leaves its tensors to it', async () => {
    const executable = await backend.compile(trace([f32(2)], (x) => [mul(x, 2)]));
    const before = tf.memory().numTensors;
    let running: Promise<readonly DeviceBuffer[]> | undefined;
    tf.tidy(() => {
      running = executable.run([backend.wrap!(tf.tensor1d([1, 2]), pair)]);
    });
    const [result] = await running!;
    expect([...(await backend.download(result!))]).toEqual([2, 4]);
    backend.free(result!);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('borrows a tensor and lends one without a copy', () => {
    const mine = tf.tensor1d([1, 2]);
    const lent = backend.wrap!(mine, pair);
    expect(backend.unwrap!(lent)).toBe(mine);
    backend.free(lent);
    expect(mine.isDisposed).toBe(false);
    mine.dispose();
  });

  it('refuses to run where tfjs runs on another backend than before', async () => {
    await tf.setBackend('wasm');
    expect(() => backend.upload(pair, new Float32Array(2))).toThrow(/ran on 'cpu'.*now runs on 'wasm'.*setBackend/);
    await tf.setBackend('cpu');
    expect([...(await runProduct(backend))]).toEqual([80, 172]);
  });

  it('refuses tensors that it cannot take, and says why', () => {
    const gone = tf.tensor1d([1, 2]);
    gone.dispose();
    expect(() => backend.wrap!(gone, pair)).toThrow(/disposed/);
    expect(() => backend.wrap!([1, 2], pair)).toThrow(/takes a tensor of tfjs/);
    const wrong = tf.tensor1d([1, 0], 'bool');
    const refusal = (tensor: unknown): unknown => {
      try {
        return backend.wrap!(tensor, pair);
      } catch (error) {
        return error;
      }
    };
    expect(refusal(wrong)).toMatchObject({
      code: 'dtype',
      message:
        "wrap takes f32[2], but got a tensor of bool [2], and there is no promotion. Cast it before: tensor.cast('float32').",
    });
    const long = tf.tensor1d([1, 2, 3]);
    expect(refusal(long)).toMatchObject({
      code: 'shape',
      message:
        'wrap takes a tensor for the type [2] that it is given, but got one of [3]. Give the shape that it has as the type, or a tensor of 2 numbers.',
    });
    tf.dispose([wrong, long]);
    // As in a worker or a frame: another engine, whose numbers are elsewhere.
    const Engine = tf.engine().constructor as new (environment: unknown) => ReturnType<typeof tf.engine>;
    const elsewhere = new Engine(tf.env());
    elsewhere.registerBackend('cpu', () => new MathBackendCPU());
    const foreign = elsewhere.makeTensor(Float32Array.of(1, 2), [2], 'float32');
    expect(() => backend.wrap!(foreign, pair)).toThrow(/of another tfjs/);
  });
});

it.each(['cpu', 'wasm'])('stretches operands of eight axes on %s', async (name) => {
  await tf.setBackend(name);
  const backend = await tfjsBackend({ tf });
  const shape = [2, 1, 3, 2, 2, 1, 2, 2];
  const factors = { dtype: 'float32', shape: [2, 1, 3, 1, 1, 1, 1, 1] } as const;
  const executable = await backend.compile(
    trace([f32(...shape), f32(...factors.shape)], (x, y) => [sub(mul(x, y), 1)]),
  );
  const [result] = await executable.run([
    backend.upload(
      { dtype: 'float32', shape },
      Float32Array.from({ length: 96 }, (_, index) => index),
    ),
    backend.upload(factors, Float32Array.of(2, 3, 5, 7, 11, 13)),
  ]);
  const expected = Array.from({ length: 96 }, (_, index) => index * [2, 3, 5, 7, 11, 13][Math.floor(index / 16)]! - 1);
  expect([...(await backend.download(result!))]).toEqual(expected);
  backend.dispose();
});

describe('what tfjsBackend refuses', () => {
  it('a module that is no tfjs', async () => {
    await expect(tfjsBackend({ tf: undefined as unknown as Tfjs })).rejects.toThrow(/module of TensorFlow.js.*Install/);
    const text =
      "tfjsBackend takes the module of TensorFlow.js as 'tf', but got undefined. Install one of its packages and pass the module: import * as tf from '@tensorflow/tfjs'; await tfjsBackend({ tf }).";
    for (const options of [undefined, null, {}]) await expect(tfjsBackend(options as never)).rejects.toThrow(text);
    const part = { ...tf, scatterND: undefined } as unknown as Tfjs;
    await expect(tfjsBackend({ tf: part })).rejects.toThrow(/lacks scatterND/);
    await expect(tfjsBackend({ tf, maxBufferBytes: 0.5 })).rejects.toThrow(/maxBufferBytes/);
  });

  it('a tfjs without a backend', async () => {
    const bare = { ...tf, ready: () => Promise.reject(new Error('No backend found in registry.')) } as Tfjs;
    await expect(tfjsBackend({ tf: bare })).rejects.toThrow(/No backend found.*tfjs-backend-wasm/);
  });

  it('a second copy of tfjs-core in the process', async () => {
    await tf.setBackend('cpu');
    const require = createRequire(import.meta.url);
    const path = require.resolve('@tensorflow/tfjs-core');
    const first = require.cache[path];
    delete require.cache[path];
    const second = require(path) as Tfjs;
    if (first !== undefined) require.cache[path] = first;
    expect(second.Tensor).not.toBe(tf.Tensor);
    await expect(tfjsBackend({ tf: second })).rejects.toThrow(/two copies of @tensorflow\/tfjs-core.*npm ls/);
  });

  it('WebGL that computes with 16 bits', async () => {
    const flags: Record<string, boolean> = { WEBGL_RENDER_FLOAT32_ENABLED: false, WEBGL_FORCE_F16_TEXTURES: false };
    const on = (values: Record<string, boolean>): Tfjs =>
      ({
        ...tf,
        getBackend: () => 'webgl',
        env: () => ({ getBool: (name: string) => values[name]!, getNumber: () => 4096 }),
      }) as unknown as Tfjs;
    await expect(tfjsBackend({ tf: on(flags) })).rejects.toMatchObject({ code: 'unsupported' });
    const full = { ...flags, WEBGL_RENDER_FLOAT32_ENABLED: true };
    await expect(tfjsBackend({ tf: on({ ...full, WEBGL_FORCE_F16_TEXTURES: true }) })).rejects.toThrow(/16 bits/);
    expect((await tfjsBackend({ tf: on(full) })).capabilities.maxBufferBytes).toBe(4 * 4096 * 4096);
  });
});
