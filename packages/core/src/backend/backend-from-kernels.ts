import { DdclError } from '../errors/ddcl-error.ts';
import { allocate } from '../program/dtype.ts';
import type { Program } from '../program/program.ts';
import { bindInputs, specialise, type Bindings } from '../program/specialise.ts';
import { isConcrete, requireConcrete, tensorType, type ConcreteType } from '../program/tensor-type.ts';
import { BufferTable } from './buffers.ts';
import { BoundedCache } from './cache.ts';
import { checkProgram, checkUpload } from './check-program.ts';
import type { Backend, Capabilities, DeviceBuffer, Executable, RunOptions } from './contract.ts';
import type { KernelBackendOptions } from './kernels.ts';
import { coveredComposites, planKernels, type KernelPlan } from './plan.ts';
import { walkPlan } from './walk.ts';

/** How many sets of sizes a symbolic program keeps plans for. */
const plansPerProgram = 16;

/**
 * A whole backend out of one function per primitive: types are checked, composites without a
 * kernel are decomposed, symbols are bound by the inputs, intermediates are released
 * after their last use, buffers are tracked.
 */
export function backendFromKernels<Native extends object>(options: KernelBackendOptions<Native>): Backend {
  const { name } = options;
  const capabilities: Capabilities = {
    ...options.capabilities,
    composites: coveredComposites(Object.keys(options.composites ?? {})),
  };
  const buffers = new BufferTable<Native>(name);
  let disposed = false;

  const requireAlive = (use: string): void => {
    if (disposed) throw new DdclError('disposed', `${use}: the backend '${name}' was disposed. Make a new one.`);
  };
  const hand = (type: ConcreteType, native: Native | undefined): DeviceBuffer =>
    buffers.add(type, native, native && (() => options.release(native, type)));

  return {
    contract: 1,
    name,
    capabilities,
    upload(type, data) {
      requireAlive('upload');
      const checked = requireConcrete(tensorType(type.dtype, type.shape), 'The type given to upload');
      checkUpload(name, capabilities, checked, data);
      return hand(checked, data.length === 0 ? undefined : options.upload(checked, data));
    },
    async download(buffer) {
      requireAlive('download');
      const native = buffers.native(buffer, 'download');
      return native === undefined ? allocate(buffer.type.dtype, 0) : options.download(native, buffer.type);
    },
    free(buffer) {
      if (!disposed) buffers.free(buffer);
    },
    async compile(program) {
      requireAlive('compile');
      checkProgram(name, capabilities, program);
      return compileKernels(program, options, capabilities, { buffers, hand, requireAlive });
    },
    memory: () => buffers.memory(),
    lost: options.lost ?? new Promise(() => {}),
    dispose() {
      if (disposed) return;
      buffers.freeAll();
      disposed = true;
      options.dispose?.();
    },
  };
}

interface Runtime<Native> {
  readonly buffers: BufferTable<Native>;
  readonly hand: (type: ConcreteType, native: Native | undefined) => DeviceBuffer;
  readonly requireAlive: (use: string) => void;
}

function compileKernels<Native extends object>(
  program: Program,
  options: KernelBackendOptions<Native>,
  capabilities: Capabilities,
  { buffers, hand, requireAlive }: Runtime<Native>,
): Executable {
  const plans = new BoundedCache<KernelPlan>(plansPerProgram);
  const makePlan = (bindings: Bindings): KernelPlan => {
    const concrete = Object.keys(bindings).length === 0 ? program : specialise(program, bindings);
    checkProgram(options.name, capabilities, concrete);
    const plan = planKernels(concrete, Object.keys(options.composites ?? {}));
    const missing = plan.steps.find(
      ({ instruction: { op } }) => op !== 'composite' && typeof options.kernels[op] !== 'function',
    );
    if (missing === undefined) return plan;
    const { op } = missing.instruction;
    throw new DdclError(
      'unsupported',
      `The backend '${options.name}' has no kernel for '${op}', which ${program.name} needs. Add it to its table of kernels.`,
      { op },
    );
  };
  // A concrete program is planned now, so that what cannot run fails here and not in the first run.
  if (program.parameters.every(isConcrete)) plans.set('{}', makePlan({}));
  let disposed = false;

  const run = (inputs: readonly DeviceBuffer[]): readonly DeviceBuffer[] => {
    if (disposed) throw new DdclError('disposed', `${program.name} was run after its dispose. Compile it again.`);
    const natives = inputs.map((buffer) => buffers.native(buffer, `run of ${program.name}`));
    const bindings = bindInputs(
      program,
      inputs.map((buffer) => buffer.type),
    );
    const key = JSON.stringify(bindings);
    const plan = plans.get(key) ?? makePlan(bindings);
    plans.set(key, plan);
    const outputs = walkPlan(plan, natives, options);
    return outputs.map((native, index) => hand(plan.types[plan.program.results[index]!]!, native));
  };

  return {
    program,
    async run(inputs: readonly DeviceBuffer[], { donate = [] }: RunOptions = {}) {
      requireAlive(`run of ${program.name}`);
      const wrong = donate.find((position) => inputs[position] === undefined);
      if (wrong !== undefined) {
        throw new DdclError(
          'argument',
          `${program.name} was run with ${inputs.length} inputs, but donates input ${wrong}.`,
        );
      }
      try {
        return run(inputs);
      } finally {
        for (const position of donate) {
          const buffer = inputs[position];
          if (buffer !== undefined && buffers.owns(buffer)) buffers.free(buffer);
        }
      }
    },
    dispose() {
      disposed = true;
      plans.clear();
    },
  };
}
