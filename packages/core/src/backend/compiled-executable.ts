import { throwIfAborted } from '../abort/abort-signal.ts';
import { DdclError, isDdclError } from '../errors/ddcl-error.ts';
import { resultTypes, type Program } from '../program/program.ts';
import { bindInputs, specialise, type Bindings } from '../program/specialise.ts';
import { formatType, requireConcrete, type ConcreteType } from '../program/tensor-type.ts';
import type { BufferTable } from './buffers.ts';
import { BoundedCache } from './cache.ts';
import { checkProgram } from './check-program.ts';
import type { CompiledProgram, CompilerBackendOptions } from './compiler.ts';
import type { DeviceBuffer, Executable, RunOptions } from './contract.ts';
import type { Loss } from './loss.ts';
import { nonEmptyProgram } from './non-empty.ts';
import type { WorkRunner } from './piece-runner.ts';
import type { Work } from '../abort/pieces.ts';

/** How many sets of sizes a symbolic program is kept compiled for. */
const sizesPerProgram = 16;

/** What the executables of a backend share. */
export interface Runtime<Native> {
  readonly buffers: BufferTable<Native>;
  readonly loss: Loss;
  readonly requireAlive: (use: string) => void;
  readonly require: (use: string, native: Native, type: ConcreteType) => void;
  readonly compute: WorkRunner;
}

/** A program for one set of sizes. */
interface Compiled<Native> {
  readonly types: readonly ConcreteType[];
  /** Those that have elements, which the compiled program gives. */
  readonly given: readonly ConcreteType[];
  /** Known once `ready` has resolved; at once if nothing had to be waited for. */
  program: CompiledProgram<Native> | undefined;
  readonly ready: Promise<void>;
  /** Runs under way, and whether it is to end after the last of them. */
  runs: number;
  ended: boolean;
}

/** A program on a backend, compiled for each set of sizes that it meets. */
export class CompiledExecutable<Native extends object> implements Executable {
  readonly program: Program;
  readonly #options: CompilerBackendOptions<Native>;
  readonly #runtime: Runtime<Native>;
  readonly #compiled: BoundedCache<Compiled<Native>>;
  #disposed = false;

