import { BoundedCache, type Backend, type Executable, type Program, type TypedArray } from '@ddcl/core/backend';
import type { ToleranceTable } from '../compare/tolerances.ts';
import type { Value } from '../oracle/tensor.ts';
import { evaluateOn } from './evaluate-on.ts';
import { fail } from './failure.ts';

/** Makes a backend; called once per group of cases and for each case that needs one of its own. */
export type MakeBackend = () => Backend | Promise<Backend>;

export interface ContextOptions {
  /** Takes the device of a backend away, as a driver reset would. */
  readonly loseDevice?: (backend: Backend) => void | Promise<void>;
  /** How many tensors the underlying library holds, for leaks that `memory()` cannot see; such as `() => tf.memory().numTensors`. */
  readonly nativeTensors?: (backend: Backend) => number;
  /**
   * For primitives that the backend computes less exactly than the table of tolerances allows, what it may round, with the reason. It is carried
   * through every program that has the primitive in it, so a whole backend takes one entry for one op.
   */
  readonly tolerances?: ToleranceTable;
}

/** What a case works with: a backend that it shares with the other cases of its group. */
export interface CaseContext {
  readonly backend: Backend;
  readonly options: ContextOptions;
  /** A backend of the case's own, which it may break; disposed after the case. */
  fresh(): Promise<Backend>;
  /** The program on the shared backend; compiled once for cases that follow each other. */
  compile(program: Program): Promise<Executable>;
  /**
   * Uploads, runs, downloads and frees. Fails if a result has another type than the program says, if the run changed an
   * operand, or if the backend holds more afterwards than before.
   */
  evaluate(program: Program, inputs: readonly Value[]): Promise<TypedArray[]>;
  /**
   * Ends what {@link CaseContext.compile} keeps, and fails if the backend or its library hold more than when the group began. Says nothing
   * after a case that failed, which may have left something.
   */
  requireNothingLeft(): void;
}

/** A context that its owner ends. */
export interface OwnedContext extends CaseContext {
  /** Disposes the backends that cases made with `fresh`. */
  endCase(): void;
  /** A case failed, and may have left something behind. */
  disturb(): void;
  dispose(): void;
}

/** Programs that stay compiled: cases of one program follow each other, so more would only cost memory. */
const compiledPrograms = 4;

/** Makes a backend and what its cases need. */
export async function createContext(makeBackend: MakeBackend, options: ContextOptions = {}): Promise<OwnedContext> {
  const backend = await makeBackend();
  const native = (): number => options.nativeTensors?.(backend) ?? 0;
  const first = { ...backend.memory(), native: native() };
  let disturbed = false;
  const own: Backend[] = [];
  const executables = new Map<Program, Executable>();
  const recent = new BoundedCache<Program>(compiledPrograms, (program) => {
    executables.get(program)?.dispose();
    executables.delete(program);
  });
  const names = new WeakMap<Program, string>();
  let count = 0;
  const nameOf = (program: Program): string => {
    const name = names.get(program) ?? String(count++);
    names.set(program, name);
    return name;
  };

  const compile = async (program: Program): Promise<Executable> => {
    const known = executables.get(program);
    const executable = known ?? (await backend.compile(program));
    executables.set(program, executable);
    recent.set(nameOf(program), program);
    return executable;
  };

  return {
    backend,
    options,
    compile,
    async fresh() {
      const made = await makeBackend();
      own.push(made);
      return made;
    },
    async evaluate(program, inputs) {
      return evaluateOn(backend, await compile(program), inputs);
    },
    requireNothingLeft() {
      recent.clear();
      if (disturbed) return;
      const { buffers, bytes } = backend.memory();
      if (buffers !== first.buffers || bytes !== first.bytes)
        fail(`${buffers - first.buffers} buffers of ${bytes - first.bytes} bytes stay behind`);
      if (native() > first.native)
        fail(`${native() - first.native} tensors of the underlying library stay behind, which memory() does not count`);
    },
    disturb() {
      disturbed = true;
    },
    endCase() {
      for (const made of own.splice(0)) made.dispose();
    },
    dispose() {
      recent.clear();
      backend.dispose();
    },
  };
}
