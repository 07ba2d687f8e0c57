import { add, f32, matmul, mul, trace } from '@ddcl/core';
import { fit, tokensFromArray, tokensFromReader } from '@ddcl/core/fit';
import { isDdclError, type ConcreteType, type DdclErrorCode } from '@ddcl/core/backend';
import { describe, expect, it } from 'vitest';
import { webgpuBackend } from '../src/index.ts';
import { adamStep } from './plans.ts';
import { hasAdapter, makeBackend, makeDevice } from './support.ts';

const type = (...shape: number[]): ConcreteType => ({ dtype: 'float32', shape });

/** Counts the GPU buffers that are alive on a device. */
function countBuffers(device: GPUDevice): () => number {
  let live = 0;
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    live++;
    const buffer = create(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    let isAlive = true;
    buffer.destroy = () => {
      if (isAlive) live--;
      isAlive = false;
      return destroy();
    };
    return buffer;
  };
  return () => live;
}

describe.runIf(hasAdapter)('a device', () => {
  it('holds no more buffers after a thousand steps than after ten', async () => {
    const device = await makeDevice();
    const live = countBuffers(device);
    const backend = await makeBackend({ device });
    const executable = await backend.compile(adamStep(16, 3, 4));
    const [tokens, weights, temperature] = [
      backend.upload(
        type(16, 3),
        Float32Array.from({ length: 48 }, (_, index) => Math.sin(index)),
      ),
      backend.upload(type(16), new Float32Array(16).fill(1)),
      backend.upload(type(), Float32Array.of(0.5)),
    ];
    let [prototypes, first, second] = [1, 0, 0].map((scale) =>
      backend.upload(
        type(4, 3),
        Float32Array.from({ length: 12 }, (_, index) => scale * Math.cos(index)),
      ),
    );
    const losses: number[] = [];
    const run = async (steps: number): Promise<void> => {
      for (let step = 0; step < steps; step++) {
        const results = await executable.run([tokens, weights, prototypes!, temperature, first!, second!], {
          donate: [2, 4, 5],
        });
        if (step === steps - 1) losses.push((await backend.download(results[0]!))[0]!);
        backend.free(results[0]!);
        [, prototypes, first, second] = results;
      }
    };
    await run(10);
    const before = { live: live(), ...backend.memory() };
    await run(1000);
    expect({ live: live(), ...backend.memory() }).toEqual(before);
    expect(losses[1]).toBeLessThan(losses[0]!);
    backend.dispose();
    expect(live()).toBe(0);
    // Borrowed: what it was lent for is over, the device is not.
    expect(await Promise.race([device.lost, device.queue.onSubmittedWorkDone().then(() => 'alive')])).toBe('alive');
    device.destroy();
  });

  it('that goes away at any moment leaves a typed error, and nothing that waits', async () => {
    const program = trace([f32(8, 8)], (x) => [matmul(x, mul(x, 2))]);
    for (let moment = 0; moment < 10; moment++) {
      const device = await makeDevice();
      const backend = await makeBackend({ device });
      const steps = async (): Promise<void> => {
        const executable = await backend.compile(program);
        for (let step = 0; ; step++) {
          if (step === moment) device.destroy();
          const x = backend.upload(type(8, 8), new Float32Array(64).fill(1));
          const [y] = await executable.run([x], { donate: [0] });
          if (moment % 2 === 0) await backend.download(y!);
          backend.free(y!);
          await new Promise((resolve) => setTimeout(resolve));
        }
      };
      await expect(steps()).rejects.toSatisfy((error) => isDdclError(error, 'lost'), `destroyed before step ${moment}`);
      expect((await backend.lost).reason).not.toBe('');
      for (const use of [() => backend.upload(type(1), new Float32Array(1)), () => backend.compile(program)]) {
        await expect((async () => use())()).rejects.toMatchObject({ code: 'lost' satisfies DdclErrorCode });
      }
      backend.dispose();
    }
  });

  it('that goes away in the middle of a fit fails it, and checkpoints stay what they were', async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown): number => unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    const tokens = tokensFromReader(
      tokensFromArray(
        Float32Array.from({ length: 600 }, (_, at) => Math.sin(at) + 3 * (Math.floor(at / 2) % 3)),
        2,
      ),
    );
    const options = { prototypes: 3, steps: 40, batch: 100, records: 4, seed: 1, temperature: 0.5 };
    const kept: Uint8Array[] = [];
    // In the first pass, between steps, and near the end.
    for (const moment of [7, 36, 57]) {
      const device = await makeDevice();
      const backend = await makeBackend({ device });
      const { queue } = device;
      const submit = queue.submit.bind(queue);
      let submissions = 0;
      queue.submit = (commands) => {
        if (submissions++ === moment) device.destroy();
        return submit(commands);
      };
      const fitting = fit(backend, tokens, { ...options, onCheckpoint: async (make) => void kept.push(await make()) });
      await expect(fitting).rejects.toSatisfy((error) => isDdclError(error, 'lost'), `lost at submission ${moment}`);
      backend.dispose();
    }
    const other = await makeBackend();
    await expect(fit(other, tokens, { ...options, resume: kept.at(-1)! })).resolves.toBeDefined();
    other.dispose();
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
  });

  it('tells of what it refused in the next call', async () => {
    const device = await makeDevice();
    const backend = await makeBackend({ device });
    device.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: 4, buffer: {} },
        { binding: 0, visibility: 4, buffer: {} },
      ],
    });
    await device.queue.onSubmittedWorkDone();
    await expect(backend.compile(trace([f32(1)], (x) => [add(x, x)]))).rejects.toMatchObject({ code: 'internal' });
    await expect(backend.compile(trace([f32(1)], (x) => [add(x, x)]))).resolves.toBeDefined();
    backend.dispose();
    device.destroy();
  });
});

