import type { AbortSignalLike } from '../abort/abort-signal.ts';
import type { DType, TypedArray } from '../program/dtype.ts';
import type { Program } from '../program/program.ts';
import type { ConcreteType } from '../program/tensor-type.ts';

/**
 * A tensor on a device. Opaque: only the backend that made it knows what is behind it.
 * It lives from `upload`, `run` or `wrap` until `free` (or its donation, or the backend's `dispose`).
 */
export interface DeviceBuffer {
  readonly type: ConcreteType;
}

/** What a backend can do, as data: core plans with it, nobody sniffs names. */
export interface Capabilities {
  /** Dtypes that programs may use: float32 and int32 at least. With float16, programs may take such parameters and cast them. */
  readonly dtypes: readonly DType[];
  /** Names with version (`softmax/1`) of composites that have a kernel of their own; others run their decomposition. */
  readonly composites: readonly string[];
  /** Largest single tensor in bytes; core cuts token blocks so that none exceeds it. */
  readonly maxBufferBytes: number;
  /**
   * Numbers that a block's widest intermediate ([rows, K] or [rows, m]) best has about: few where they should stay in a processor's cache
   * (2^20), many where each launch costs and memory is fast (2^26).
   */
  readonly preferredElements: number;
  /** Most inputs plus outputs one generated kernel may bind; `Infinity` where there is no such limit. For people: core does not plan with it. */
  readonly maxKernelInputs: number;
  /** Whether the same program on the same inputs gives the same bits every time on this device. */
  readonly deterministic: boolean;
}

/** What a backend holds at this moment; leak tests compare two of these. */
export interface MemoryUse {
  /** Live device buffers that callers own. */
  readonly buffers: number;
  /** Bytes of those buffers. */
  readonly bytes: number;
}

export interface RunOptions {
  /**
   * Positions in `inputs` whose buffers the run may reuse for its results. They are consumed
   * even when the run fails; using one afterwards is an error with code `disposed`.
   */
  readonly donate?: readonly number[];
  /**
   * Once it has fired, a run does not begin, and one that computes on the calling thread ends within some milliseconds: `aborted`. A run that
   * a device has taken over is finished.
   */
  readonly signal?: AbortSignalLike | undefined;
}

/** A program made ready for one device. */
export interface Executable {
  readonly program: Program;
  /**
   * Runs the program. Inputs are checked against its parameters (dtype, shape, symbols bound
   * consistently) and stay the caller's; results are new buffers that the caller frees.
   * Runs may overlap: results do not depend on their interleaving.
   *
   * It may resolve before the device has finished: results can go into the next run at once, since a device works in order. What goes
   * wrong after that rejects the next run or download. Inputs may be freed as soon as `run` was called: it uses what they held.
   */
  run(inputs: readonly DeviceBuffer[], options?: RunOptions): Promise<readonly DeviceBuffer[]>;
  /** Idempotent. Runs under way finish; running afterwards is an error with code `disposed`. */
  dispose(): void;
}

/**
 * Whatever can run a program. Structural: a plain object with these members is a backend,
 * nothing is registered anywhere, and nothing happens on import. What its numbers are, op by op, and what is left open: docs/backends/contract.md.
 */
export interface Backend {
  /** Version of this contract. A change of meaning makes it 2. */
  readonly contract: 1;
  /** For messages, never for branching. */
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Copies `data` (row-major, `type`'s dtype and element count) to the device; `data` may be changed afterwards. */
  upload(type: ConcreteType, data: TypedArray): DeviceBuffer;
  /**
   * A copy of the buffer's elements, once the device has computed them; freeing the buffer meanwhile changes nothing. The only way out:
   * there is no synchronous read. Downloads that are asked for together may be one trip to the device.
   */
  download(buffer: DeviceBuffer): Promise<TypedArray>;
  /** Ends a buffer's life, for the caller and for `memory` at once; runs and downloads that were asked for before still use it. Idempotent. */
  free(buffer: DeviceBuffer): void;
  /** Makes a program ready; throws (`unsupported`, `limit`) if this backend cannot run it. */
  compile(program: Program): Promise<Executable>;
  memory(): MemoryUse;
  /**
   * Resolves if the device goes away by itself; never rejects, and never resolves because of `dispose`. From then on, and where they are
   * under way, uploads, compilations, runs and downloads end with an error of code `lost`; `free`, `memory` and `dispose` go on working.
   */
  readonly lost: Promise<{ readonly reason: string }>;
  /** Borrows a tensor of the underlying library without a copy; `free` forgets it but never destroys it. */
  wrap?(native: unknown, type: ConcreteType): DeviceBuffer;
  /** The underlying library's tensor behind a buffer, still owned by the buffer. */
  unwrap?(buffer: DeviceBuffer): unknown;
  /**
   * Frees everything this backend made, never a device it borrowed. Runs and downloads under way end soon, with their results (of which
   * buffers have ended) or with an error of code `disposed`. Idempotent.
   */
  dispose(): void;
}