  constructor(program: Program, options: CompilerBackendOptions<Native>, runtime: Runtime<Native>) {
    this.program = program;
    this.#options = options;
    this.#runtime = runtime;
    this.#compiled = new BoundedCache(sizesPerProgram, (compiled) => {
      compiled.ended = true;
      this.#endIfIdle(compiled);
    });
  }

  /** Compiles a program without symbols. */
  async prepare(): Promise<void> {
    await this.#runtime.loss.guard('compile', this.#for({}).ready);
  }

  #for(bindings: Bindings): Compiled<Native> {
    const key = JSON.stringify(bindings);
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const { name, capabilities } = this.#options;
    const concrete = key === '{}' ? this.program : specialise(this.program, bindings);
    checkProgram(name, capabilities, concrete);
    const types = resultTypes(concrete).map((type) => requireConcrete(type, `A result of ${this.program.name}`));
    const making = this.#options.compile(nonEmptyProgram(concrete, capabilities.composites));
    const compiled: Compiled<Native> = {
      types,
      given: types.filter(({ shape }) => !shape.includes(0)),
      program: making instanceof Promise ? undefined : making,
      ready: Promise.resolve(making).then((made) => {
        compiled.program = made;
      }),
      runs: 0,
      ended: false,
    };
    // Who waits for it hears of a failure; the next one tries again.
    compiled.ready.catch(() => this.#compiled.take(key));
    this.#compiled.set(key, compiled);
    return compiled;
  }

  #endIfIdle(compiled: Compiled<Native>): void {
    if (compiled.ended && compiled.runs === 0)
      void compiled.ready.catch(() => {}).then(() => compiled.program?.dispose?.());
  }

  async run(
    inputs: readonly DeviceBuffer[],
    { donate = [], signal }: RunOptions = {},
  ): Promise<readonly DeviceBuffer[]> {
    const { buffers, requireAlive } = this.#runtime;
    const { name } = this.program;
    const wrong = donate.find((position) => inputs[position] === undefined);
    let natives: readonly (Native | undefined)[];
    let compiled: Compiled<Native>;
    let unpin = (): void => {};
    try {
      requireAlive(`run of ${name}`);
      throwIfAborted(signal);
      if (wrong !== undefined)
        throw new DdclError('argument', `${name} was run with ${inputs.length} inputs, but donates input ${wrong}.`);
      if (this.#disposed) throw new DdclError('disposed', `${name} was run after its dispose. Compile it again.`);
      natives = inputs.map((buffer) => buffers.native(buffer, `run of ${name}`));
      const types = inputs.map(({ type }) => type);
      compiled = this.#for(bindInputs(this.program, types));
      unpin = buffers.pin(inputs);
    } finally {
      // What the run uses is pinned: it lives until the run is over.
      for (const position of donate) if (buffers.owns(inputs[position]!)) buffers.free(inputs[position]!);
    }
    compiled.runs++;
    try {
      // No waiting where there is nothing to wait for: a run of kernels is over when this returns.
      if (compiled.program === undefined) await this.#runtime.loss.guard(`run of ${name}`, compiled.ready);
      const start = (): Work<readonly (Native | undefined)[]> => {
        const running = compiled.program!.run(natives);
        return running instanceof Promise ? this.#finish(compiled, natives, running) : running;
      };
      const results = this.#runtime.compute(start, { signal, requireAlive: () => requireAlive(`run of ${name}`) });
      return this.#hand(compiled, natives, results instanceof Promise ? await results : results);
    } finally {
      compiled.runs--;
      this.#endIfIdle(compiled);
      unpin();
    }
  }

  /** Waits for results; those that come after the device went are given back. */
  async #finish(
    compiled: Compiled<Native>,
    inputs: readonly (Native | undefined)[],
    running: Promise<readonly (Native | undefined)[]>,
  ): Promise<readonly (Native | undefined)[]> {
    try {
      return await this.#runtime.loss.guard(`run of ${this.program.name}`, running);
    } catch (error) {
      running.then(
        (late) => this.#giveBack(compiled, inputs, late),
        () => {},
      );
      throw error;
    }
  }

  /** Releases results that nobody gets. */
  #giveBack(
    { given }: Compiled<Native>,
    inputs: readonly (Native | undefined)[],
    natives: readonly (Native | undefined)[],
  ): void {
    const kept = new Set<Native | undefined>(inputs);
    natives.forEach((native, index) => {
      if (native === undefined || kept.has(native)) return;
      kept.add(native);
      this.#options.release(native, given[index] ?? given[0]!);
    });
  }

  /** Results as buffers of their own: what is an input, or a result already, is copied. */
  #hand(
    compiled: Compiled<Native>,
    inputs: readonly (Native | undefined)[],
    natives: readonly (Native | undefined)[],
  ): DeviceBuffer[] {
    const { types, given } = compiled;
    const { name } = this.program;
    const { buffers, requireAlive, require } = this.#runtime;
    const { release, copy } = this.#options;
    const taken = new Set<Native | undefined>(inputs);
    const copies: { native: Native; type: ConcreteType }[] = [];
    try {
      if (natives.length !== given.length)
        throw new DdclError(
          'internal',
          `The compiled ${name} gave ${natives.length} results instead of ${given.length}.`,
        );
      const owned = given.map((type, index) => {
        const native = natives[index];
        if (native === undefined || native === null)
          throw new DdclError('internal', `The compiled ${name} gave nothing as result ${index}, ${formatType(type)}.`);
        require(`The compiled ${name}, result ${index},`, native, type);
        if (!taken.has(native)) {
          taken.add(native);
          return native;
        }
        const own = copy(native, type);
        copies.push({ native: own, type });
        return own;
      });
      requireAlive(`run of ${name}`);
      let next = 0;
      return types.map((type) => {
        const native = type.shape.includes(0) ? undefined : owned[next++];
        return buffers.add(type, native, native && (() => release(native, type)));
      });
    } catch (error) {
      for (const { native, type } of copies) release(native, type);
      this.#giveBack(compiled, inputs, natives);
      if (isDdclError(error)) throw error;
      throw new DdclError('internal', `internal: copying a result of ${name} failed: ${String(error)}`, {
        cause: error,
      });
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#compiled.clear();
  }
}
