import type { Backend, DeviceBuffer } from '../backend/contract.ts';
import { DdclError } from '../errors/ddcl-error.ts';
import { allocate } from '../program/dtype.ts';
import { elementCount, type ConcreteType } from '../program/tensor-type.ts';
import { createRandom } from '../random/random.ts';
import type { Definition } from './definition.ts';
import { noFailedStep } from './finish-step.ts';
import { isStepCount, toDType, type Numbers, type TrainerState } from './state.ts';
import type { HeldTypes } from './step-programs.ts';
import { trackedCount } from './track-temperature.ts';

/** What a trainer holds on the device: frozen parameters, and what steps consume and give back. */
export class DeviceState {
  readonly #backend: Backend;
  readonly #definition: Definition;
  readonly #types: HeldTypes;
  readonly #order: readonly ConcreteType[];
  #frozen: readonly DeviceBuffer[] = [];
  #held: DeviceBuffer[] = [];
  #isDisposed = false;

  constructor(backend: Backend, definition: Definition, types: HeldTypes) {
    this.#backend = backend;
    this.#definition = definition;
    this.#types = types;
    this.#order = [...types.trained, ...types.statistics, ...types.slots.flat(), types.flag];
  }

  get frozen(): readonly DeviceBuffer[] {
    this.requireAlive();
    return this.#frozen;
  }

