import { allocate, elementCount, type TypedArray } from '@ddcl/core/backend';
import { BufferPool } from '../src/buffers/buffer-pool.ts';
import { Transfers } from '../src/buffers/transfers.ts';
import { DeviceState } from '../src/device/device-state.ts';
import type { Plan } from '../src/plan/plan.ts';
import { Pipelines } from '../src/run/pipelines.ts';
import { PreparedPlan } from '../src/run/prepared-plan.ts';
import { makeDevice } from './support.ts';

/** Runs plans that a backend would not make by itself: tiles and cuts of the test's choice. */
export async function planRunner(): Promise<(plan: Plan, inputs: readonly TypedArray[]) => Promise<TypedArray[]>> {
  const device = await makeDevice();
  const state = new DeviceState('test', { device, isBorrowed: false, description: 'test' });
  const pool = new BufferPool(state);
  const transfers = new Transfers(state, pool);
  const pipelines = new Pipelines(state);
  return async (plan, inputs) => {
    const prepared = new PreparedPlan(state, pool, plan, await pipelines.compile(plan.dispatches));
    const buffers = inputs.map((data) =>
      transfers.upload({ dtype: data instanceof Int32Array ? 'int32' : 'float32', shape: [data.length] }, data),
    );
    const results = prepared.submit(buffers);
    const numbers = await Promise.all(
      plan.results.map(({ type }, index) =>
        elementCount(type.shape) === 0 ? allocate(type.dtype, 0) : transfers.download(results[index]!, type),
      ),
    );
    for (const native of [...buffers, ...results]) if (native !== undefined) pool.end(native);
    prepared.dispose();
    return numbers;
  };
}
