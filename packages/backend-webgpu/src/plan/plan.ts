import type { ConcreteType, TypedArray } from '@ddcl/core/backend';
import type { BufferId } from '../wgsl/value.ts';
import type { Dispatch } from '../wgsl/module.ts';

/** Where a buffer of a plan comes from. */
export type PlanBuffer =
  | { readonly origin: 'parameter'; readonly index: number; readonly bytes: number }
  | { readonly origin: 'constant'; readonly data: TypedArray; readonly bytes: number }
  | { readonly origin: 'result'; readonly bytes: number }
  | { readonly origin: 'scratch'; readonly slot: number; readonly bytes: number }
  | PlanView;

/** Some rows of another buffer, from a multiple of 256 bytes on: what a kernel binds need not know where its rows lie. */
export interface PlanView {
  readonly origin: 'view';
  readonly of: BufferId;
  readonly offset: number;
  readonly bytes: number;
}

/** Bytes that are copied as they are, after all dispatches. */
export interface PlanCopy {
  readonly from: BufferId;
  readonly to: BufferId;
  readonly bytes: number;
}

/** A program for certain sizes: what is dispatched, on which buffers. */
export interface Plan {
  readonly buffers: readonly PlanBuffer[];
  readonly dispatches: readonly Dispatch[];
  readonly copies: readonly PlanCopy[];
  /** The buffer of each result; undefined for one without elements. */
  readonly results: readonly { readonly type: ConcreteType; readonly buffer: BufferId | undefined }[];
  /** Bytes of each slot of the scratch. */
  readonly slots: readonly number[];
}

/** Bytes of a buffer as the device needs it: whole words, and never none. */
export function paddedBytes(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16);
}

const thousands = (value: number): string => Math.round(value).toLocaleString('en-US');

/** A plan as people read it: a line for each dispatch, then the totals. */
export function formatPlan(name: string, plan: Plan): string {
  const lines = plan.dispatches.map(({ code, groups, flops, bytes }, index) => {
    const title = code.slice(3, code.indexOf('\n'));
    return `  ${index + 1}. ${title} - ${thousands(groups)} groups, ${thousands(flops)} flops, ${thousands(bytes)} bytes`;
  });
  const total = (of: (dispatch: Dispatch) => number): string =>
    thousands(plan.dispatches.reduce((sum, dispatch) => sum + of(dispatch), 0));
  const slots = plan.slots.map(thousands).join(', ');
  return [
    `plan of ${name}: ${plan.dispatches.length} dispatches, ${plan.copies.length} copies`,
    ...lines,
    `  in all ${total(({ flops }) => flops)} flops, ${total(({ bytes }) => bytes)} bytes; scratch [${slots}] bytes`,
  ].join('\n');
}