  /** @throws DdclError `disposed` after dispose */
  requireAlive(): void {
    if (!this.#isDisposed) return;
    throw new DdclError('disposed', 'The trainer was disposed of. Make a new one with createTrainer().');
  }

  /** Trained parameters, statistics, optimiser state, flag; stay held. */
  get held(): readonly DeviceBuffer[] {
    this.requireAlive();
    if (this.#held.length > 0) return this.#held;
    throw new DdclError(
      'disposed',
      'The trainer holds no state: a step failed on the device and took the state with it. Restore one with restore() or setState().',
    );
  }

  get trained(): readonly DeviceBuffer[] {
    return this.held.slice(0, this.#types.trained.length);
  }

  get statistics(): readonly DeviceBuffer[] {
    return this.held.slice(this.#types.trained.length, this.#types.trained.length + this.#types.statistics.length);
  }

  /** Hands out all of {@link held} to a run that consumes it. */
  take(): DeviceBuffer[] {
    const held = [...this.held];
    this.#held = [];
    return held;
  }

  /** Takes what a run made of the held tensors in their place; returns the results beyond. After dispose it frees all of them instead. */
  put(results: readonly DeviceBuffer[]): readonly DeviceBuffer[] {
    this.#freeAll(this.#isDisposed ? results : this.#held);
    this.requireAlive();
    this.#held = results.slice(0, this.#order.length);
    return results.slice(this.#order.length);
  }

  /** Zeros where the sums of a step begin: a vector of `count` scalars, the gradients and masses. The caller's. */
  zeros(count: number): DeviceBuffer[] {
    const { dtype } = this.#definition;
    return this.#upload([{ dtype, shape: [count] }, ...this.#types.sums]);
  }

  /** Replaces parameters and state; what is refused leaves them as they were. */
  set({ step, parameters, optimizer, statistics }: TrainerState): void {
    this.requireAlive();
    requireStep(step);
    const { trained, frozen, carried, tracking } = this.#definition;
    const { slots } = this.#types;
    const parameterOf = ({ name }: { readonly name: string }): ArrayLike<number> => {
      const value = parameters[name];
      if (value !== undefined) return value;
      throw new DdclError('argument', `The state lacks the parameter '${name}'.`);
    };
    const fixed = frozen.map(parameterOf);
    const values = [
      ...trained.map(parameterOf),
      ...this.#types.statistics
        .slice(0, trackedCount(tracking))
        .map((type, index) => statistics[index] ?? (index === 0 ? anyDirection(type) : undefined)),
      ...carried.map(parameterOf),
      ...trained.flatMap(({ name }, index) => slots[index]!.map((_, slot) => optimizer[name]?.[slot])),
      [noFailedStep],
    ];
    frozen.forEach(({ type }, index) => requireLength(type, fixed[index]));
    this.#order.forEach((type, index) => requireLength(type, values[index]));
    const types = [...frozen.map(({ type }) => type), ...this.#order];
    const made = this.#upload(types, [...fixed, ...values]);
    this.#freeAll([...this.#frozen, ...this.#held]);
    this.#frozen = made.slice(0, frozen.length);
    this.#held = made.slice(frozen.length);
  }

  /** @param step the number of steps made; the state is that before the first one that was not finite */
  async read(step: number): Promise<TrainerState<Numbers>> {
    const { trained, frozen, carried, tracking } = this.#definition;
    const download = (buffers: readonly DeviceBuffer[]): Promise<Numbers[]> =>
      Promise.all(buffers.map(async (buffer) => (await this.#backend.download(buffer)) as Numbers));
    const [fixed, held] = await Promise.all([download(this.#frozen), download(this.held)]);
    const named = (names: readonly { readonly name: string }[], values: readonly Numbers[]): [string, Numbers][] =>
      names.map(({ name }, index) => [name, values[index]!]);
    const own = named(trained, held.splice(0, trained.length));
    const statistics = held.splice(0, trackedCount(tracking));
    const parameters = Object.fromEntries([
      ...own,
      ...named(frozen, fixed),
      ...named(carried, held.splice(0, carried.length)),
    ]);
    const optimizer = Object.fromEntries(
      trained.map(({ name }, index) => [name, held.splice(0, this.#types.slots[index]!.length)]),
    );
    const made = Math.min(step, held[0]![0]! - 1);
    return { step: made, parameters, optimizer, statistics };
  }

  /** Number of the first step that was not finite, or `noFailedStep`. */
  async failedStep(): Promise<number> {
    return (await this.#backend.download(this.held.at(-1)!))[0]!;
  }

  /** For good: what a run gives back later is freed by {@link put}. Idempotent. */
  dispose(): void {
    this.#isDisposed = true;
    this.#freeAll([...this.#frozen, ...this.#held]);
    [this.#frozen, this.#held] = [[], []];
  }

  /** Zeros where there are no values; if one upload fails none of them stays. */
  #upload(types: readonly ConcreteType[], values: readonly (ArrayLike<number> | undefined)[] = []): DeviceBuffer[] {
    const { dtype } = this.#definition;
    const made: DeviceBuffer[] = [];
    try {
      types.forEach((type, index) => {
        const own = values[index];
        const data = own === undefined ? allocate(dtype, elementCount(type.shape)) : toDType(own, dtype);
        made.push(this.#backend.upload(type, data));
      });
    } catch (error) {
      this.#freeAll(made);
      throw error;
    }
    return made;
  }

  #freeAll(buffers: readonly DeviceBuffer[]): void {
    for (const buffer of buffers) this.#backend.free(buffer);
  }
}

function requireStep(step: number): void {
  if (isStepCount(step)) return;
  throw new DdclError(
    'argument',
    `The step of a state must be a whole number from 0 to ${noFailedStep - 1}, but is ${typeof step === 'string' ? `the text '${step}'` : String(step)}. Give the number of steps made, as state() does.`,
  );
}

function requireLength({ shape }: ConcreteType, values: ArrayLike<number> | undefined): void {
  const count = elementCount(shape);
  if (values === undefined || values.length === count) return;
  throw new DdclError(
    'shape',
    `A tensor of shape [${shape.join(', ')}] of the state takes ${count} numbers, but got ${values.length}.`,
    { shapes: [shape] },
  );
}

/** A unit vector: where the power steps of a tracked temperature begin. */
function anyDirection({ shape }: ConcreteType): Float64Array {
  const random = createRandom(0);
  const vector = Float64Array.from({ length: elementCount(shape) }, () => random.normal());
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}
