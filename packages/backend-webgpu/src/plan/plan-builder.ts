import type { ConcreteType, TypedArray } from '@ddcl/core/backend';
import type { Plan, PlanBuffer, PlanCopy } from './plan.ts';
import { mapKernel } from '../kernels/map.ts';
import { paddedBytes } from './plan.ts';
import type { Dispatch, Symbols } from '../wgsl/module.ts';
import { countOf } from '../wgsl/place.ts';
import { memberOf, type Size } from '../wgsl/size.ts';
import { assignSlots } from './assign-slots.ts';
import { MapGroups } from './group-maps.ts';
import { readsOf, type BufferId, type Expression, type Scalar, type Stored, type Value } from '../wgsl/value.ts';

/** What a device allows a kernel. */
export interface KernelLimits {
  /** Storage buffers that one kernel may bind, outputs included. */
  readonly storageBuffers: number;
  /** Bytes of shared memory. */
  readonly sharedBytes: number;
  /** Bytes that a pass over tokens may keep for its N x K numbers; more tokens go in chunks. */
  readonly chunkBytes: number;
  /** Tokens of at most so many numbers are kept in registers. */
  readonly narrowWidth: number;
}

/** Where a view may begin, on every device. */
const viewAlignment = 256;

type Draft = PlanBuffer | { readonly origin: 'made'; readonly bytes: number };

/** A plan that is being made: buffers, dispatches in order, elementwise values that wait for their kernel. */
export class PlanBuilder {
  readonly limits: KernelLimits;
  readonly symbols: Record<string, number>;
  readonly #buffers: Draft[] = [];
  readonly #dispatches: Dispatch[] = [];
  readonly #copies: PlanCopy[] = [];
  readonly #maps: MapGroups;
  readonly #stored = new Map<Expression, Stored>();

  constructor(symbols: Symbols, limits: KernelLimits) {
    this.symbols = { ...symbols };
    this.limits = limits;
    this.#maps = new MapGroups(this.symbols, limits.storageBuffers, (dispatch) => this.#dispatches.push(dispatch));
  }

  parameter(index: number, scalar: Scalar, shape: readonly Size[], half: boolean): Stored {
    const bytes = countOf(shape).value * (half ? 2 : 4);
    return this.#add({ origin: 'parameter', index, bytes }, scalar, shape, half);
  }

  constant(data: TypedArray, scalar: Scalar, shape: readonly Size[]): Stored {
    return this.#add({ origin: 'constant', data, bytes: data.byteLength }, scalar, shape, false);
  }

  /** A buffer for what a kernel makes. */
  make(scalar: Scalar, shape: readonly Size[]): Stored {
    return this.#add({ origin: 'made', bytes: countOf(shape).value * 4 }, scalar, shape, false);
  }

  /** Some rows of a buffer, from one of them on, as a buffer. */
  view(whole: Stored, first: number, rows: Size): Stored {
    const rowBytes = countOf(whole.shape.slice(1)).value * (whole.half ? 2 : 4);
    const offset = first * rowBytes;
    if (offset % viewAlignment !== 0) throw new TypeError(`a view cannot begin at byte ${offset}`);
    this.#maps.flush([whole.buffer]);
    const draft = { origin: 'view', of: whole.buffer, offset, bytes: rows.value * rowBytes } as const;
    return this.#add(draft, whole.scalar, [rows, ...whole.shape.slice(1)], whole.half);
  }

  /** Makes a value in a buffer that there is. */
  write(value: Value, target: Stored): void {
    const { scalar, shape } = value;
    const reads = readsOf(value);
    const own: Expression =
      value.kind === 'expression'
        ? value
        : {
            kind: 'expression',
            scalar,
            shape,
            op: 'detach',
            attributes: {},
            inputs: [value],
            cost: 0,
            reads,
            totals: [],
          };
    this.dispatch(mapKernel(this.symbols, [{ value: own, target }]));
  }

  /** A size of this plan alone, written as a symbol, so that pipelines do not depend on it. */
  size(name: string, value: number): Size {
    this.symbols[name] = value;
    return { value, text: `sizes.${memberOf(name)}` };
  }

  /** Adds a kernel, behind those that make what it reads. */
  dispatch(dispatch: Dispatch): void {
    this.#maps.flush(dispatch.bindings.map(({ buffer }) => buffer));
    this.#dispatches.push(dispatch);
  }

  /** A value in a buffer: where it is, or in one that a kernel will fill. */
  store(value: Value): Stored {
    if (value.kind === 'stored') return value;
    const known = this.#stored.get(value);
    if (known !== undefined) return known;
    const target = this.make(value.scalar, value.shape);
    this.#stored.set(value, target);
    this.#maps.add({ value, target });
    return target;
  }

  /** Ends the plan: each result gets a buffer of its own. */
  build(results: readonly { readonly type: ConcreteType; readonly value: Value | undefined }[]): Plan {
    const own = new Set<BufferId>();
    const placed = results.map(({ type, value }) => {
      if (value === undefined) return { type, buffer: undefined };
      const { buffer } = this.store(value);
      if (this.#buffers[buffer]!.origin === 'made' && !own.has(buffer)) {
        own.add(buffer);
        return { type, buffer };
      }
      const { bytes } = this.#buffers[buffer]!;
      const copy = this.#buffers.push({ origin: 'made', bytes }) - 1;
      own.add(copy);
      this.#copies.push({ from: buffer, to: copy, bytes: Math.ceil(bytes / 4) * 4 });
      return { type, buffer: copy };
    });
    this.#maps.flushAll();
    const scratch = new Map<BufferId, number>();
    this.#buffers.forEach(({ origin, bytes }, id) => {
      if (origin === 'made' && !own.has(id)) scratch.set(id, paddedBytes(bytes));
    });
    const baseOf = (id: BufferId): BufferId => viewedBy(this.#buffers[id]!) ?? id;
    const { slotOf, slots } = assignSlots(this.#dispatches, scratch, baseOf);
    const buffers = this.#buffers.map((draft, id): PlanBuffer => {
      if (draft.origin !== 'made') return draft;
      return own.has(id)
        ? { origin: 'result', bytes: draft.bytes }
        : { origin: 'scratch', slot: slotOf.get(id) ?? 0, bytes: draft.bytes };
    });
    return { buffers, dispatches: this.#dispatches, copies: this.#copies, results: placed, slots };
  }

  #add(draft: Draft, scalar: Scalar, shape: readonly Size[], half: boolean): Stored {
    return { kind: 'stored', scalar, shape, buffer: this.#buffers.push(draft) - 1, half };
  }
}

function viewedBy(draft: Draft): BufferId | undefined {
  return draft.origin === 'view' ? draft.of : undefined;
}
