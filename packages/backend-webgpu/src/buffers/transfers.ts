import { allocate, byteLength, type ConcreteType, type TypedArray } from '@ddcl/core/backend';
import { bufferUsage, mapForReading } from '../device/flags.ts';
import type { DeviceState } from '../device/device-state.ts';
import type { BufferPool, NativeBuffer } from './buffer-pool.ts';

/** What browsers, workers and Node share; the types of neither are needed for it. */
declare const queueMicrotask: (task: () => void) => void;

interface Request {
  readonly native: NativeBuffer;
  readonly type: ConcreteType;
  readonly offset: number;
  readonly resolve: (data: TypedArray) => void;
  readonly reject: (error: unknown) => void;
}

/** Places in a staging buffer begin at multiples of this. */
const alignment = 16;
const stagingPerSize = 4;

/** Copies between host and device. Downloads asked for in one turn of the event loop share one round trip. */
export class Transfers {
  readonly #state: DeviceState;
  readonly #pool: BufferPool;
  readonly #staging = new Map<number, GPUBuffer[]>();
  #requests: Request[] = [];
  #bytes = 0;

  constructor(state: DeviceState, pool: BufferPool) {
    this.#state = state;
    this.#pool = pool;
  }

  upload(type: ConcreteType, data: TypedArray): NativeBuffer {
    const native = this.#pool.take(byteLength(type));
    const { queue } = this.#state.device;
    const source = data as TypedArray & ArrayBufferView<ArrayBuffer>;
    const whole = data.byteLength - (data.byteLength % 4);
    if (whole > 0) queue.writeBuffer(native.buffer, 0, source.buffer, source.byteOffset, whole);
    if (whole < data.byteLength) {
      const tail = new Uint8Array(4);
      tail.set(new Uint8Array(data.buffer, data.byteOffset + whole, data.byteLength - whole));
      queue.writeBuffer(native.buffer, whole, tail);
    }
    return native;
  }

  download(native: NativeBuffer, type: ConcreteType): Promise<TypedArray> {
    this.#pool.hold(native);
    if (this.#requests.length === 0) queueMicrotask(() => void this.#flush());
    const offset = this.#bytes;
    this.#bytes += Math.ceil(byteLength(type) / alignment) * alignment;
    return new Promise((resolve, reject) => this.#requests.push({ native, type, offset, resolve, reject }));
  }

  clear(): void {
    for (const list of this.#staging.values()) for (const buffer of list) buffer.destroy();
    this.#staging.clear();
  }

  async #flush(): Promise<void> {
    const [requests, bytes] = [this.#requests, this.#bytes];
    [this.#requests, this.#bytes] = [[], 0];
    try {
      this.#state.requireAlive('download');
      const staging = this.#copyOut(requests, bytes);
      await staging.mapAsync(mapForReading, 0, bytes);
      const mapped = staging.getMappedRange(0, bytes);
      const results = requests.map(({ type, offset }) => {
        const data = allocate(type.dtype, byteLength(type) / allocate(type.dtype, 1).byteLength);
        new Uint8Array(data.buffer).set(new Uint8Array(mapped, offset, data.byteLength));
        return data;
      });
      staging.unmap();
      this.#keep(staging);
      requests.forEach(({ resolve }, index) => resolve(results[index]!));
    } catch (error) {
      const reason = await this.#reasonOf(error);
      for (const { reject } of requests) reject(reason);
    } finally {
      for (const { native } of requests) this.#pool.drop(native);
    }
  }

  #copyOut(requests: readonly Request[], bytes: number): GPUBuffer {
    const { device } = this.#state;
    const size = 2 ** Math.ceil(Math.log2(Math.max(256, bytes)));
    const staging =
      this.#staging.get(size)?.pop() ??
      device.createBuffer({ size, usage: bufferUsage.mapRead | bufferUsage.copyTarget });
    const encoder = device.createCommandEncoder();
    for (const { native, type, offset } of requests) {
      encoder.copyBufferToBuffer(native.buffer, 0, staging, offset, Math.ceil(byteLength(type) / 4) * 4);
    }
    device.queue.submit([encoder.finish()]);
    return staging;
  }

  #keep(staging: GPUBuffer): void {
    const list = this.#staging.get(staging.size) ?? [];
    if (this.#state.isDisposed || list.length >= stagingPerSize) staging.destroy();
    else this.#staging.set(staging.size, [...list, staging]);
  }

  /** Of all entries only mapping rejects on a lost device. */
  async #reasonOf(error: unknown): Promise<unknown> {
    if ((error as Error).name !== 'AbortError') return error;
    try {
      this.#state.requireAlive('download');
    } catch (reason) {
      return reason;
    }
    return this.#state.lostError('download');
  }
}
