import { BoundedCache } from '@ddcl/core/backend';
import type { BufferPool, NativeBuffer } from '../buffers/buffer-pool.ts';
import type { BufferId } from '../wgsl/value.ts';
import { bufferUsage } from '../device/flags.ts';
import type { DeviceState } from '../device/device-state.ts';
import type { Pipeline } from './pipelines.ts';
import { paddedBytes, type Plan } from '../plan/plan.ts';

/** Sets of buffers that a plan remembers bind groups for; a training loop goes through a few of them in turns. */
const mostGroups = 64;
/** A submission does not do more: drivers end work that takes seconds. */
const mostFlopsAtOnce = 5e10;
const mostGroupsAcross = 65_535;

/** A plan on its device: pipelines, constants and sizes in place, ready to be recorded. */
export class PreparedPlan {
  readonly plan: Plan;
  readonly #state: DeviceState;
  readonly #pool: BufferPool;
  readonly #pipelines: readonly Pipeline[];
  readonly #constants = new Map<BufferId, NativeBuffer>();
  /** Uniforms by their content. */
  readonly #sizes = new Map<string, GPUBuffer>();
  readonly #groups = new BoundedCache<readonly GPUBindGroup[]>(mostGroups);

  constructor(state: DeviceState, pool: BufferPool, plan: Plan, pipelines: readonly Pipeline[]) {
    this.plan = plan;
    this.#state = state;
    this.#pool = pool;
    this.#pipelines = pipelines;
    const { device } = state;
    plan.buffers.forEach((buffer, id) => {
      if (buffer.origin !== 'constant') return;
      const native = pool.take(buffer.bytes);
      device.queue.writeBuffer(native.buffer, 0, buffer.data as typeof buffer.data & ArrayBufferView<ArrayBuffer>);
      this.#constants.set(id, native);
    });
    for (const { sizes } of plan.dispatches) {
      if (sizes === undefined || this.#sizes.has(sizes.join())) continue;
      const size = paddedBytes(4 * sizes.length);
      const uniform = device.createBuffer({ size, usage: bufferUsage.uniform | bufferUsage.copyTarget });
      device.queue.writeBuffer(uniform, 0, Uint32Array.from(sizes));
      this.#sizes.set(sizes.join(), uniform);
    }
  }

  /** Submits the work of one run; returns a buffer for each result that has elements. */
  submit(inputs: readonly (NativeBuffer | undefined)[]): (NativeBuffer | undefined)[] {
    const { plan } = this;
    const slots = plan.slots.map((bytes) => this.#pool.take(bytes));
    const natives = plan.buffers.map((buffer, id) => {
      switch (buffer.origin) {
        case 'parameter':
          return inputs[buffer.index]!;
        case 'constant':
          return this.#constants.get(id)!;
        case 'scratch':
          return slots[buffer.slot];
        case 'result':
          return this.#pool.take(buffer.bytes);
        case 'view':
          return undefined;
      }
    });
    this.#record(natives);
    // The queue keeps the order, so the next run may write into them at once.
    for (const slot of slots) this.#pool.end(slot);
    return plan.results.map(({ buffer }) => (buffer === undefined ? undefined : natives[buffer]!));
  }

  dispose(): void {
    for (const native of this.#constants.values()) this.#pool.end(native);
    this.#constants.clear();
    for (const uniform of this.#sizes.values()) uniform.destroy();
    this.#sizes.clear();
    this.#groups.clear();
  }

  #record(natives: readonly (NativeBuffer | undefined)[]): void {
    const { device } = this.#state;
    const groups = this.#bindGroups(natives);
    let encoder = device.createCommandEncoder();
    let pass: GPUComputePassEncoder | undefined;
    let flops = 0;
    const submit = (): void => {
      pass?.end();
      device.queue.submit([encoder.finish()]);
      pass = undefined;
    };
    this.plan.dispatches.forEach((dispatch, index) => {
      if (flops > 0 && flops + dispatch.flops > mostFlopsAtOnce) {
        submit();
        encoder = device.createCommandEncoder();
        flops = 0;
      }
      flops += dispatch.flops;
      pass ??= encoder.beginComputePass();
      pass.setPipeline(this.#pipelines[index]!.pipeline);
      pass.setBindGroup(0, groups[index]!);
      const rows = Math.ceil(dispatch.groups / mostGroupsAcross);
      pass.dispatchWorkgroups(Math.ceil(dispatch.groups / rows), rows);
    });
    pass?.end();
    pass = undefined;
    for (const { from, to, bytes } of this.plan.copies) {
      encoder.copyBufferToBuffer(natives[from]!.buffer, 0, natives[to]!.buffer, 0, bytes);
    }
    submit();
  }

  #bindGroups(natives: readonly (NativeBuffer | undefined)[]): readonly GPUBindGroup[] {
    const key = natives.map((native) => native?.serial ?? '').join(' ');
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const made = this.plan.dispatches.map(({ bindings, sizes }, index) => {
      const resources: GPUBufferBinding[] = bindings.map(({ buffer }) => {
        const part = this.plan.buffers[buffer]!;
        if (part.origin !== 'view') return { buffer: natives[buffer]!.buffer };
        return { buffer: natives[part.of]!.buffer, offset: part.offset, size: Math.ceil(part.bytes / 4) * 4 };
      });
      if (sizes !== undefined) resources.push({ buffer: this.#sizes.get(sizes.join())! });
      return this.#state.device.createBindGroup({
        layout: this.#pipelines[index]!.layout,
        entries: resources.map((resource, binding) => ({ binding, resource })),
      });
    });
    this.#groups.set(key, made);
    return made;
  }
}
