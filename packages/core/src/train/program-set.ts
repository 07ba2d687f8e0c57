import { BoundedCache } from '../backend/cache.ts';
import type { Backend, Executable } from '../backend/contract.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { formatType, type ConcreteType } from '../program/tensor-type.ts';
import type { Definition } from './definition.ts';
import {
  accumulateProgram,
  evaluateProgram,
  stepProgram,
  tokensProgram,
  updateProgram,
  type TracedStep,
} from './step-programs.ts';

/** Programs of this many kinds and sets of sizes are kept. */
const capacity = 32;

/** The programs of a trainer, compiled when they are needed: one for each set of sizes that batches have. */
export class ProgramSet {
  readonly #backend: Backend;
  readonly #definition: Definition;
  readonly #compiled = new BoundedCache<Executable>(capacity, (executable) => executable.dispose());
  #names: readonly string[] | undefined;
  #isDisposed = false;

  constructor(backend: Backend, definition: Definition) {
    this.#backend = backend;
    this.#definition = definition;
  }

  /** Names of the loss's scalars. @throws DdclError `argument` before the first program */
  get names(): readonly string[] {
    if (this.#names !== undefined) return this.#names;
    throw new DdclError('argument', 'There is no step to report yet. Make one first.');
  }

  /** Scalars that are summed over batches: the loss's (without reports its weight alone), and the number of batches where it gives no weight. */
  get sumCount(): number {
    return this.#definition.reports ? this.names.length + (this.names.includes('weight') ? 0 : 1) : 1;
  }

  step(inputs: readonly ConcreteType[]): Promise<Executable> {
    return this.#get('step', inputs, () => stepProgram(this.#definition, inputs));
  }

  async accumulate(inputs: readonly ConcreteType[]): Promise<Executable> {
    // The sums' type depends on what the loss returns, which only tracing tells.
    if (this.#names === undefined) this.#learn(evaluateProgram(this.#definition, inputs).names);
    return this.#get('accumulate', inputs, () => accumulateProgram(this.#definition, inputs, this.sumCount));
  }

  update(): Promise<Executable> {
    return this.#get('update', [], () => ({ program: updateProgram(this.#definition, this.names, this.sumCount) }));
  }

  evaluate(inputs: readonly ConcreteType[]): Promise<Executable> {
    return this.#get('evaluate', inputs, () => evaluateProgram(this.#definition, inputs));
  }

  tokens(inputs: readonly ConcreteType[]): Promise<Executable> {
    return this.#get('tokens', inputs, () => ({ program: tokensProgram(this.#definition, inputs) }));
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#compiled.clear();
  }

  async #get(
    kind: string,
    inputs: readonly ConcreteType[],
    make: () => Pick<TracedStep, 'program'> & Partial<TracedStep>,
  ): Promise<Executable> {
    const key = `${kind} ${inputs.map(formatType).join(' ')}`;
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const traced = make();
    if (traced.names !== undefined) this.#learn(traced.names);
    const executable = await this.#backend.compile(traced.program);
    if (this.#isDisposed) {
      executable.dispose();
      throw new DdclError(
        'disposed',
        'The trainer was disposed of while a program of it was compiled. Make a new one.',
      );
    }
    this.#compiled.set(key, executable);
    return executable;
  }

  #learn(names: readonly string[]): void {
    this.#names ??= names;
    if (this.#names.join() === names.join()) return;
    throw new DdclError(
      'argument',
      `A loss returns the same scalars for all sizes of a batch, but gave ${this.#names.join(', ')} and then ${names.join(', ')}.`,
    );
  }
}
