import {
  BoundedCache,
  formatType,
  resultTypes,
  sameType,
  type Backend,
  type DeviceBuffer,
  type Executable,
  type Program,
  type TypedArray,
} from '@ddcl/core/backend';
import { bindProgram } from '../compare/bind-program.ts';
import type { Value } from '../oracle/tensor.ts';
import { fail } from './failure.ts';

/** Makes a backend; called once per group of cases and for each case that needs one of its own. */
export type MakeBackend = () => Backend | Promise<Backend>;

export interface ContextOptions {
  /** Takes the device of a backend away, as a driver reset would. */
  readonly loseDevice?: (backend: Backend) => void | Promise<void>;
  /** How many tensors the underlying library holds, for leaks that `memory()` cannot see; such as `() => tf.memory().numTensors`. */
  readonly nativeTensors?: (backend: Backend) => number;
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
   * Uploads, runs, downloads and frees. Fails if a result has another type than the program says, or if the
   * backend holds more afterwards than before.
   */
  evaluate(program: Program, inputs: readonly Value[]): Promise<TypedArray[]>;
}

/** A context that its owner ends. */
export interface OwnedContext extends CaseContext {
  /** Disposes the backends that cases made with `fresh`. */
  endCase(): void;
  dispose(): void;
}

/** Programs that stay compiled: cases of one program follow each other, so more would only cost memory. */
const compiledPrograms = 4;

/** Makes a backend and what its cases need. */
export async function createContext(makeBackend: MakeBackend, options: ContextOptions = {}): Promise<OwnedContext> {
  const backend = await makeBackend();
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
    endCase() {
      for (const made of own.splice(0)) made.dispose();
    },
    dispose() {
      recent.clear();
      backend.dispose();
    },
  };
}

/** Uploads, runs, downloads and frees; see {@link CaseContext.evaluate}. */
export async function evaluateOn(
  backend: Backend,
  executable: Executable,
  inputs: readonly Value[],
): Promise<TypedArray[]> {
  const before = backend.memory();
  const buffers = inputs.map(({ type, data }) => backend.upload(type, data));
  let results: readonly DeviceBuffer[] = [];
  let numbers: TypedArray[];
  try {
    results = await executable.run(buffers);
    requireTypes(executable.program, inputs, results);
    numbers = await Promise.all(results.map((buffer) => backend.download(buffer)));
  } finally {
    for (const buffer of [...buffers, ...results]) backend.free(buffer);
  }
  const after = backend.memory();
  if (after.buffers !== before.buffers || after.bytes !== before.bytes) {
    fail(
      `with inputs and results freed, the backend holds ${after.buffers} buffers of ${after.bytes} bytes; before it were ${before.buffers} of ${before.bytes}`,
    );
  }
  return numbers;
}

function requireTypes(program: Program, inputs: readonly Value[], results: readonly DeviceBuffer[]): void {
  const bound = bindProgram(
    program,
    inputs.map(({ type }) => type),
  );
  const types = resultTypes(bound);
  if (results.length !== types.length)
    fail(`${program.name}: ${types.length} results expected, ${results.length} came`);
  types.forEach((type, index) => {
    const { type: got } = results[index]!;
    if (!sameType(type, got))
      fail(`${program.name}: result ${index} has the type ${formatType(got)} instead of ${formatType(type)}`);
  });
}
