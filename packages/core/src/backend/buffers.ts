import { DdclError } from '../errors/ddcl-error.ts';
import { byteLength, formatType, type ConcreteType } from '../program/tensor-type.ts';
import type { DeviceBuffer, MemoryUse } from './contract.ts';

interface Held<Native> {
  readonly native: Native | undefined;
  readonly release: (() => void) | undefined;
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

  constructor(backend: string) {
    this.#backend = backend;
  }

  /** A new buffer; `release` is called when it ends. A type without elements has no native tensor. */
  add(type: ConcreteType, native: Native | undefined, release?: () => void): DeviceBuffer {
    const buffer: DeviceBuffer = Object.freeze({
      type: Object.freeze({ dtype: type.dtype, shape: Object.freeze([...type.shape]) }),
    });
    this.#held.set(buffer, { native, release });
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
    held.release?.();
  }

  freeAll(): void {
    for (const buffer of Array.from(this.#held.keys())) this.free(buffer);
  }

  memory(): MemoryUse {
    return { buffers: this.#held.size, bytes: this.#bytes };
  }
}
