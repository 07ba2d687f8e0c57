import { bufferUsage } from '../device/flags.ts';
import { deviceError, type DeviceState } from '../device/device-state.ts';
import { paddedBytes } from '../plan/plan.ts';

/** A GPU buffer behind tensors or intermediates. */
export interface NativeBuffer {
  readonly buffer: GPUBuffer;
  /** As allocated; the tensor's own may be fewer. */
  readonly bytes: number;
  /** Unlike those of all others of this backend. */
  readonly serial: number;
  /** Whether it goes back to the pool in the end; not if a user has seen it. */
  pooled: boolean;
  /** A user's, never destroyed. */
  readonly borrowed: boolean;
  /** Downloads and runs that wait to use it. */
  uses: number;
  ended: boolean;
}

const usage = bufferUsage.storage | bufferUsage.copySource | bufferUsage.copyTarget;
/** Allocations above this are asked whether there was memory for them; smaller ones fail elsewhere first. */
const largeBytes = 16 * 2 ** 20;
/** What may lie idle whatever was in use. */
const leastIdleBytes = 64 * 2 ** 20;

/**
 * Buffers by exact size. Work is done in the order in which it was submitted, so what a submitted run has used may be used by the next at once.
 * What lies idle is bounded by twice the most that was in use.
 */
export class BufferPool {
  readonly #state: DeviceState;
  readonly #idle = new Map<number, NativeBuffer[]>();
  #idleBytes = 0;
  #usedBytes = 0;
  #mostBytes = 0;
  #next = 0;
  #live = 0;

  constructor(state: DeviceState) {
    this.#state = state;
  }

  /** GPU buffers that were made and not destroyed. */
  get live(): number {
    return this.#live;
  }

  /** A buffer of any content for so many bytes. */
  take(bytes: number): NativeBuffer {
    const size = paddedBytes(bytes);
    this.#usedBytes += size;
    this.#mostBytes = Math.max(this.#mostBytes, this.#usedBytes);
    const idle = this.#idle.get(size)?.pop();
    if (idle !== undefined) {
      this.#idleBytes -= size;
      idle.ended = false;
      return idle;
    }
    this.#live++;
    return {
      buffer: this.#create(size),
      bytes: size,
      serial: this.#next++,
      pooled: true,
      borrowed: false,
      uses: 0,
      ended: false,
    };
  }

  /** A user's buffer, which stays the user's. */
  borrow(buffer: GPUBuffer): NativeBuffer {
    return { buffer, bytes: buffer.size, serial: this.#next++, pooled: false, borrowed: true, uses: 0, ended: false };
  }

  /** Nobody owns it any more; what waits to use it still may. */
  end(native: NativeBuffer): void {
    native.ended = true;
    this.#finish(native);
  }

  hold(native: NativeBuffer): void {
    native.uses++;
  }

  drop(native: NativeBuffer): void {
    native.uses--;
    this.#finish(native);
  }

  clear(): void {
    for (const list of this.#idle.values()) for (const native of list) this.#destroy(native);
    this.#idle.clear();
    this.#idleBytes = 0;
  }

  #finish(native: NativeBuffer): void {
    if (!native.ended || native.uses > 0 || native.borrowed) return;
    this.#usedBytes -= native.bytes;
    if (!native.pooled || this.#state.isDisposed) {
      this.#destroy(native);
      return;
    }
    const list = this.#idle.get(native.bytes) ?? [];
    list.push(native);
    // The size that was used last is forgotten last.
    this.#idle.delete(native.bytes);
    this.#idle.set(native.bytes, list);
    this.#idleBytes += native.bytes;
    const most = Math.max(leastIdleBytes, 2 * this.#mostBytes);
    for (const [size, idle] of this.#idle) {
      while (this.#idleBytes > most && idle.length > 0) {
        this.#idleBytes -= size;
        this.#destroy(idle.shift()!);
      }
      if (idle.length === 0) this.#idle.delete(size);
      if (this.#idleBytes <= most) return;
    }
  }

  #destroy({ buffer }: NativeBuffer): void {
    this.#live--;
    buffer.destroy();
  }

  #create(size: number): GPUBuffer {
    const { device } = this.#state;
    if (size < largeBytes) return device.createBuffer({ size, usage });
    device.pushErrorScope('out-of-memory');
    const buffer = device.createBuffer({ size, usage });
    device.popErrorScope().then(
      (error) => error !== null && this.#state.fail(deviceError(error)),
      () => {},
    );
    return buffer;
  }
}
