import {
  backendFromCompiler,
  valueTypes,
  type Backend,
  type ConcreteType,
  type Kernel,
  type PrimitiveInstruction,
} from '@ddcl/core/backend';
import { kernels, type Native } from '../src/kernels.ts';

/*
 * A backend that compiles whole programs, for a device that works through a queue: a run returns at once, and the numbers come later. The device
 * is played by a chain of promises; what a real one does in the place of `steps` is its own (a graph, a pipeline, a traced function).
 */

/** A tensor whose numbers are still on their way. */
interface Later {
  readonly arrives: Promise<Native>;
}

/** Somebody may ask for it later, or nobody: until then a failure is no crash. */
function later(arrives: Promise<Native>): Later {
  arrives.catch(() => {});
  return { arrives };
}

interface Step {
  readonly instruction: PrimitiveInstruction;
  readonly run: (operands: readonly Native[]) => Native;
}

export function queuedBackend(): Backend {
  let last: Promise<unknown> = Promise.resolve();
  /** The device works in order, a turn of the event loop after each other. */
  const enqueue = <Value>(work: () => Promise<Value>): Promise<Value> => {
    const done = last.then(() => new Promise<void>((turn) => setImmediate(turn))).then(work);
    last = done.catch(() => {});
    return done;
  };

  return backendFromCompiler<Later>({
    name: 'queued',
    capabilities: {
      dtypes: ['float32', 'int32'],
      composites: [],
      maxBufferBytes: 2 ** 30,
      preferredElements: 2 ** 20,
      maxKernelInputs: Infinity,
      deterministic: true,
    },
    upload(_type, data) {
      // Copied now: the caller may change its array as soon as this returns.
      const copy = { data: data.slice() };
      return later(enqueue(async () => copy));
    },
    download: async ({ arrives }) => (await arrives).data.slice(),
    // Nothing is ever written into a tensor, so two may share their numbers.
    copy: ({ arrives }) => later(arrives),
    release: () => {},
    compile(program) {
      const types = valueTypes(program) as ConcreteType[];
      const steps = (program.instructions as readonly PrimitiveInstruction[]).map((instruction): Step => {
        const kernel = kernels[instruction.op] as Kernel<Native, unknown>;
        const call = {
          attributes: instruction.attributes,
          inputTypes: instruction.inputs.map((id) => types[id]!),
          outputType: instruction.outputs[0] as ConcreteType,
        };
        return { instruction, run: (operands) => kernel(operands, call) };
      });
      return {
        run(inputs) {
          // What the inputs hold is asked for now: they may be freed as soon as this returns.
          const arriving = inputs.map((input) => input?.arrives);
          const finished = enqueue(async () => {
            const values = await Promise.all(arriving);
            for (const { instruction, run } of steps) values.push(run(instruction.inputs.map((id) => values[id]!)));
            return values;
          });
          return program.results.map((id) => later(finished.then((values) => values[id]!)));
        },
      };
    },
  });
}
