import { turnGiver } from '../abort/turns.ts';
import { DdclError, isDdclError } from '../errors/ddcl-error.ts';
import { allocate } from '../program/dtype.ts';
import { resultTypes, type Program } from '../program/program.ts';
import { bindInputs, specialise, type Bindings } from '../program/specialise.ts';
import { formatType, isConcrete, requireConcrete, tensorType, type ConcreteType } from '../program/tensor-type.ts';
import { BufferTable } from './buffers.ts';
import { BoundedCache } from './cache.ts';
import { checkProgram, checkUpload } from './check-program.ts';
import { nonEmptyProgram } from './non-empty.ts';
import type { CompiledProgram, CompilerBackendOptions } from './compiler.ts';
import type { Backend, DeviceBuffer, Executable, RunOptions } from './contract.ts';
import { Loss } from './loss.ts';

/** How many sets of sizes a symbolic program is kept compiled for. */
const sizesPerProgram = 16;

/**
 * A whole backend out of a function that compiles a concrete program: types are checked, symbols bound by the inputs, composites that the
 * backend does not name decomposed, buffers tracked, donated, borrowed and told of a lost device.
 *
 * @throws DdclError `argument` if only one of `wrap` and `unwrap` is there
 */
export function backendFromCompiler<Native extends object>(options: CompilerBackendOptions<Native>): Backend {
  const { name, capabilities, wrap, unwrap } = options;
  if ((wrap === undefined) !== (unwrap === undefined))
    throw new DdclError('argument', `The backend '${name}' has one of wrap and unwrap. They come together.`);
  const buffers = new BufferTable<Native>(name);
  const loss = new Loss(name, options.lost);
  let disposed = false;
  const requireAlive = (use: string): void => {
    if (disposed) throw new DdclError('disposed', `${use}: the backend '${name}' was disposed. Make a new one.`);
    loss.require(use);
  };
  const require = (use: string, native: Native, type: ConcreteType): void => {
    const complaint = options.check?.(native, type);
    if (complaint !== undefined) throw new DdclError('internal', `${use} gave ${complaint} for ${formatType(type)}.`);
  };
  const turn = options.blocks === true ? turnGiver() : (): undefined => {};
  const runtime: Runtime<Native> = { buffers, loss, requireAlive, require, turn };

  return {
    contract: 1,
    name,
    capabilities,
    upload(type, data) {
      requireAlive('upload');
      const checked = requireConcrete(tensorType(type.dtype, type.shape), 'The type given to upload');
      checkUpload(name, capabilities, checked, data);
      const native = data.length === 0 ? undefined : options.upload(checked, data);
      return buffers.add(checked, native, native && (() => options.release(native, checked)));
    },
    async download(buffer) {
      requireAlive('download');
      const native = buffers.native(buffer, 'download');
      if (native === undefined) return allocate(buffer.type.dtype, 0);
      const unpin = buffers.pin([buffer]);
      try {
        return await loss.guard('download', options.download(native, buffer.type));
      } finally {
        unpin();
      }
    },
    free(buffer) {
      if (!disposed) buffers.free(buffer);
    },
    async compile(program) {
      requireAlive('compile');
      checkProgram(name, capabilities, program);
      const executable = new CompiledExecutable(program, options, runtime);
      // A concrete program is compiled now, so that what cannot run fails here and not in the first run.
      if (program.parameters.every(isConcrete)) await executable.prepare();
      return {
        program,
        run: (inputs, runOptions) => executable.run(inputs, runOptions),
        dispose: () => executable.dispose(),
      };
    },
    memory: () => buffers.memory(),
    lost: options.lost ?? new Promise(() => {}),
    ...(wrap && {
      wrap(native: unknown, type: ConcreteType): DeviceBuffer {
        requireAlive('wrap');
        const checked = requireConcrete(tensorType(type.dtype, type.shape), 'The type given to wrap');
        const borrowed = wrap(native, checked);
        require('wrap', borrowed, checked);
        return buffers.add(checked, borrowed);
      },
    }),
    ...(unwrap && {
      unwrap(buffer: DeviceBuffer): unknown {
        requireAlive('unwrap');
        const native = buffers.native(buffer, 'unwrap');
        return native && unwrap(native);
      },
    }),
    dispose() {
      if (disposed) return;
      disposed = true;
      buffers.freeAll();
      buffers.whenUnpinned(() => options.dispose?.());
    },
  };
}

interface Runtime<Native> {
  readonly buffers: BufferTable<Native>;
  readonly loss: Loss;
  readonly requireAlive: (use: string) => void;
  readonly require: (use: string, native: Native, type: ConcreteType) => void;
  readonly turn: () => Promise<void> | undefined;
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

class CompiledExecutable<Native extends object> implements Executable {
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

  async run(inputs: readonly DeviceBuffer[], { donate = [] }: RunOptions = {}): Promise<readonly DeviceBuffer[]> {
    const { buffers, requireAlive } = this.#runtime;
    const { name } = this.program;
    const wrong = donate.find((position) => inputs[position] === undefined);
    let natives: readonly (Native | undefined)[];
    let compiled: Compiled<Native>;
    let unpin = (): void => {};
    try {
      requireAlive(`run of ${name}`);
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
      const turn = this.#runtime.turn();
      if (turn !== undefined) await turn;
      const running = compiled.program!.run(natives);
      return this.#hand(
        compiled,
        natives,
        running instanceof Promise ? await this.#finish(compiled, natives, running) : running,
      );
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