describe('options', () => {
  it('take one source of a device', async () => {
    const [adapter, device] = [{} as GPUAdapter, {} as GPUDevice];
    await expect(webgpuBackend({ adapter, device })).rejects.toMatchObject({ code: 'argument' });
  });

  it.each<[string, object, string]>([
    [
      'a name',
      { device: 'cuda' },
      'device must be what adapter.requestDevice() gives, but is of type string. Leave it out for the default.',
    ],
    [
      'null',
      { gpu: null },
      "gpu must be navigator.gpu, or create([]) of the package 'webgpu', but is null. Leave it out for the default.",
    ],
    [
      'an empty object',
      { adapter: {} },
      'adapter must be what gpu.requestAdapter() gives, but is of type object. Leave it out for the default.',
    ],
    [
      'a slip',
      { devise: 1 },
      "webgpuBackend has no option 'devise'; it takes gpu, adapter, device, fused and onShader.",
    ],
  ])('are looked at: %s', async (_name, options, message) => {
    await expect(webgpuBackend(options)).rejects.toMatchObject({ code: 'argument', message });
  });

  it('say that an adapter makes one device', async () => {
    const requestDevice = (): Promise<never> => Promise.reject(new Error('adapter is "consumed"'));
    const adapter = { limits: {}, info: { vendor: 'a card' }, requestDevice } as unknown as GPUAdapter;
    await expect(webgpuBackend({ adapter })).rejects.toThrow(
      'The adapter a card gives no device: Error: adapter is "consumed". An adapter makes one device: ask for another one.',
    );
  });

  it('say what was tried and what helps where there is no adapter', async () => {
    const gpu = { requestAdapter: async () => null } as unknown as GPU;
    await expect(webgpuBackend({ gpu })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('found no adapter. In browsers:'),
    });
  });

  it('ask once more with the limits that every device has', async () => {
    const asked: GPUDeviceDescriptor[] = [];
    const device = {
      lost: new Promise(() => {}),
      limits: { maxBufferSize: 256, maxStorageBufferBindingSize: 128 },
      addEventListener() {},
    };
    const requestDevice = async (descriptor: GPUDeviceDescriptor): Promise<unknown> => {
      asked.push(descriptor);
      if (asked.length === 1) throw new Error('too much');
      return device;
    };
    const adapter = { limits: { maxBufferSize: 1e12 }, info: { vendor: 'a phone' }, requestDevice };
    const backend = await webgpuBackend({ gpu: { requestAdapter: async () => adapter } as unknown as GPU });
    expect(asked.map(({ requiredLimits }) => requiredLimits?.['maxBufferSize'])).toEqual([1e12, undefined]);
    expect(backend.capabilities.maxBufferBytes).toBe(128);
    expect(backend.name).toBe('webgpu (a phone)');
  });
});
