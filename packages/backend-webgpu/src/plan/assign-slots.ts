import type { Dispatch } from '../wgsl/module.ts';
import type { BufferId } from '../wgsl/value.ts';

export interface SlotAssignment {
  /** The slot of each scratch buffer. */
  readonly slotOf: ReadonlyMap<BufferId, number>;
  /** Bytes of each slot. */
  readonly slots: readonly number[];
}

/**
 * Shares slots between buffers that are never alive at once. A slot is a whole GPU buffer: WebGPU refuses one buffer bound to read and to write
 * in one dispatch, so what a dispatch reads keeps its slot until the next one.
 *
 * @param scratch bytes of each buffer that needs a slot
 * @param baseOf the buffer that a view is part of; of others themselves
 */
export function assignSlots(
  dispatches: readonly Dispatch[],
  scratch: ReadonlyMap<BufferId, number>,
  baseOf: (buffer: BufferId) => BufferId,
): SlotAssignment {
  const uses = dispatches.map(({ bindings }) => bindings.map((each) => ({ ...each, buffer: baseOf(each.buffer) })));
  const lastUse = new Map<BufferId, number>();
  uses.forEach((bindings, index) => {
    for (const { buffer } of bindings) lastUse.set(buffer, index);
  });
  const slots: number[] = [];
  const free: number[] = [];
  const slotOf = new Map<BufferId, number>();
  uses.forEach((bindings, index) => {
    for (const { buffer, access } of bindings) {
      const bytes = scratch.get(buffer);
      if (access === 'read' || bytes === undefined || slotOf.has(buffer)) continue;
      slotOf.set(buffer, takeSlot(slots, free, bytes));
    }
    for (const buffer of new Set(bindings.map((binding) => binding.buffer))) {
      if (scratch.has(buffer) && lastUse.get(buffer) === index) free.push(slotOf.get(buffer)!);
    }
  });
  return { slotOf, slots };
}

/** The smallest free slot that is large enough; else the largest free one grows; else a new one. */
function takeSlot(slots: number[], free: number[], bytes: number): number {
  if (free.length === 0) return slots.push(bytes) - 1;
  const bySize = [...free].sort((a, b) => slots[a]! - slots[b]!);
  const slot = bySize.find((each) => slots[each]! >= bytes) ?? bySize.at(-1)!;
  free.splice(free.indexOf(slot), 1);
  slots[slot] = Math.max(slots[slot]!, bytes);
  return slot;
}
