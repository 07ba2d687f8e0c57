import { DdclError } from '../errors/ddcl-error.ts';
import { byteLength, formatType, type ConcreteType } from '../program/tensor-type.ts';
import type { DeviceBuffer, MemoryUse } from './contract.ts';

interface Held<Native> {
  readonly native: Native | undefined;
  readonly release: (() => void) | undefined;
  /** Runs and downloads that use it. */
  pins: number;
  /** It is nobody's any more, and is released after its last use. */
  ended: boolean;
}

/**
 * The device buffers that a backend has handed out. Buffers of other backends and buffers that
 * were freed or donated are refused with an error that says so.
 */
export class BufferTable<Native> {
  readonly #backend: string;
  readonly #held = new Map<DeviceBuffer, Held<Native>>();
  readonly #ended = new WeakSet<DeviceBuffer>();
  #bytes = 0;
  /** Pins that are set, of buffers alive and ended. */
  #pins = 0;
  #whenUnpinned: (() => void) | undefined;

  constructor(backend: string) {
    this.#backend = backend;
  }

  /** A new buffer; `release` is called when it ends. A type without elements has no native tensor. */
  add(type: ConcreteType, native: Native | undefined, release?: () => void): DeviceBuffer {
    const buffer: DeviceBuffer = Object.freeze({
      type: Object.freeze({ dtype: type.dtype, shape: Object.freeze([...type.shape]) }),
    });
    this.#held.set(buffer, { native, release, pins: 0, ended: false });
    this.#bytes += byteLength(type);
    return buffer;
  }

  /** Whether this backend made the buffer and it has not ended. */
  owns(buffer: DeviceBuffer): boolean {
    return this.#held.has(buffer);
  }

  /** @throws DdclError `disposed` after free or donation, `argument` for a buffer of another backend */
  native(buffer: DeviceBuffer, use: string): Native | undefined {
    const held = this.#held.get(buffer);
    if (held !== undefined) return held.native;
    if (this.#ended.has(buffer)) {
      throw new DdclError(
        'disposed',
        `${use} got a ${formatType(buffer.type)} buffer that was freed or donated before. Keep a buffer until its last use.`,
      );
    }
    throw new DdclError(
      'argument',
      `${use} got a buffer that the backend '${this.#backend}' did not make. Download it there and upload it here.`,
    );
  }

  /** Ends a buffer. Idempotent; a buffer of another backend is an error. */
  free(buffer: DeviceBuffer): void {
    if (this.#ended.has(buffer)) return;
    this.native(buffer, 'free');
    const held = this.#held.get(buffer)!;
    this.#held.delete(buffer);
    this.#ended.add(buffer);
    this.#bytes -= byteLength(buffer.type);
    held.ended = true;
    if (held.pins === 0) held.release?.();
  }

  /**
   * Keeps what is behind buffers until the returned function is called, once: one that ends meanwhile is released then.
   * @throws as {@link native}
   */
  pin(buffers: readonly DeviceBuffer[]): () => void {
    const pinned = buffers.map((buffer) => {
      this.native(buffer, 'pin');
      return this.#held.get(buffer)!;
    });
    for (const held of pinned) held.pins++;
    this.#pins += pinned.length;
    return () => {
      for (const held of pinned) if (--held.pins === 0 && held.ended) held.release?.();
      this.#pins -= pinned.length;
      if (this.#pins === 0) this.#whenUnpinned?.();
    };
  }

  /** Calls back when nothing is pinned: now, or after the last use. */
  whenUnpinned(callback: () => void): void {
    if (this.#pins === 0) callback();
    else {
      this.#whenUnpinned = () => {
        this.#whenUnpinned = undefined;
        callback();
      };
    }
  }

  freeAll(): void {
    for (const buffer of Array.from(this.#held.keys())) this.free(buffer);
  }

  memory(): MemoryUse {
    return { buffers: this.#held.size, bytes: this.#bytes };
  }
}
