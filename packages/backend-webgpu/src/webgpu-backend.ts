import {
  allocate,
  BufferTable,
  byteLength,
  checkUpload,
  DdclError,
  elementCount,
  formatType,
  isConcrete,
  tensorType,
  type Backend,
  type Capabilities,
  type ConcreteType,
  type Program,
} from '@ddcl/core/backend';
import { BufferPool, type NativeBuffer } from './buffers/buffer-pool.ts';
import { Transfers } from './buffers/transfers.ts';
import { namesOf } from './compile/compile-program.ts';
import { fusedComposites } from './ddcl/composites.ts';
import { dumpFromEnvironment } from './device/dump-shaders.ts';
import { DeviceState } from './device/device-state.ts';
import { bufferUsage } from './device/flags.ts';
import { requestDevice } from './device/request-device.ts';
import type { KernelLimits } from './plan/plan-builder.ts';
import { checkOptions, type WebgpuBackendOptions } from './options.ts';
import { createExecutable, type ExecutableContext, type WebgpuExecutable } from './run/executable.ts';
import { Pipelines } from './run/pipelines.ts';
import { createThrottle } from './run/throttle.ts';

/** What a pass over tokens keeps of them: large enough to keep a card busy, and within the second-level cache of large ones. */
const mostChunkBytes = 32 * 2 ** 20;
/** A token, its output and a prototype beside them in the registers of a thread. */
const mostNarrow = 32;

/** A {@link Backend} whose executables tell their plans. */
export interface WebgpuBackend extends Backend {
  compile(program: Program): Promise<WebgpuExecutable>;
  wrap(native: GPUBuffer, type: ConcreteType): ReturnType<NonNullable<Backend['wrap']>>;
  unwrap(buffer: Parameters<NonNullable<Backend['unwrap']>>[0]): GPUBuffer;
}

/**
 * A backend that runs each program as kernels in WGSL, one command buffer a run: float32 and int32, float16 as storage, on any device with
 * WebGPU, in browsers and (with the package `webgpu`) in Node. A run resolves when its work is submitted; errors that the device tells of later
 * fail the next call.
 *
 * @throws DdclError `argument` for options that exclude each other; `unsupported` if there is no device, with what was tried and what helps
 */
export function webgpuBackend(options: WebgpuBackendOptions = {}): Promise<WebgpuBackend> {
  return makeWebgpuBackend(options);
}

/** {@link webgpuBackend} with what only tests change. */
export async function makeWebgpuBackend(
  options: WebgpuBackendOptions,
  {
    chunkBytes = mostChunkBytes,
    narrowWidth = mostNarrow,
  }: Partial<Pick<KernelLimits, 'chunkBytes' | 'narrowWidth'>> = {},
): Promise<WebgpuBackend> {
  checkOptions(options);
  const onShader = options.onShader ?? (await dumpFromEnvironment());
  const lease = await requestDevice(options);
  const name = `webgpu (${lease.description})`;
  const state = new DeviceState(name, lease);
  const { device } = state;
  const { limits } = device;
  const composites = options.fused === false ? {} : fusedComposites;
  const capabilities: Capabilities = {
    dtypes: ['float32', 'int32', 'float16'],
    composites: namesOf(composites),
    maxBufferBytes: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
    preferredElements: 2 ** 24,
    maxKernelInputs: limits.maxStorageBuffersPerShaderStage,
    deterministic: true,
  };
  const buffers = new BufferTable<NativeBuffer>(name);
  const pool = new BufferPool(state);
  const transfers = new Transfers(state, pool);
  const context: ExecutableContext = {
    state,
    capabilities,
    buffers,
    pool,
    pipelines: new Pipelines(state, onShader),
    options: {
      composites,
      limits: {
        storageBuffers: limits.maxStorageBuffersPerShaderStage,
        sharedBytes: limits.maxComputeWorkgroupStorageSize,
        chunkBytes,
        narrowWidth,
      },
    },
    executables: new Set(),
    throttle: createThrottle(device.queue),
  };

  return {
    contract: 1,
    name,
    capabilities,
    upload(type, data) {
      state.requireAlive('upload');
      const checked = tensorType(type.dtype, type.shape);
      if (!isConcrete(checked)) {
        throw new DdclError('shape', `upload takes a type of known sizes, but got ${formatType(checked)}.`);
      }
      checkUpload(name, capabilities, checked, data);
      const native = data.length === 0 ? undefined : transfers.upload(checked, data);
      return buffers.add(checked, native, native && (() => pool.end(native)));
    },
    async download(buffer) {
      state.requireAlive('download');
      const native = buffers.native(buffer, 'download');
      return native === undefined ? allocate(buffer.type.dtype, 0) : transfers.download(native, buffer.type);
    },
    free(buffer) {
      if (!state.isDisposed) buffers.free(buffer);
    },
    async compile(program) {
      state.requireAlive('compile');
      return createExecutable(context, program);
    },
    memory: () => buffers.memory(),
    lost: state.lost,
    wrap(native, type) {
      state.requireAlive('wrap');
      requireBuffer(native, type);
      const borrowed = elementCount(type.shape) === 0 ? undefined : pool.borrow(native);
      return buffers.add(type, borrowed, borrowed && (() => pool.end(borrowed)));
    },
    unwrap(buffer) {
      state.requireAlive('unwrap');
      const native = buffers.native(buffer, 'unwrap');
      if (native === undefined) {
        throw new DdclError(
          'argument',
          `unwrap got a ${formatType(buffer.type)}, which has no elements and so no GPUBuffer.`,
        );
      }
      // The user may keep it, so nobody else may get it.
      native.pooled = false;
      return native.buffer;
    },
    dispose() {
      if (state.isDisposed) return;
      buffers.freeAll();
      for (const executable of context.executables) executable.dispose();
      pool.clear();
      transfers.clear();
      state.dispose();
    },
  };
}

/** @throws DdclError `argument` unless `native` is a GPUBuffer that kernels can read, of enough bytes */
function requireBuffer(native: GPUBuffer, type: ConcreteType): void {
  const usage = bufferUsage.storage | bufferUsage.copySource;
  const bytes = Math.ceil(byteLength(type) / 4) * 4;
  if (typeof native?.size === 'number' && native.size >= bytes && (native.usage & usage) === usage) return;
  const got =
    typeof native?.size === 'number' ? `one of ${native.size} bytes and usage ${native.usage}` : String(native);
  throw new DdclError(
    'argument',
    `wrap of ${formatType(type)} takes a GPUBuffer of at least ${bytes} bytes with the usages STORAGE and COPY_SRC, but got ${got}.`,
  );
}
