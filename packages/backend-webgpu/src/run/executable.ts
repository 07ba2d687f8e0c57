import {
  bindInputs,
  BoundedCache,
  checkProgram,
  DdclError,
  isConcrete,
  specialise,
  type Bindings,
  type BufferTable,
  type Capabilities,
  type DeviceBuffer,
  type Executable,
  type Program,
  type RunOptions,
} from '@ddcl/core/backend';
import type { BufferPool, NativeBuffer } from '../buffers/buffer-pool.ts';
import { compileProgram, type CompileOptions } from '../compile/compile-program.ts';
import type { DeviceState } from '../device/device-state.ts';
import type { Pipelines } from './pipelines.ts';
import { formatPlan } from '../plan/plan.ts';
import { PreparedPlan } from './prepared-plan.ts';

/** What executables need of their backend. */
export interface ExecutableContext {
  readonly state: DeviceState;
  readonly capabilities: Capabilities;
  readonly buffers: BufferTable<NativeBuffer>;
  readonly pool: BufferPool;
  readonly pipelines: Pipelines;
  readonly options: CompileOptions;
  /** Those that are not disposed: the backend's end is theirs. */
  readonly executables: Set<WebgpuExecutable>;
  /** Waits where too much work is under way. */
  readonly throttle: () => Promise<void>;
}

/** A program as WGSL. */
export interface WebgpuExecutable extends Executable {
  /** Its plan as text: dispatches with their groups, flops and bytes, and the scratch; `sizes` gives each symbol one. */
  plan(sizes?: Bindings): string;
}

/** How many sets of sizes a symbolic program keeps plans for. */
const plansPerProgram = 16;

export async function createExecutable(context: ExecutableContext, program: Program): Promise<WebgpuExecutable> {
  const { state, capabilities, buffers, pool, pipelines, options } = context;
  checkProgram(state.name, capabilities, program);
  const isKnown = program.parameters.every(isConcrete);
  /** Plans that are made: a run on one of them is submitted before it first waits. */
  const ready = new WeakMap<Promise<PreparedPlan>, PreparedPlan>();
  const plans = new BoundedCache<Promise<PreparedPlan>>(plansPerProgram, (making) => {
    const prepared = ready.get(making);
    if (prepared !== undefined) prepared.dispose();
    else making.then((made) => made.dispose()).catch(() => {});
  });
  let isDisposed = false;

  const plan = (bindings: Bindings) => {
    if (!isKnown) checkProgram(state.name, capabilities, specialise(program, bindings));
    return compileProgram(program, bindings, options);
  };
  const prepare = (bindings: Bindings): Promise<PreparedPlan> => {
    const key = JSON.stringify(bindings);
    const known = plans.get(key);
    if (known !== undefined) return known;
    const making = (async () => {
      const made = plan(bindings);
      return new PreparedPlan(state, pool, made, await pipelines.compile(made.dispatches));
    })();
    plans.set(key, making);
    making.then(
      (prepared) => void ready.set(making, prepared),
      () => void plans.take(key),
    );
    return making;
  };
  if (isKnown) await prepare({});

  const run = async (inputs: readonly DeviceBuffer[], natives: readonly (NativeBuffer | undefined)[]) => {
    const making = prepare(
      bindInputs(
        program,
        inputs.map(({ type }) => type),
      ),
    );
    const prepared = ready.get(making) ?? (await making);
    state.requireAlive(`run of ${program.name}`);
    if (isDisposed) throw disposedError(program);
    const made = prepared.submit(natives);
    return prepared.plan.results.map(({ type }, index) => {
      const native = made[index];
      return buffers.add(type, native, native && (() => pool.end(native)));
    });
  };

  const executable: WebgpuExecutable = {
    program,
    plan: (sizes = {}) => formatPlan(program.name, plan(sizes)),
    async run(inputs: readonly DeviceBuffer[], { donate = [] }: RunOptions = {}) {
      const use = `run of ${program.name}`;
      state.requireAlive(use);
      const wrong = donate.find((position) => inputs[position] === undefined);
      if (wrong !== undefined) {
        throw new DdclError(
          'argument',
          `${program.name} was run with ${inputs.length} inputs, but donates input ${wrong}.`,
        );
      }
      let natives: (NativeBuffer | undefined)[] = [];
      try {
        if (isDisposed) throw disposedError(program);
        natives = inputs.map((buffer) => buffers.native(buffer, use));
        for (const native of natives) if (native !== undefined) pool.hold(native);
        return await run(inputs, natives);
      } finally {
        for (const native of natives) if (native !== undefined) pool.drop(native);
        for (const position of donate) {
          const buffer = inputs[position]!;
          if (buffers.owns(buffer)) buffers.free(buffer);
        }
        await context.throttle();
      }
    },
    dispose() {
      if (isDisposed) return;
      isDisposed = true;
      context.executables.delete(executable);
      plans.clear();
    },
  };
  context.executables.add(executable);
  return executable;
}

function disposedError({ name }: Program): DdclError {
  return new DdclError('disposed', `${name} was run after its dispose. Compile it again.`);
}
